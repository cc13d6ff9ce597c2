/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/trace/scheduling.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/trace/per_thread.h"
#include "analyzer/util/hash.h"

#define READINGS_MAX 8u	   /* of a thread; the last one takes the place of what does not fit */
#define TEXTS_MAX    65536u /* different ones; a made-up capture may have any number */
#define COUNTERS_MAX 65536u
#define DEPTH_MAX    16u /* levels of groups that are looked at: hosts have a few, a made-up capture hundreds */

/* Each text once, so that equal ones have the same address. */
struct kept_text {
	UT_hash_handle hh;
	char text[];
};

struct reading_list {
	struct thread_rules list[READINGS_MAX];
	size_t count;
};

struct counter_key {
	const char *name, *scope;
};

struct kept_counter {
	struct counter_key key;
	int64_t first, last;
	UT_hash_handle hh;
};

struct scheduling {
	struct per_thread readings; /* struct reading_list *, NULL: none */
	struct kept_text *texts;
	struct kept_counter *counters;
};

int scheduling_create(struct scheduling **ret_scheduling)
{
	struct scheduling *scheduling = calloc(1, sizeof(*scheduling));

	if (!scheduling)
		return -ENOMEM;
	scheduling->readings.entry_bytes = sizeof(struct reading_list *);
	*ret_scheduling = scheduling;
	return 0;
}

void scheduling_destroy(struct scheduling *scheduling)
{
	if (!scheduling)
		return;
	for (size_t i = 0; i < per_thread_count(&scheduling->readings); i++) {
		struct reading_list **list = per_thread_at(&scheduling->readings, i);

		if (list)
			free(*list);
	}
	per_thread_free(&scheduling->readings);
	hash_free(scheduling->counters);
	hash_free(scheduling->texts);
	free(scheduling);
}

static const char *find_text(const struct scheduling *scheduling, const char *text)
{
	struct kept_text *kept;

	HASH_FIND_STR(scheduling->texts, text, kept);
	return kept ? kept->text : NULL;
}

/* "" where it does not fit. NULL on lack of memory. */
static const char *keep_text(struct scheduling *scheduling, const char *text)
{
	const char *known = find_text(scheduling, text);
	size_t bytes = strlen(text) + 1;
	struct kept_text *kept;

	if (known)
		return known;
	if (HASH_COUNT(scheduling->texts) >= TEXTS_MAX)
		return "";
	kept = malloc(sizeof(*kept) + bytes);
	if (!kept)
		return NULL;
	memcpy(kept->text, text, bytes);
	HASH_ADD_STR(scheduling->texts, text, kept);
	return kept->text;
}

static struct reading_list *get_readings(struct scheduling *scheduling, const struct thread *thread)
{
	struct reading_list **list = per_thread_get(&scheduling->readings, thread);

	if (list && !*list)
		*list = calloc(1, sizeof(**list));
	return list ? *list : NULL;
}

static int add_reading(struct scheduling *scheduling, const struct event *event)
{
	struct reading_list *readings = get_readings(scheduling, event->thread);
	const char *cpus = keep_text(scheduling, event->raw.scheduling.cpus);
	const char *group = keep_text(scheduling, event->raw.scheduling.group);

	if (!readings || !cpus || !group)
		return -ENOMEM;
	if (readings->count == READINGS_MAX)
		readings->count--;
	readings->list[readings->count++] = (struct thread_rules){
		.at_ns = event->raw.time_ns,
		.policy = event->raw.scheduling.policy,
		.priority = event->raw.scheduling.priority,
		.nice = event->raw.scheduling.nice,
		.cpus = cpus,
		.group = group,
	};
	return 0;
}

static struct kept_counter *find_counter(const struct scheduling *scheduling, const char *name,
					 const char *scope)
{
	struct counter_key key = { find_text(scheduling, name), find_text(scheduling, scope) };
	struct kept_counter *counter = NULL;

	if (key.name && key.scope)
		HASH_FIND(hh, scheduling->counters, &key, sizeof(key), counter);
	return counter;
}

