/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What detectors found, made up, and the findings that it becomes: on both sides of the figures
 * that decide a grade, a name or a sentence.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/detect/coverage.h"
#include "analyzer/detect/cpu_starvation.h"
#include "analyzer/detect/detectors.h"
#include "analyzer/detect/finding.h"
#include "analyzer/detect/lock_convoy.h"
#include "analyzer/detect/slow_producer.h"
#include "analyzer/detect/spin.h"
#include "analyzer/detect/tables.h"
#include "analyzer/detect/thresholds.h"
#include "capture/symbols.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS 1000000ull

static struct thread worker = { .tid = 101, .tgid = 100, .comm = "worker" };
static struct thread hog = { .tid = 900, .tgid = 900, .comm = "hog", .index = 1 };
static struct victim victims[2] = { { &worker, 1000 * MS, 1000 * MS, 0 },
				    { &hog, 1000 * MS, 1000 * MS, 0 } };

/* A model of one finding, and what a report asks. */
struct desk {
	struct ft_symbols *symbols;
	struct stack_table *stacks;
	struct stack_infos *infos;
	struct model *model;
	struct detect_context in;
};

static int open_desk(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));

	assert_non_null(desk);
	desk->model = calloc(1, sizeof(*desk->model));
	assert_non_null(desk->model);
	assert_int_equal(ft_symbols_create(&desk->symbols), 0);
	assert_int_equal(stack_table_create(desk->symbols, &desk->stacks), 0);
	assert_int_equal(stack_infos_create(desk->stacks, &desk->infos), 0);
	desk->model->stall.found = true;
	desk->model->stall.end_ns = 1000 * MS;
	desk->in = (struct detect_context){ .stacks = desk->stacks,
					    .stack_infos = desk->infos,
					    .model = desk->model };
	*state = desk;
	return 0;
}

static int close_desk(void **state)
{
	struct desk *desk = *state;

	desk->model->operations = desk->infos;
	model_free(desk->model);
	stack_table_destroy(desk->stacks);
	ft_symbols_destroy(desk->symbols);
	free(desk);
	return 0;
}

/* A new finding that @tell makes of @found. */
static struct model_finding *make_finding(struct desk *desk,
					  void (*tell)(const struct detect_context *, const void *,
						       struct model_finding *),
					  const void *found)
{
	struct model_finding *finding = finding_append(desk->model, FINDING_NO_STALL);

	assert_non_null(finding);
	tell(&desk->in, found, finding);
	assert_int_equal(finding_status(finding), 0);
	return finding;
}

/* A mutex that hog held for @hold_ms; worker waited 1000 ms for it, hog's releases prove all of
 * that. */
static struct contended_lock lock_of(uint64_t hold_ms)
{
	struct lock_owner owner = {
		.thread = &hog,
		.blamed_ns = 1000 * MS,
		.holds = 1,
		.longest = { .end_ns = hold_ms * MS, .first_woken = &worker },
	};

	return (struct contended_lock){
		.class = WAIT_LOCK_MUTEX,
		.wait_ns = 1000 * MS,
		.victims = victims,
		.victim_count = 1,
		.has_owner = true,
		.holder = owner,
		.owner = owner,
	};
}

static void lock_charge_is_strong_from_half_of_the_wait_that_releases_prove(void **state)
{
	struct desk *desk = *state;
	struct contended_lock lock = lock_of(1000);
	uint64_t least_ns = lock.wait_ns * LOCK_STRONG_PERCENT / 100;

	lock.owner.plausible_ns = lock.owner.blamed_ns - least_ns;
	assert_int_equal(make_finding(desk, lock_convoy_report, &lock)->grade, GRADE_STRONG);
	lock.owner.plausible_ns++;
	assert_int_equal(make_finding(desk, lock_convoy_report, &lock)->grade, GRADE_PLAUSIBLE);
}

static void lock_charge_is_exact_from_half_of_the_wait_that_the_kernel_tells(void **state)
{
	struct desk *desk = *state;
	struct contended_lock lock = lock_of(1000);

	lock.owner.exact_ns = lock.wait_ns * LOCK_STRONG_PERCENT / 100;
	assert_int_equal(make_finding(desk, lock_convoy_report, &lock)->grade, GRADE_EXACT);
	lock.owner.exact_ns--;
	assert_int_equal(make_finding(desk, lock_convoy_report, &lock)->grade, GRADE_STRONG);
}

