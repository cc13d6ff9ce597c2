/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/trace/scheduling.h"
#include "tests/unit/support/unit_test.h"

static struct thread thread = { .tid = 5, .tgid = 5, .comm = "x" };

static void feed_rules(struct scheduling *scheduling, uint64_t at_ns, uint32_t policy,
		       const char *cpus, const char *group)
{
	struct event event = { .thread = &thread };

	event.raw = (struct ft_event){ .kind = FT_EVENT_SCHEDULING,
				       .time_ns = at_ns,
				       .scheduling = { policy, 0, 0, cpus, group } };
	assert_int_equal(scheduling_event(scheduling, &event), 0);
}

static void feed_counter(struct scheduling *scheduling, const char *scope, const char *name,
			 int64_t value)
{
	struct event event = { .thread = NULL };

	event.raw = (struct ft_event){ .kind = FT_EVENT_COUNTER,
				       .counter = { name, scope, value } };
	assert_int_equal(scheduling_event(scheduling, &event), 0);
}

static void nearest_reading_counts(void **state)
{
	struct scheduling *scheduling;

	(void)state;
	assert_int_equal(scheduling_create(&scheduling), 0);
	assert_null(scheduling_rules(scheduling, &thread, 5));
	for (uint32_t i = 0; i < 100; i++)
		feed_rules(scheduling, 100 * i, i, "0", "/a");
	assert_int_equal(scheduling_rules(scheduling, &thread, 140)->policy, 1);
	assert_int_equal(scheduling_rules(scheduling, &thread, 160)->policy, 2);
	assert_int_equal(scheduling_rules(scheduling, &thread, UINT64_MAX)->policy, 99);
	assert_ptr_equal(scheduling_rules(scheduling, &thread, 0)->cpus,
			 scheduling_rules(scheduling, &thread, 100)->cpus);
	scheduling_destroy(scheduling);
}

static void policies_have_names(void **state)
{
	static const struct {
		uint32_t policy;
		const char *name;
		bool real_time;
	} known[] = { { 0, "SCHED_OTHER", false }, { 1, "SCHED_FIFO", true }, { 2, "SCHED_RR", true },
		      { 5, "SCHED_IDLE", false },  { 6, "SCHED_DEADLINE", true },
		      { 4, "", false },		   { UINT32_MAX, "", false } };

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		const struct thread_rules rules = { .policy = known[i].policy };

		assert_string_equal(thread_rules_policy(&rules), known[i].name);
		assert_int_equal(thread_rules_real_time(&rules), known[i].real_time);
	}
}

static bool allows(const char *cpus, uint32_t cpu)
{
	return thread_rules_allow(&(struct thread_rules){ .cpus = cpus }, cpu);
}

static void list_of_cpus_is_understood(void **state)
{
	(void)state;
	assert_true(allows("0-3,8", 0));
	assert_true(allows("0-3,8", 3));
	assert_false(allows("0-3,8", 4));
	assert_true(allows("0-3,8", 8));
	assert_false(allows("0-3,8", 9));
	assert_true(allows("", 7)); /* not known */
	assert_false(allows("nonsense", 7));
	assert_false(allows("1-,", 7));
	assert_true(allows("5,6-999999999999999999999", 7));
}

static void groups_lie_within_each_other(void **state)
{
	(void)state;
	assert_true(group_is_within("/a/b", "/a"));
	assert_true(group_is_within("/a", "/a"));
	assert_false(group_is_within("/ab", "/a"));
	assert_false(group_is_within("", "/a"));
	assert_true(group_is_within("/a", "/"));
	assert_true(group_is_within("", ""));
}

static void limit_of_a_group_above_holds(void **state)
{
	struct scheduling *scheduling;
	struct cpu_limit limit;
	struct ft_facts *facts;

	(void)state;
	assert_int_equal(scheduling_create(&scheduling), 0);
	assert_int_equal(ft_facts_create(&facts), 0);
	assert_false(scheduling_real_time_limit(scheduling, facts, "/a/b", &limit));
	ft_facts_set_number(facts, FT_FACT_RT_RUNTIME_US, 950000);
	ft_facts_set_number(facts, FT_FACT_RT_PERIOD_US, 1000000);
	assert_true(scheduling_real_time_limit(scheduling, facts, "/a/b", &limit));
	assert_string_equal(limit.group, "");
	assert_int_equal(limit.runtime_us, 950000);
	feed_counter(scheduling, "/", "cpu.rt_runtime_us", 900000);
	feed_counter(scheduling, "/", "cpu.rt_period_us", 1000000);
	feed_counter(scheduling, "/a", "cpu.rt_runtime_us", 0);
	feed_counter(scheduling, "/a", "cpu.rt_period_us", 1000000);
	assert_true(scheduling_real_time_limit(scheduling, facts, "/a/b", &limit));
	assert_string_equal(limit.group, "/a");
	assert_int_equal(limit.runtime_us, 0);
	assert_true(scheduling_real_time_limit(scheduling, facts, "/c", &limit));
	assert_string_equal(limit.group, "");
	ft_facts_set_number(facts, FT_FACT_RT_RUNTIME_US, -1);
	assert_false(scheduling_real_time_limit(scheduling, facts, "nonsense", &limit));
	ft_facts_destroy(facts);
	scheduling_destroy(scheduling);
}

