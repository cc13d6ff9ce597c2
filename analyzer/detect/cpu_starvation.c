/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/cpu_starvation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/trace/per_thread.h"
#include "analyzer/locks/replay.h"

/* Shorter waits for a CPU are how CPUs are shared. */
#define WAIT_NS 10000000u

/* Who lost less than this share of the stall is no victim of it. */
#define VICTIM_PERCENT 25u

#define CPUS_MAX 65536u /* beyond any Linux; a CPU above it is damage and passed over */

/* From @time_ns on so many victims were queued on the CPU, and so much had they lost there by then. */
struct step {
	uint64_t time_ns;
	int64_t queued; /* first as a change: 1 or -1 */
	uint64_t lost_ns;
};

struct waiting_line {
	struct step *steps;
	size_t count, room;
	uint64_t idle_since_ns; /* 0: is not, or not known */
};

struct waiter {
	struct victim victim;
	bool pending; /* until it is known which CPU it gets, if any */
	uint64_t from_ns, to_ns;
	uint32_t cpu;
};

struct watch {
	struct stack_infos *stackfacts;
	struct target *target;
	const struct stall *stall;
	struct cpu_starvation *starved;
	struct per_thread waiters; /* struct waiter */
	struct per_thread runners; /* struct cpu_starvation_runner */
	struct waiting_line *queues; /* by CPU */
	size_t queue_count;
};

static struct waiting_line *queue_of(struct watch *watch, uint32_t cpu)
{
	size_t count = watch->queue_count ? watch->queue_count : 8;
	struct waiting_line *queues;

	if (cpu < watch->queue_count)
		return &watch->queues[cpu];
	while (count <= cpu)
		count *= 2;
	queues = reallocarray(watch->queues, count, sizeof(*queues));
	if (!queues)
		return NULL;
	memset(queues + watch->queue_count, 0, (count - watch->queue_count) * sizeof(*queues));
	watch->queues = queues;
	watch->queue_count = count;
	return &queues[cpu];
}

static int step_append(struct waiting_line *queue, uint64_t time_ns, int64_t change)
{
	size_t room = queue->room ? queue->room * 2 : 64;
	struct step *steps;

	if (queue->count == queue->room) {
		steps = reallocarray(queue->steps, room, sizeof(*steps));
		if (!steps)
			return -ENOMEM;
		queue->steps = steps;
		queue->room = room;
	}
	queue->steps[queue->count++] = (struct step){ .time_ns = time_ns, .queued = change };
	return 0;
}

/* The first reading: who was queued on which CPU from when to when. */

static int queue_wait(struct watch *watch, struct waiter *waiter)
{
	struct waiting_line *queue;

	waiter->pending = false;
	if (waiter->cpu >= CPUS_MAX)
		return 0;
	queue = queue_of(watch, waiter->cpu);
	if (!queue || step_append(queue, waiter->from_ns, 1) ||
	    step_append(queue, waiter->to_ns, -1))
		return -ENOMEM;
	watch->starved->queued_ns += waiter->to_ns - waiter->from_ns;
	return 0;
}

static bool clip(const struct stall *stall, uint64_t *from_ns, uint64_t *to_ns)
{
	if (*from_ns < stall->start_ns)
		*from_ns = stall->start_ns;
	if (*to_ns > stall->end_ns)
		*to_ns = stall->end_ns;
	return *to_ns > *from_ns;
}

/* The rule for throttling in the return to user space says so: see waitrules.c. */
static bool by_quota(const struct wait_reason *reason)
{
	return reason->class == WAIT_CPU_THROTTLED ||
	       (reason->detail && strstr(reason->detail, "quota"));
}

static int for_cpu(const struct watch *watch, const struct interval *interval, bool *ret_for_cpu,
		   bool *ret_quota)
{
	const struct stack_info *fact;

	*ret_for_cpu = true;
	*ret_quota = false;
	if (!(interval->flags & INTERVAL_PREEMPTED))
		return 0;
	fact = stack_infos_get(watch->stackfacts, interval->stack_id);
	if (!fact)
		return -ENOMEM;
	*ret_for_cpu = fact->preempted.class == WAIT_CPU_RUNQUEUE ||
		       fact->preempted.class == WAIT_CPU_THROTTLED;
	*ret_quota = by_quota(&fact->preempted);
	return 0;
}

/* What makes the stall makes a victim. */
static uint64_t least_wait_ns(const struct stall *stall)
{
	return stall->long_ns && stall->long_ns < WAIT_NS ? stall->long_ns : WAIT_NS;
}