static void holds_shorter_than_half_of_the_stall_made_it_together(void **state)
{
	struct desk *desk = *state;
	struct contended_lock lock = lock_of(1000 * HELD_AGAIN_PERCENT / 100 - 1);

	lock.owner.holds = 2;
	assert_non_null(strstr(make_finding(desk, lock_convoy_report, &lock)->summary, "2 times"));
	lock.owner.longest.end_ns += MS;
	assert_null(strstr(make_finding(desk, lock_convoy_report, &lock)->summary, "2 times"));
}

static void holder_without_a_cpu_for_more_than_half_of_the_hold_is_short_of_it(void **state)
{
	struct desk *desk = *state;
	struct contended_lock lock = lock_of(1000);
	uint64_t *runnable_ns = &lock.hold_summary.state_ns[THREAD_RUNNABLE];

	*runnable_ns = 1000 * MS * HOLDER_STARVED_PERCENT / 100;
	assert_null(
		strstr(make_finding(desk, lock_convoy_report, &lock)->advice, "waited for a CPU"));
	++*runnable_ns;
	assert_non_null(
		strstr(make_finding(desk, lock_convoy_report, &lock)->advice, "waited for a CPU"));
}

static void holder_that_did_not_run_for_a_tenth_of_the_hold_is_explained(void **state)
{
	struct desk *desk = *state;
	struct contended_lock lock = lock_of(1000);
	uint64_t *blocked_ns = &lock.hold_summary.state_ns[THREAD_BLOCKED];

	lock.hold_delays.waits[0] = (struct delay_wait){ .class = WAIT_SLEEP, .operation = "" };
	lock.hold_delays.wait_count = 1;
	*blocked_ns = 1000 * MS * HOLD_WHY_PERCENT / 100;
	assert_non_null(make_finding(desk, lock_convoy_report, &lock)->culprit.why);
	--*blocked_ns;
	assert_null(make_finding(desk, lock_convoy_report, &lock)->culprit.why);
}

static void wait_of_the_holder_is_told_from_a_twentieth_of_the_hold_on(void **state)
{
	struct desk *desk = *state;
	struct contended_lock lock = lock_of(1000);
	struct delay_wait *second = &lock.hold_delays.waits[1];

	lock.hold_summary.state_ns[THREAD_BLOCKED] = 900 * MS;
	lock.hold_delays.waits[0] =
		(struct delay_wait){ .class = WAIT_SLEEP, .operation = "", .waited_ns = 800 * MS };
	*second = (struct delay_wait){ .class = WAIT_IO_BLOCK, .operation = "" };
	lock.hold_delays.wait_count = 2;
	second->waited_ns = 1000 * MS * HOLD_TOLD_PERCENT / 100;
	assert_non_null(
		strstr(make_finding(desk, lock_convoy_report, &lock)->culprit.why, "io.block"));
	second->waited_ns--;
	assert_null(strstr(make_finding(desk, lock_convoy_report, &lock)->culprit.why, "io.block"));
}

/* Whether a call of hog at @call_ns is behind its hold of mmap_lock from @start_ns to @end_ns. */
static bool is_behind(struct desk *desk, uint64_t call_ns, uint64_t start_ns, uint64_t end_ns)
{
	const struct event event = {
		.raw = { .kind = FT_EVENT_CALL,
			 .time_ns = call_ns,
			 .call = { .call = FT_CALL_MMAP, .args = { 0, 3u << 20 } } },
		.thread = &hog,
	};
	struct contended_lock lock = lock_of(0);
	struct large_calls *calls;
	bool behind;

	assert_int_equal(large_calls_create(&calls), 0);
	assert_int_equal(large_calls_event(calls, &event), 0);
	desk->in.calls = calls;
	lock.class = WAIT_LOCK_MMAP;
	lock.owner.longest.start_ns = start_ns;
	lock.owner.longest.end_ns = end_ns;
	behind = make_finding(desk, lock_convoy_report, &lock)->has_allocation;
	large_calls_destroy(calls);
	return behind;
}

static void call_is_behind_a_hold_that_it_waited_for_or_began_in(void **state)
{
	struct desk *desk = *state;
	uint64_t start_ns = 5000 * MS, end_ns = 6000 * MS;
	uint64_t latest_ns = start_ns + 1000 * MS * CALL_IN_HOLD_PERCENT / 100;

	assert_true(is_behind(desk, start_ns - CALL_BEFORE_HOLD_NS, start_ns, end_ns));
	assert_false(is_behind(desk, start_ns - CALL_BEFORE_HOLD_NS - 1, start_ns, end_ns));
	assert_true(is_behind(desk, latest_ns, start_ns, end_ns));
	assert_false(is_behind(desk, latest_ns + 1, start_ns, end_ns));
}

