/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What decided that threads got no CPU: others that ran there, a quota of their control group, or
 * the limit of all real-time threads. Policies, groups and limits are what the recorder read; where
 * it could not, the signs in the events have to do.
 */
#include "analyzer/detect/cpu_starvation.h"

#include <errno.h>

#include "analyzer/detect/thresholds.h"
#include "analyzer/util/span.h"

/* By where they lost the CPU; older kernels do not tell. */
bool cpu_starvation_quota_took_it(const struct cpu_starvation *starvation)
{
	return starvation->quota_ns &&
	       share_at_least(starvation->quota_ns, starvation->waited_ns, STARVED_MOST_PERCENT);
}

/* With a CPU that does nothing meanwhile, a quota holds them back, or it is not theirs to use. */
bool cpu_starvation_was_idle(const struct cpu_starvation *starvation)
{
	return starvation->idle_ns &&
	       share_at_least(starvation->idle_ns, starvation->queued_ns, STARVED_MOST_PERCENT);
}

/* Others of its name had little beside it. */
static bool stands_alone(const struct cpu_starvation *starvation)
{
	const struct cpu_party *named = &starvation->named;

	return starvation->top[0].thread != named->most.thread ||
	       share_at_least(named->most.ns, named->ns, STARVED_ALONE_PERCENT);
}

bool cpu_starvation_by_one(const struct cpu_starvation *starvation)
{
	return starvation->top[0].thread && stands_alone(starvation) &&
	       share_at_least(starvation->top[0].ns, starvation->queued_ns, STARVED_MOST_PERCENT);
}

bool cpu_starvation_by_named(const struct cpu_starvation *starvation)
{
	return !cpu_starvation_by_one(starvation) && starvation->named.threads > 1 &&
	       share_at_least(starvation->named.ns, starvation->queued_ns, STARVED_MOST_PERCENT);
}

/* Its threads together, none of them alone; most of them is named as the culprit. */
bool cpu_starvation_by_process(const struct cpu_starvation *starvation)
{
	return !cpu_starvation_by_one(starvation) && !cpu_starvation_by_named(starvation) &&
	       starvation->process.most.thread &&
	       starvation->process.most.thread == starvation->top[0].thread &&
	       share_at_least(starvation->process.ns, starvation->queued_ns, STARVED_MOST_PERCENT);
}

/* Most of them may use some CPUs only, and another one had nothing to do. */
bool cpu_starvation_is_bound(const struct cpu_starvation *starvation)
{
	return starvation->bound_ns &&
	       share_at_least(starvation->bound_ns, starvation->waited_ns, STARVED_MOST_PERCENT) &&
	       share_at_least(starvation->free_ns, starvation->bound_ns, STARVED_MOST_PERCENT);
}

/* The time of a thread on any CPU from @from_ns to @to_ns. */
static struct cpu_runner read_use(const struct history *history, struct thread *thread,
				  uint64_t from_ns, uint64_t to_ns)
{
	struct history_cursor cursor = history_walk(history, thread, from_ns, to_ns);
	struct cpu_runner runner = { .thread = thread };
	const struct history_interval *interval;

	while ((interval = history_next(&cursor, &from_ns, &to_ns))) {
		if (interval->state != THREAD_RUNNING)
			continue;
		runner.ns += to_ns - from_ns;
		if (to_ns - from_ns <= runner.to_ns - runner.from_ns)
			continue;
		runner.from_ns = from_ns;
		runner.to_ns = to_ns;
		runner.cpu = interval->cpu;
	}
	return runner;
}

/* Whether the limit is for threads of @rules, too. */
static bool limit_holds(const struct cpu_starvation *starvation, const struct thread_rules *rules)
{
	return rules && group_is_within(rules->group, starvation->limit.group) &&
	       thread_rules_real_time(rules) == (starvation->cause == STARVED_BY_REAL_TIME_LIMIT);
}

/* What @thread used of the limit from @from_ns on. */
static int add_consumer(const struct detect_context *in, struct cpu_starvation *starvation,
			struct per_thread *users, struct thread *thread, uint64_t from_ns)
{
	const struct thread_rules *rules = scheduling_rules(
		in->observations->prescan.scheduling, thread, in->stall->start_ns);
	struct cpu_runner use, *user;