static int wait_closed(void *context, const struct interval *interval)
{
	struct watch *watch = context;
	uint64_t from_ns = interval->start_ns, to_ns = interval->end_ns;
	struct waiter *waiter;
	bool counts, quota;

	if (!target_counts(watch->target, interval->thread))
		return 0;
	waiter = per_thread_get(&watch->waiters, interval->thread);
	if (!waiter)
		return -ENOMEM;
	if (waiter->pending) {
		if (interval->state == THREAD_RUNNING)
			waiter->cpu = interval->cpu;
		if (queue_wait(watch, waiter))
			return -ENOMEM;
	}
	if (interval->state != THREAD_RUNNABLE || to_ns - from_ns < least_wait_ns(watch->stall) ||
	    !clip(watch->stall, &from_ns, &to_ns))
		return 0;
	if (for_cpu(watch, interval, &counts, &quota))
		return -ENOMEM;
	if (!counts)
		return 0;
	if (quota)
		watch->starved->quota_ns += to_ns - from_ns;
	waiter->pending = true;
	waiter->from_ns = from_ns;
	waiter->to_ns = to_ns;
	waiter->cpu = interval->cpu;
	waiter->victim.thread = interval->thread;
	waiter->victim.blocked_ns += to_ns - from_ns;
	if (to_ns - from_ns > waiter->victim.longest_ns) {
		waiter->victim.longest_ns = to_ns - from_ns;
		waiter->victim.since_ns = from_ns;
	}
	return 0;
}

static int by_blocked(const void *left, const void *right)
{
	const struct victim *a = left, *b = right;

	if (a->blocked_ns != b->blocked_ns)
		return a->blocked_ns < b->blocked_ns ? 1 : -1;
	return (a->thread->index > b->thread->index) - (a->thread->index < b->thread->index);
}

static int take_victims(struct watch *watch)
{
	struct cpu_starvation *starved = watch->starved;
	uint64_t least_ns = (watch->stall->end_ns - watch->stall->start_ns) * VICTIM_PERCENT / 100;

	starved->victims = calloc(per_thread_count(&watch->waiters) + 1, sizeof(*starved->victims));
	if (!starved->victims)
		return -ENOMEM;
	for (size_t i = 0; i < per_thread_count(&watch->waiters); i++) {
		struct waiter *waiter = per_thread_at(&watch->waiters, i);

		if (!waiter)
			continue;
		if (waiter->pending && queue_wait(watch, waiter))
			return -ENOMEM;
		if (!waiter->victim.thread || waiter->victim.blocked_ns < least_ns)
			continue;
		starved->victims[starved->victim_count++] = waiter->victim;
		starved->waited_ns += waiter->victim.blocked_ns;
	}
	qsort(starved->victims, starved->victim_count, sizeof(*starved->victims), by_blocked);
	return 0;
}

static int by_time(const void *left, const void *right)
{
	const struct step *a = left, *b = right;

	return (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);
}

static void queue_add_up(struct waiting_line *queue)
{
	uint64_t lost_ns = 0;
	int64_t queued = 0;

	if (queue->count)
		qsort(queue->steps, queue->count, sizeof(*queue->steps), by_time);
	for (size_t i = 0; i < queue->count; i++) {
		struct step *step = &queue->steps[i];

		if (i)
			lost_ns += (uint64_t)queued * (step->time_ns - step[-1].time_ns);
		queued += step->queued;
		step->queued = queued;
		step->lost_ns = lost_ns;
	}
}

/* The second reading: who ran there meanwhile. */