static void best_candidate_is_named_from_a_hundredth_of_the_wait_on(void **state)
{
	struct desk *desk = *state;
	struct contended_lock lock = lock_of(1000);

	lock.has_owner = false;
	lock.candidate.thread = &hog;
	lock.candidate.blamed_ns = lock.wait_ns * CANDIDATE_PERCENT / 100;
	assert_true(scene_has_evidence(make_finding(desk, lock_convoy_report, &lock), "900 (hog)"));
	lock.candidate.blamed_ns--;
	assert_false(
		scene_has_evidence(make_finding(desk, lock_convoy_report, &lock), "900 (hog)"));
}

/* worker waited 1000 ms for a CPU, on which hog ran for @hog_ms, @go_ms of that in one go. */
static struct cpu_starvation starvation_of(uint64_t hog_ms, uint64_t go_ms)
{
	static const struct long_wait longest = { .thread = &worker,
						  .class = WAIT_CPU_RUNQUEUE,
						  .end_ns = 1000 * MS,
						  .blocked_ns = 1000 * MS };

	return (struct cpu_starvation){
		.longest = &longest,
		.waited_ns = 1000 * MS,
		.queued_ns = 1000 * MS,
		.victims = victims,
		.victim_count = 1,
		.runners = 2,
		.top[0] = { .thread = &hog, .ns = hog_ms * MS, .to_ns = go_ms * MS },
	};
}

static void thread_that_ran_for_half_of_the_wait_for_its_cpu_is_to_blame(void **state)
{
	struct desk *desk = *state;
	struct cpu_starvation half = starvation_of(1000 * STARVED_MOST_PERCENT / 100, 1);
	struct cpu_starvation less = starvation_of(1000 * STARVED_MOST_PERCENT / 100 - 1, 1);

	assert_true(make_finding(desk, cpu_starvation_report, &half)->has_culprit);
	assert_false(make_finding(desk, cpu_starvation_report, &less)->has_culprit);
	/* its process as well, though none of the threads */
	less.process.most.thread = less.top[0].thread;
	less.process.ns = less.queued_ns * STARVED_MOST_PERCENT / 100;
	assert_true(make_finding(desk, cpu_starvation_report, &less)->has_culprit);
	less.process.ns--;
	assert_false(make_finding(desk, cpu_starvation_report, &less)->has_culprit);
	/* so do all of its name */
	less.named = (struct cpu_party){ .most = less.top[0], .name = "hog", .threads = 6,
					 .processes = 6 };
	less.named.ns = less.queued_ns * STARVED_MOST_PERCENT / 100;
	assert_non_null(strstr(make_finding(desk, cpu_starvation_report, &less)->summary,
			       "6 processes hog together ran there instead for 50.0 %"));
	less.named.ns--;
	assert_false(make_finding(desk, cpu_starvation_report, &less)->has_culprit);
}

/* It had nearly all of what the others of its name had, too: who is told of those? */
static void thread_is_named_alone_from_three_quarters_of_its_name_on(void **state)
{
	struct desk *desk = *state;
	struct cpu_starvation starved = starvation_of(750, 1);

	starved.named = (struct cpu_party){ .most = starved.top[0], .name = "hog", .threads = 2,
					    .processes = 2 };
	starved.named.ns = starved.top[0].ns * 100 / STARVED_ALONE_PERCENT;
	assert_non_null(strstr(make_finding(desk, cpu_starvation_report, &starved)->summary,
			       "Thread 900 (hog) ran there"));
	starved.named.ns += 2;
	assert_non_null(strstr(make_finding(desk, cpu_starvation_report, &starved)->summary,
			       "2 processes hog together"));
}

static const char *told_summary(struct desk *desk, const struct cpu_starvation *starvation)
{
	return make_finding(desk, cpu_starvation_report, starvation)->summary;
}