static void quota_that_ran_out_most_often_counts(void **state)
{
	struct scheduling *scheduling;
	struct cpu_limit limit;

	(void)state;
	assert_int_equal(scheduling_create(&scheduling), 0);
	assert_false(scheduling_quota(scheduling, "/a/b", &limit));
	assert_false(scheduling_no_quota(scheduling, "/a/b"));
	assert_false(scheduling_no_quota(scheduling, ""));
	assert_false(scheduling_no_quota(scheduling, "nonsense"));
	feed_counter(scheduling, "/a/b", "cpu.max:quota", -1);
	assert_false(scheduling_no_quota(scheduling, "/a/b"));
	feed_counter(scheduling, "/a", "cpu.max:quota", -1);
	assert_true(scheduling_no_quota(scheduling, "/a/b"));
	assert_true(scheduling_no_quota(scheduling, "/"));
	feed_counter(scheduling, "/a", "cpu.max:quota", 20000);
	feed_counter(scheduling, "/a", "cpu.max:period", 100000);
	assert_false(scheduling_no_quota(scheduling, "/a/b"));
	assert_true(scheduling_quota(scheduling, "/a/b", &limit));
	assert_string_equal(limit.group, "/a");
	assert_true(limit.unified);
	assert_false(limit.counted);
	feed_counter(scheduling, "/a/b", "cpu.max:quota", 90000);
	feed_counter(scheduling, "/a/b", "cpu.max:period", 100000);
	feed_counter(scheduling, "/a", "cpu.stat:nr_throttled", 5);
	feed_counter(scheduling, "/a", "cpu.stat:nr_throttled", 8);
	feed_rules(scheduling, 1, 0, "0", "/a/b");
	assert_true(scheduling_is_limited(scheduling, &thread, 1));
	feed_rules(scheduling, 100, 0, "0", "/c");
	assert_false(scheduling_is_limited(scheduling, &thread, 100));
	feed_rules(scheduling, 200, 1, "0", "/c");
	assert_true(scheduling_is_limited(scheduling, &thread, 200));
	feed_counter(scheduling, "/a", "cpu.stat:throttled_usec", 1000);
	feed_counter(scheduling, "/a", "cpu.stat:throttled_usec", 3000);
	assert_true(scheduling_quota(scheduling, "/a/b", &limit));
	assert_string_equal(limit.group, "/a");
	assert_true(limit.counted);
	assert_int_equal(limit.throttled_periods, 3);
	assert_int_equal(limit.throttled_ns, 2000000);
	scheduling_destroy(scheduling);
}

/* Groups far above are not looked at: a made-up path has hundreds of levels. */
static void there_is_an_end_to_the_levels(void **state)
{
	struct scheduling *scheduling;
	struct cpu_limit limit;
	char path[400] = "";

	(void)state;
	assert_int_equal(scheduling_create(&scheduling), 0);
	for (size_t i = 0; i < 100; i++) {
		memcpy(path + 2 * i, "/a", 3);
		feed_counter(scheduling, path, "cpu.max:quota", i ? -1 : 1000);
		feed_counter(scheduling, path, "cpu.max:period", 100000);
	}
	assert_false(scheduling_quota(scheduling, path, &limit));
	assert_false(scheduling_no_quota(scheduling, path));
	path[2 * 3] = '\0';
	assert_true(scheduling_quota(scheduling, path, &limit));
	scheduling_destroy(scheduling);
}

/* A made-up capture may have any number of groups, and any text. */
static void there_is_an_end_to_what_is_kept(void **state)
{
	struct scheduling *scheduling;
	char text[32];

	(void)state;
	assert_int_equal(scheduling_create(&scheduling), 0);
	for (int i = 0; i < 200000; i++) {
		snprintf(text, sizeof(text), "/%d", i);
		feed_counter(scheduling, text, text, i);
		feed_rules(scheduling, (uint64_t)i, 0, text, text);
	}
	assert_string_equal(scheduling_rules(scheduling, &thread, UINT64_MAX)->cpus, "");
	scheduling_destroy(scheduling);
}

UNIT_TESTS(scheduling)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nearest_reading_counts),
		cmocka_unit_test(policies_have_names),
		cmocka_unit_test(list_of_cpus_is_understood),
		cmocka_unit_test(groups_lie_within_each_other),
		cmocka_unit_test(limit_of_a_group_above_holds),
		cmocka_unit_test(quota_that_ran_out_most_often_counts),
		cmocka_unit_test(there_is_an_end_to_the_levels),
		cmocka_unit_test(there_is_an_end_to_what_is_kept),
	};

	return run_unit_tests(tests, NULL, NULL);
}