static int add_counter(struct scheduling *scheduling, const struct event *event)
{
	const char *name = event->raw.counter.name, *scope = event->raw.counter.scope;
	struct kept_counter *counter = find_counter(scheduling, name, scope);

	if (counter) {
		counter->last = event->raw.counter.value;
		return 0;
	}
	if (HASH_COUNT(scheduling->counters) >= COUNTERS_MAX)
		return 0;
	counter = calloc(1, sizeof(*counter));
	if (!counter)
		return -ENOMEM;
	counter->key.name = keep_text(scheduling, name);
	counter->key.scope = keep_text(scheduling, scope);
	if (!counter->key.name || !counter->key.scope) {
		free(counter);
		return -ENOMEM;
	}
	counter->first = counter->last = event->raw.counter.value;
	HASH_ADD(hh, scheduling->counters, key, sizeof(counter->key), counter);
	return 0;
}

int scheduling_event(struct scheduling *scheduling, const struct event *event)
{
	if (event->raw.kind == FT_EVENT_SCHEDULING)
		return add_reading(scheduling, event);
	if (event->raw.kind == FT_EVENT_COUNTER)
		return add_counter(scheduling, event);
	return 0;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

const struct thread_rules *scheduling_rules(const struct scheduling *scheduling,
					    const struct thread *thread, uint64_t at_ns)
{
	struct reading_list **readings = per_thread_find(&scheduling->readings, thread);
	const struct thread_rules *nearest = NULL;

	for (size_t i = 0; readings && *readings && i < (*readings)->count; i++) {
		const struct thread_rules *rules = &(*readings)->list[i];

		if (!nearest || distance(rules->at_ns, at_ns) < distance(nearest->at_ns, at_ns))
			nearest = rules;
	}
	return nearest;
}

/* By number, as in linux/sched.h: the recorded host may know more of them than this one. */
static const char *const policies[] = { "SCHED_OTHER", "SCHED_FIFO", "SCHED_RR",      "SCHED_BATCH", "",
					"SCHED_IDLE",  "SCHED_DEADLINE", "SCHED_EXT" };

const char *thread_rules_policy(const struct thread_rules *rules)
{
	return rules->policy < sizeof(policies) / sizeof(*policies) ? policies[rules->policy] : "";
}

bool thread_rules_real_time(const struct thread_rules *rules)
{
	const char *policy = thread_rules_policy(rules);

	return !strcmp(policy, "SCHED_FIFO") || !strcmp(policy, "SCHED_RR") ||
	       !strcmp(policy, "SCHED_DEADLINE");
}

bool thread_rules_allow(const struct thread_rules *rules, uint32_t cpu)
{
	const char *at = rules->cpus;

	if (!*at)
		return true;
	for (;;) {
		char *end;
		unsigned long first = strtoul(at, &end, 10), last = first;

		if (end == at)
			return false;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (cpu >= first && cpu <= last)
			return true;
		if (*end != ',')
			return false;
		at = end + 1;
	}
}

bool group_is_within(const char *group, const char *above)
{
	size_t bytes = strlen(above);

	if (!strcmp(above, "") || !strcmp(above, "/"))
		return true;
	return !strncmp(group, above, bytes) && (!group[bytes] || group[bytes] == '/');
}

/* Cut the last name off @path. Return: false where it was the topmost one. */
static bool go_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || !slash[1])
		return false;
	slash[slash == path ? 1 : 0] = '\0';
	return true;
}

static bool read_limit(const struct scheduling *scheduling, const char *group,
		       const char *runtime_name, const char *period_name,
		       struct cpu_limit *ret_limit)
{
	const struct kept_counter *runtime = find_counter(scheduling, runtime_name, group);
	const struct kept_counter *period = find_counter(scheduling, period_name, group);

	*ret_limit = (struct cpu_limit){ .group = find_text(scheduling, group) };
	if (!runtime || !period)
		return false;
	ret_limit->runtime_us = runtime->last;
	ret_limit->period_us = period->last;
	return runtime->last >= 0 && period->last > 0;
}