/* The service may use CPU 0, and CPU 1 has nothing to do. */
static void cpus_are_told_where_others_were_free_for_half_of_the_wait(void **state)
{
	static const struct thread_rules rules = { .cpus = "0", .group = "/" };
	struct desk *desk = *state;
	struct cpu_starvation starved = starvation_of(900, 1);

	starved.bound_rules = &rules;
	starved.bound_ns = starved.waited_ns * STARVED_MOST_PERCENT / 100;
	starved.free_cpu = 1;
	starved.free_ns = starved.bound_ns * STARVED_MOST_PERCENT / 100;
	assert_non_null(strstr(told_summary(desk, &starved),
			       "They may use CPU 0 only, while CPU 1 had nothing to do for 50.0 %"));
	assert_int_equal(make_finding(desk, cpu_starvation_report, &starved)->grade, GRADE_STRONG);
	assert_non_null(strstr(make_finding(desk, cpu_starvation_report, &starved)->advice, "taskset"));
	starved.free_ns--;
	assert_null(strstr(told_summary(desk, &starved), "CPU 0 only"));
	assert_int_equal(make_finding(desk, cpu_starvation_report, &starved)->grade, GRADE_PLAUSIBLE);
	starved.free_ns++;
	starved.bound_ns--;
	assert_null(strstr(told_summary(desk, &starved), "CPU 0 only"));
}


static void quota_and_idle_cpus_throttle_from_half_of_the_wait_on(void **state)
{
	struct cpu_starvation starved = starvation_of(0, 0);

	(void)state;
	starved.quota_ns = starved.waited_ns * STARVED_MOST_PERCENT / 100;
	assert_int_equal(cpu_starvation_cause(&starved), STARVED_BY_QUOTA);
	starved.quota_ns--;
	assert_int_equal(cpu_starvation_cause(&starved), STARVED_BY_OTHERS);
	starved.idle_ns = starved.queued_ns * STARVED_MOST_PERCENT / 100;
	assert_int_equal(cpu_starvation_cause(&starved), STARVED_BY_QUOTA);
	starved.no_quota = true; /* it was read that there is none */
	assert_int_equal(cpu_starvation_cause(&starved), STARVED_BY_OTHERS);
	starved.no_quota = false;
	starved.idle_ns--;
	assert_int_equal(cpu_starvation_cause(&starved), STARVED_BY_OTHERS);
	/* so does what the kernel counted */
	starved.stall_ns = 1000 * MS;
	starved.quota = (struct cpu_limit){ .group = "/g", .counted = true };
	starved.quota.throttled_ns = starved.stall_ns * STARVED_MOST_PERCENT / 100;
	assert_int_equal(cpu_starvation_cause(&starved), STARVED_BY_QUOTA);
	starved.quota.throttled_ns--;
	assert_int_equal(cpu_starvation_cause(&starved), STARVED_BY_OTHERS);
}

static void real_time_is_withheld_from_half_of_the_wait_on(void **state)
{
	struct cpu_starvation starved = starvation_of(0, 0);

	(void)state;
	starved.withheld_ns = starved.queued_ns * STARVED_MOST_PERCENT / 100;
	assert_int_equal(cpu_starvation_cause(&starved), STARVED_BY_REAL_TIME_LIMIT);
	starved.withheld_ns--;
	assert_int_equal(cpu_starvation_cause(&starved), STARVED_BY_OTHERS);
}

/* Who used it up is named if he had half of what was used. */
static void spender_of_a_limit_is_named_from_half_of_its_use_on(void **state)
{
	struct desk *desk = *state;
	struct cpu_starvation starved = starvation_of(0, 0);
	const struct model_finding *finding;

	starved.cause = STARVED_BY_REAL_TIME_LIMIT;
	starved.withheld_ns = starved.queued_ns;
	starved.limit = (struct cpu_limit){ "/g", false, 200000, 1000000, false, 0, 0, 0 };
	starved.consumers = (struct cpu_party){ .most = starved.top[0], .name = "hog", .threads = 1,
						.processes = 1, .ns = 100 * MS };
	starved.consumed_ns = starved.consumers.ns * 100 / STARVED_MOST_PERCENT;
	finding = make_finding(desk, cpu_starvation_report, &starved);
	assert_int_equal(finding->kind, FINDING_CPU_THROTTLED);
	assert_int_equal(finding->grade, GRADE_STRONG);
	assert_true(finding->has_culprit);
	assert_non_null(strstr(finding->summary, "200 ms of each 1.00 s (cpu.rt_runtime_us)"));
	assert_non_null(strstr(finding->summary, "Thread 900 (hog) used 50.0 % of it."));
	starved.consumed_ns += 2;
	finding = make_finding(desk, cpu_starvation_report, &starved);
	assert_false(finding->has_culprit);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
}