/* What had been lost on the CPU by @time_ns. */
static uint64_t lost_until(const struct waiting_line *queue, uint64_t time_ns)
{
	size_t low = 0, high = queue->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (queue->steps[middle].time_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return 0;
	return queue->steps[low - 1].lost_ns +
	       (uint64_t)queue->steps[low - 1].queued * (time_ns - queue->steps[low - 1].time_ns);
}

static int ran_closed(void *context, const struct interval *interval)
{
	struct watch *watch = context;
	uint64_t from_ns = interval->start_ns, to_ns = interval->end_ns, lost_ns;
	struct cpu_starvation_runner *runner;
	const struct waiting_line *queue;

	if (interval->state != THREAD_RUNNING || interval->cpu >= watch->queue_count ||
	    !clip(watch->stall, &from_ns, &to_ns))
		return 0;
	queue = &watch->queues[interval->cpu];
	lost_ns = lost_until(queue, to_ns) - lost_until(queue, from_ns);
	if (!lost_ns)
		return 0;
	runner = per_thread_get(&watch->runners, interval->thread);
	if (!runner)
		return -ENOMEM;
	runner->thread = interval->thread;
	runner->ns += lost_ns;
	if (to_ns - from_ns > runner->to_ns - runner->from_ns) {
		runner->from_ns = from_ns;
		runner->to_ns = to_ns;
		runner->cpu = interval->cpu;
	}
	return 0;
}

/* A CPU that gave way to its idle task has nothing to do until that one gives way. */
static int idle_event(void *context, const struct event *event)
{
	struct watch *watch = context;
	uint64_t from_ns, to_ns = event->raw.time_ns;
	struct waiting_line *queue;

	if (event->raw.cpu >= watch->queue_count)
		return 0;
	queue = &watch->queues[event->raw.cpu];
	from_ns = queue->idle_since_ns;
	if (event->raw.kind == FT_EVENT_LOST)
		queue->idle_since_ns = 0;
	if (event->raw.kind != FT_EVENT_SWITCH)
		return 0;
	queue->idle_since_ns = event->other->idle_task && !event->other->silent ? to_ns : 0;
	if (from_ns && event->thread->idle_task && clip(watch->stall, &from_ns, &to_ns))
		watch->starved->idle_ns += lost_until(queue, to_ns) - lost_until(queue, from_ns);
	return 0;
}

static void take_top(const struct watch *watch)
{
	struct cpu_starvation_runner *top = watch->starved->top;

	for (size_t i = 0; i < per_thread_count(&watch->runners); i++) {
		const struct cpu_starvation_runner *runner = per_thread_at(&watch->runners, i);
		size_t place = STARVED_TOP;

		watch->starved->runners += runner && runner->thread;
		while (runner && place && runner->ns > top[place - 1].ns)
			place--;
		if (place == STARVED_TOP)
			continue;
		memmove(&top[place + 1], &top[place], (STARVED_TOP - 1 - place) * sizeof(*top));
		top[place] = *runner;
	}
}

struct process {
	int32_t tgid;
	uint64_t ns;
};

static int by_tgid(const void *left, const void *right)
{
	const struct process *a = left, *b = right;

	return (a->tgid > b->tgid) - (a->tgid < b->tgid);
}

/* The victims' own process is passed over: more threads than CPUs is no other's fault. */
static int take_process(const struct watch *watch)
{
	struct cpu_starvation *starved = watch->starved;
	struct process *processes =
		calloc(per_thread_count(&watch->runners) + 1, sizeof(*processes));
	size_t count = 0;
	uint64_t ns = 0;

	if (!processes)
		return -ENOMEM;
	for (size_t i = 0; i < per_thread_count(&watch->runners); i++) {
		const struct cpu_starvation_runner *runner = per_thread_at(&watch->runners, i);

		if (runner && runner->thread && runner->thread->tgid > 0)
			processes[count++] = (struct process){ runner->thread->tgid, runner->ns };
	}
	qsort(processes, count, sizeof(*processes), by_tgid);
	for (size_t i = 0; i < count; i++) {
		ns = i && processes[i].tgid == processes[i - 1].tgid ? ns + processes[i].ns
								     : processes[i].ns;
		if (ns <= starved->tgid_ns ||
		    (starved->victim_count &&
		     processes[i].tgid == starved->victims[0].thread->tgid))
			continue;
		starved->tgid = processes[i].tgid;
		starved->tgid_ns = ns;
	}
	free(processes);
	return 0;
}

/* The third: what the one that ran most ran. */
static int read_story(struct source *source, struct stack_infos *stackfacts,
		      struct cpu_starvation *starved)
{
	const struct cpu_starvation_runner *runner = &starved->top[0];

	if (!runner->thread)
		return 0;
	return hold_read(source, stackfacts, runner->thread, runner->from_ns, runner->to_ns,
			 &starved->story);
}

int cpu_starvation_examine(struct source *source, struct stack_infos *stackfacts,
			   struct target *target, const struct stall *stall,
			   struct cpu_starvation *ret_starved)
{
	struct cpu_starvation starved = { 0 };
	struct watch watch = {
		.stackfacts = stackfacts,
		.target = target,
		.stall = stall,
		.starved = &starved,
		.waiters.entry_bytes = sizeof(struct waiter),
		.runners.entry_bytes = sizeof(struct cpu_starvation_runner),
	};
	int r;

	r = replay_over(source, stackfacts,
			&(struct replay_watcher){ .closed = wait_closed, .context = &watch });
	if (!r)
		r = take_victims(&watch);
	if (r)
		goto out;
	for (size_t i = 0; i < watch.queue_count; i++)
		queue_add_up(&watch.queues[i]);
	r = replay_over(source, stackfacts,
			&(struct replay_watcher){ idle_event, ran_closed, &watch });
	if (r)
		goto out;
	take_top(&watch);
	r = take_process(&watch);
	if (!r)
		r = read_story(source, stackfacts, &starved);
	if (!r) {
		*ret_starved = starved;
		starved.victims = NULL;
	}
out:
	for (size_t i = 0; i < watch.queue_count; i++)
		free(watch.queues[i].steps);
	free(watch.queues);
	per_thread_free(&watch.waiters);
	per_thread_free(&watch.runners);
	free(starved.victims);
	return r;
}

void cpu_starvation_free(struct cpu_starvation *starved)
{
	free(starved->victims);
	*starved = (struct cpu_starvation){ 0 };
}