bool scheduling_real_time_limit(const struct scheduling *scheduling, const struct ft_facts *facts,
				const char *group, struct cpu_limit *ret_limit)
{
	char *path = strdup(group);
	unsigned int levels = 0;
	bool found = false;

	do
		found = path && read_limit(scheduling, path, "cpu.rt_runtime_us", "cpu.rt_period_us",
					   ret_limit);
	while (path && !found && ++levels < DEPTH_MAX && go_up(path));
	/* The topmost group's limit is the host's. */
	if (!found || !strcmp(path, "/")) {
		*ret_limit = (struct cpu_limit){
			.group = "",
			.runtime_us = ft_facts_number(facts, FT_FACT_RT_RUNTIME_US, -1),
			.period_us = ft_facts_number(facts, FT_FACT_RT_PERIOD_US, -1),
		};
		found = ret_limit->runtime_us >= 0;
	}
	free(path);
	return found && ret_limit->runtime_us < ret_limit->period_us;
}

/* What was added to a counter of @group; 0 where it is not known. */
static uint64_t read_added(const struct scheduling *scheduling, const char *name, const char *group)
{
	const struct kept_counter *counter = find_counter(scheduling, name, group);

	return counter && counter->last > counter->first
		       ? (uint64_t)counter->last - (uint64_t)counter->first
		       : 0;
}

static void read_throttled(const struct scheduling *scheduling, const char *group,
			   struct cpu_limit *limit)
{
	limit->counted = find_counter(scheduling, "cpu.stat:nr_throttled", group);
	limit->periods = read_added(scheduling, "cpu.stat:nr_periods", group);
	limit->throttled_periods = read_added(scheduling, "cpu.stat:nr_throttled", group);
	limit->throttled_ns = limit->unified
				      ? read_added(scheduling, "cpu.stat:throttled_usec", group) * 1000
				      : read_added(scheduling, "cpu.stat:throttled_time", group);
}

/* Of @group itself. */
static bool read_quota(const struct scheduling *scheduling, const char *group,
		       struct cpu_limit *ret_limit)
{
	bool found = read_limit(scheduling, group, "cpu.cfs_quota_us", "cpu.cfs_period_us", ret_limit);

	if (!found) {
		found = read_limit(scheduling, group, "cpu.max:quota", "cpu.max:period", ret_limit);
		ret_limit->unified = true;
	}
	read_throttled(scheduling, group, ret_limit);
	return found;
}

bool scheduling_quota(const struct scheduling *scheduling, const char *group,
		      struct cpu_limit *ret_limit)
{
	char *path = strdup(group);
	unsigned int levels = 0;
	bool found = false;

	do {
		struct cpu_limit limit;

		if (!path || !read_quota(scheduling, path, &limit))
			continue;
		if (!found || limit.throttled_periods > ret_limit->throttled_periods)
			*ret_limit = limit;
		found = true;
	} while (path && ++levels < DEPTH_MAX && go_up(path));
	free(path);
	return found;
}

bool scheduling_is_limited(const struct scheduling *scheduling, const struct thread *thread,
			   uint64_t at_ns)
{
	const struct thread_rules *rules = scheduling_rules(scheduling, thread, at_ns);
	struct cpu_limit quota;

	if (!rules)
		return false;
	return thread_rules_real_time(rules) ||
	       (scheduling_quota(scheduling, rules->group, &quota) && quota.throttled_periods);
}

bool scheduling_no_quota(const struct scheduling *scheduling, const char *group)
{
	struct cpu_limit limit;
	char *path = strdup(group);
	unsigned int levels = 0;
	bool known = path && *path;

	/* The topmost group cannot have one. */
	while (known && strcmp(path, "/") != 0) {
		known = find_counter(scheduling, "cpu.cfs_quota_us", path) ||
			find_counter(scheduling, "cpu.max:quota", path);
		known = known && !read_quota(scheduling, path, &limit) &&
			++levels < DEPTH_MAX && go_up(path);
	}
	free(path);
	return known;
}