static void thread_that_gave_way_to_nobody_for_long_is_strongly_to_blame(void **state)
{
	struct desk *desk = *state;
	static const struct thread_rules real_time = { .policy = 1, .priority = 5 };
	struct cpu_starvation starved = starvation_of(1000, NEVER_GIVES_WAY_NS / MS);

	starved.top_rules = &real_time;
	assert_int_equal(make_finding(desk, cpu_starvation_report, &starved)->grade, GRADE_STRONG);
	starved.top[0].to_ns--;
	assert_int_equal(make_finding(desk, cpu_starvation_report, &starved)->grade,
			 GRADE_PLAUSIBLE);
}

static void kernel_spin_is_strong_from_so_many_samples_on(void **state)
{
	struct desk *desk = *state;
	struct spin spin = { .in_kernel = true,
			     .victims = victims,
			     .victim_count = 2,
			     .samples = 1000,
			     .spinning = SPIN_STRONG_SAMPLES };

	assert_int_equal(make_finding(desk, spin_report, &spin)->grade, GRADE_STRONG);
	spin.spinning--;
	assert_int_equal(make_finding(desk, spin_report, &spin)->grade, GRADE_PLAUSIBLE);
}

/* worker waited a second for hog, as never before in 1000 waits. */
static struct slow_producer producer_that_ran(void)
{
	return (struct slow_producer){
		.did = PRODUCER_RAN,
		.thread = &hog,
		.victims = victims,
		.victim_count = 1,
		.longest = {
			.thread = &worker, .class = WAIT_IPC_PIPE, .end_ns = 1000 * MS,
			.before.count = 1000, .links = 1, .produced = 1000, .wakeups = 1000,
		},
		.state_ns[THREAD_RUNNING] = 1000 * MS,
		.run_ns = 1000 * MS,
	};
}

static void producer_of_a_hundred_waits_is_known_well(void **state)
{
	struct desk *desk = *state;
	struct slow_producer producer = producer_that_ran();

	producer.longest.before.count = PRODUCER_STRONG_WAITS;
	assert_int_equal(make_finding(desk, slow_producer_report, &producer)->grade, GRADE_STRONG);
	producer.longest.before.count--;
	assert_int_equal(make_finding(desk, slow_producer_report, &producer)->grade,
			 GRADE_PLAUSIBLE);
}

static void producer_that_ended_half_of_the_waits_is_known_well(void **state)
{
	struct desk *desk = *state;
	struct slow_producer producer = producer_that_ran();

	producer.longest.produced = producer.longest.wakeups * PRODUCER_STRONG_PERCENT / 100;
	assert_int_equal(make_finding(desk, slow_producer_report, &producer)->grade, GRADE_STRONG);
	producer.longest.produced--;
	assert_int_equal(make_finding(desk, slow_producer_report, &producer)->grade,
			 GRADE_PLAUSIBLE);
}

static void producer_that_wanted_a_cpu_for_more_than_a_twentieth_of_its_run_says_so(void **state)
{
	struct desk *desk = *state;
	struct slow_producer producer = producer_that_ran();
	uint64_t *runnable_ns = &producer.state_ns[THREAD_RUNNABLE];

	*runnable_ns = 1000 * MS * PRODUCER_QUEUED_PERCENT / 100;
	assert_null(strstr(make_finding(desk, slow_producer_report, &producer)->summary,
			   "wanted a CPU"));
	++*runnable_ns;
	assert_non_null(strstr(make_finding(desk, slow_producer_report, &producer)->summary,
			       "wanted a CPU"));
}

static enum grade grade_no_stall(struct desk *desk, uint64_t long_ns)
{
	assert_int_equal(no_stall_report(desk->model, long_ns), 0);
	return desk->model->findings[desk->model->finding_count - 1].grade;
}

static void no_stall_is_only_plausible_where_more_than_a_tenth_is_not_known(void **state)
{
	struct desk *desk = *state;

	desk->model->capture.complete = true;
	desk->model->capture.duration_ns = 1000 * MS;
	desk->model->capture.target_threads = 2;
	desk->model->coverage.unknown_ns = 2000 * MS * DOUBT_UNKNOWN_PERCENT / 100;
	assert_int_equal(grade_no_stall(desk, 200 * MS), GRADE_STRONG);
	desk->model->coverage.unknown_ns++;
	assert_int_equal(grade_no_stall(desk, 200 * MS), GRADE_PLAUSIBLE);
}