	if (thread->idle_task || !limit_holds(starvation, rules))
		return 0;
	use = read_use(observations_history(in->observations, from_ns, in->stall->end_ns), thread,
		       from_ns, in->stall->end_ns);
	if (!use.ns)
		return 0;
	user = per_thread_get(users, thread);
	if (!user)
		return -ENOMEM;
	*user = use;
	starvation->consumed_ns += use.ns;
	return 0;
}

/* What was used up was used in the stall, or in the period before it. */
static int find_consumers(const struct detect_context *in, struct cpu_starvation *starvation)
{
	const struct threads *threads = source_threads(in->observations->source);
	uint64_t period_ns = (uint64_t)starvation->limit.period_us * 1000;
	uint64_t from_ns = in->stall->start_ns - earlier(period_ns, in->stall->start_ns);
	struct per_thread users = { .entry_bytes = sizeof(struct cpu_runner) };
	struct cpu_party process;
	int r = 0;

	for (size_t i = 0; i < threads_count(threads) && !r; i++)
		r = add_consumer(in, starvation, &users, threads_at(threads, i), from_ns);
	if (!r)
		r = cpu_parties_find(&users, NULL, 0, &starvation->consumers, &process);
	per_thread_free(&users);
	return r;
}

/* Most of them are real-time threads, for which ordinary ones and idle CPUs make way at once, unless the time of all
 * real-time threads is used up. */
static bool is_withheld(const struct cpu_starvation *starvation)
{
	return starvation->withheld_ns &&
	       share_at_least(starvation->withheld_ns, starvation->queued_ns, STARVED_MOST_PERCENT);
}

/* A quota ran out for so long as to make the stall, by the kernel's own count. */
static bool is_throttled(const struct cpu_starvation *starvation)
{
	return starvation->quota.group && starvation->quota.counted &&
	       share_at_least(starvation->quota.throttled_ns, starvation->stall_ns,
			      STARVED_MOST_PERCENT);
}

enum starvation_cause cpu_starvation_cause(const struct cpu_starvation *starvation)
{
	if (is_withheld(starvation))
		return STARVED_BY_REAL_TIME_LIMIT;
	if (cpu_starvation_quota_took_it(starvation) || is_throttled(starvation) ||
	    (cpu_starvation_was_idle(starvation) && !starvation->no_quota))
		return STARVED_BY_QUOTA;
	return STARVED_BY_OTHERS;
}

int cpu_starvation_read_limits(const struct detect_context *in, struct cpu_starvation *starvation)
{
	const struct scheduling *known = in->observations->prescan.scheduling;
	const char *group = starvation->rules ? starvation->rules->group : "";

	starvation->no_quota = scheduling_no_quota(known, group);
	if (!scheduling_quota(known, group, &starvation->quota))
		starvation->quota.group = NULL;
	starvation->cause = cpu_starvation_cause(starvation);
	if (starvation->cause == STARVED_BY_OTHERS)
		return 0;
	starvation->limit = starvation->quota;
	if (starvation->cause == STARVED_BY_REAL_TIME_LIMIT &&
	    !scheduling_real_time_limit(known, source_facts(in->observations->source), group,
					&starvation->limit))
		starvation->limit.group = NULL;
	return starvation->limit.group ? find_consumers(in, starvation) : 0;
}

static bool is_victim(const struct cpu_starvation *starvation, const struct thread *thread)
{
	for (size_t i = 0; i < starvation->victim_count; i++)
		if (starvation->victims[i].thread == thread)
			return true;
	return false;
}

/* Who used up what all of them may have together is held up like the others. Where those who were held up used it up
 * together, or there is but one, none of them is to blame. */
static const struct cpu_runner *find_spender(const struct cpu_starvation *starvation)
{
	const struct cpu_party *consumers = &starvation->consumers;

	if (!consumers->most.thread ||
	    !share_at_least(consumers->ns, starvation->consumed_ns, STARVED_MOST_PERCENT))
		return NULL;
	if (is_victim(starvation, consumers->most.thread) &&
	    (consumers->threads > 1 || starvation->victim_count == 1))
		return NULL;
	return &consumers->most;
}

const struct cpu_runner *cpu_starvation_culprit(const struct cpu_starvation *starvation)
{
	if (starvation->cause != STARVED_BY_OTHERS)
		return find_spender(starvation);
	if (cpu_starvation_by_one(starvation))
		return &starvation->top[0];
	if (cpu_starvation_by_named(starvation))
		return &starvation->named.most;
	return cpu_starvation_by_process(starvation) ? &starvation->process.most : NULL;
}