static void no_stall_is_only_plausible_where_a_futex_was_waited_for_as_long_as_a_stall(void **state)
{
	struct desk *desk = *state;

	desk->model->capture.complete = true;
	desk->model->capture.duration_ns = 1000 * MS;
	desk->model->waits = calloc(1, sizeof(*desk->model->waits));
	assert_non_null(desk->model->waits);
	desk->model->wait_count = 1;
	desk->model->waits[0] = (struct model_wait){ .class = WAIT_LOCK_FUTEX, .max_ns = 300 * MS };
	assert_int_equal(grade_no_stall(desk, 300 * MS), GRADE_PLAUSIBLE);
	assert_int_equal(grade_no_stall(desk, 300 * MS + 1), GRADE_STRONG);
}

static void owner_is_graded_by_more_than_half_of_what_is_charged_to_it(void **state)
{
	struct lock_owner owner = { .thread = &hog, .blamed_ns = 1000 * MS };
	uint64_t half_ns = owner.blamed_ns * TABLE_MOST_PERCENT / 100;

	(void)state;
	owner.exact_ns = half_ns;
	assert_int_equal(tables_owner_grade(&owner), GRADE_STRONG);
	owner.exact_ns++;
	assert_int_equal(tables_owner_grade(&owner), GRADE_EXACT);
	owner.plausible_ns = half_ns;
	assert_int_equal(tables_owner_grade(&owner), GRADE_EXACT);
	owner.plausible_ns++;
	assert_int_equal(tables_owner_grade(&owner), GRADE_PLAUSIBLE);
}

static void capture_contradicts_itself_from_one_switch_in_so_many_on(void **state)
{
	struct desk *desk = *state;
	struct observations observations = { .contradictions = 100 };
	const struct detect_context in = { .observations = &observations, .model = desk->model };

	observations.prescan.switches = observations.contradictions * CONTRADICTIONS_OF;
	coverage_lower_grades(&in);
	assert_false(desk->model->coverage.contradicts);
	observations.prescan.switches--;
	coverage_lower_grades(&in);
	assert_true(desk->model->coverage.contradicts);
}

static void a_few_contradictions_say_nothing(void **state)
{
	struct desk *desk = *state;
	struct observations observations = { .contradictions = CONTRADICTIONS_FEW };
	const struct detect_context in = { .observations = &observations, .model = desk->model };

	coverage_lower_grades(&in);
	assert_false(desk->model->coverage.contradicts);
	observations.contradictions++;
	coverage_lower_grades(&in);
	assert_true(desk->model->coverage.contradicts);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_desk, close_desk)

UNIT_TESTS(reports)
{
	const struct CMUnitTest tests[] = {
		TEST(lock_charge_is_strong_from_half_of_the_wait_that_releases_prove),
		TEST(lock_charge_is_exact_from_half_of_the_wait_that_the_kernel_tells),
		TEST(holds_shorter_than_half_of_the_stall_made_it_together),
		TEST(holder_without_a_cpu_for_more_than_half_of_the_hold_is_short_of_it),
		TEST(holder_that_did_not_run_for_a_tenth_of_the_hold_is_explained),
		TEST(wait_of_the_holder_is_told_from_a_twentieth_of_the_hold_on),
		TEST(call_is_behind_a_hold_that_it_waited_for_or_began_in),
		TEST(best_candidate_is_named_from_a_hundredth_of_the_wait_on),
		TEST(thread_that_ran_for_half_of_the_wait_for_its_cpu_is_to_blame),
		TEST(thread_is_named_alone_from_three_quarters_of_its_name_on),
		TEST(cpus_are_told_where_others_were_free_for_half_of_the_wait),
		TEST(quota_and_idle_cpus_throttle_from_half_of_the_wait_on),
		TEST(real_time_is_withheld_from_half_of_the_wait_on),
		TEST(spender_of_a_limit_is_named_from_half_of_its_use_on),
		TEST(thread_that_gave_way_to_nobody_for_long_is_strongly_to_blame),
		TEST(kernel_spin_is_strong_from_so_many_samples_on),
		TEST(producer_of_a_hundred_waits_is_known_well),
		TEST(producer_that_ended_half_of_the_waits_is_known_well),
		TEST(producer_that_wanted_a_cpu_for_more_than_a_twentieth_of_its_run_says_so),
		TEST(no_stall_is_only_plausible_where_more_than_a_tenth_is_not_known),
		TEST(no_stall_is_only_plausible_where_a_futex_was_waited_for_as_long_as_a_stall),
		TEST(owner_is_graded_by_more_than_half_of_what_is_charged_to_it),
		TEST(capture_contradicts_itself_from_one_switch_in_so_many_on),
		TEST(a_few_contradictions_say_nothing),
	};

	return run_unit_tests(tests, NULL, NULL);
}
