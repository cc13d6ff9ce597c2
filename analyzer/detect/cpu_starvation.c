/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/cpu_starvation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/detect/thresholds.h"
#include "analyzer/trace/per_thread.h"
#include "analyzer/trace/source.h"
#include "analyzer/util/array.h"
#include "analyzer/util/span.h"


/* From @time_ns on so many victims were queued on the CPU, and so much had they lost there by
 * then. */
struct step {
	uint64_t time_ns;
	int64_t queued; /* first as a change: 1 or -1 */
	uint64_t lost_ns;
};

struct run_queue {
	struct step *steps;
	size_t count, room;
};

struct search {
	const struct observations *observations;
	const struct history *history;
	const struct stall *stall;
	uint64_t long_ns;
	struct cpu_starvation *starvation;
	struct victim_set victims;
	struct per_thread runners; /* struct cpu_starvation_runner */
	struct run_queue *queues; /* by CPU */
	size_t queue_count;
};

static struct run_queue *get_queue(struct search *search, uint32_t cpu)
{
	if (array_reach(search->queues, search->queue_count, cpu))
		return NULL;
	return &search->queues[cpu];
}

static int append_step(struct run_queue *queue, uint64_t time_ns, int64_t change)
{
	if (array_grow(queue->steps, queue->count, queue->room))
		return -ENOMEM;
	queue->steps[queue->count++] = (struct step){ .time_ns = time_ns, .queued = change };
	return 0;
}

static bool is_cpu_wait(enum wait_class class)
{
	return class == WAIT_CPU_RUNQUEUE || class == WAIT_CPU_THROTTLED;
}

/* The rule for throttling in the return to user space says so: see wait_rules.c. */
static bool names_quota(const struct wait_reason *reason)
{
	return reason->class == WAIT_CPU_THROTTLED ||
	       (reason->detail && strstr(reason->detail, "quota"));
}

static int wants_cpu(const struct search *search, const struct history_interval *interval,
		     bool *ret_wants, bool *ret_quota)
{
	const struct stack_info *info;

	*ret_wants = true;
	*ret_quota = false;
	if (!(interval->flags & INTERVAL_PREEMPTED))
		return 0;
	info = stack_infos_get(search->observations->stack_infos, interval->stack_id);
	if (!info)
		return -ENOMEM;
	*ret_wants = is_cpu_wait(info->preempted.class);
	*ret_quota = names_quota(&info->preempted);
	return 0;
}

static int queue_wait(struct search *search, uint32_t cpu, uint64_t from_ns, uint64_t to_ns)
{
	struct run_queue *queue;

	if (cpu >= SOURCE_CPUS_MAX)
		return 0;
	queue = get_queue(search, cpu);
	if (!queue || append_step(queue, from_ns, 1) || append_step(queue, to_ns, -1))
		return -ENOMEM;
	search->starvation->queued_ns += to_ns - from_ns;
	return 0;
}

/* @next: what the thread did then, if that is known: it tells the CPU. */
static int add_wait(struct search *search, struct thread *thread,
		    const struct history_interval *interval, const struct history_interval *next,
		    uint64_t from_ns, uint64_t to_ns)
{
	uint32_t cpu = next && next->state == THREAD_RUNNING ? next->cpu : interval->cpu;
	bool wants, quota;

	/* what makes the stall makes a victim */
	if (interval->end_ns - interval->start_ns < earlier(search->long_ns, STARVED_WAIT_NS))
		return 0;
	if (wants_cpu(search, interval, &wants, &quota))
		return -ENOMEM;
	if (!wants)
		return 0;
	if (quota)
		search->starvation->quota_ns += to_ns - from_ns;
	if (victim_set_add(&search->victims, thread, from_ns, to_ns))
		return -ENOMEM;
	return queue_wait(search, cpu, from_ns, to_ns);
}

static int add_waits(struct search *search, struct thread *thread)
{
	struct history_cursor cursor = history_walk(search->history, thread,
						    search->stall->start_ns, search->stall->end_ns);
	const struct history_interval *interval;
	uint64_t from_ns, to_ns;
	int r = 0;

	while (!r && (interval = history_next(&cursor, &from_ns, &to_ns)))
		if (interval->state == THREAD_RUNNABLE)
			r = add_wait(search, thread, interval,
				     cursor.next < cursor.end ? cursor.next : NULL, from_ns, to_ns);
	return r;
}

static int find_victims(struct search *search)
{
	const struct observations *observations = search->observations;
	const struct threads *threads = source_threads(observations->source);
	struct cpu_starvation *starvation = search->starvation;
	uint64_t stall_ns = search->stall->end_ns - search->stall->start_ns;
	int r = 0;

	for (size_t i = 0; i < threads_count(threads) && !r; i++)
		if (target_counts(observations->target, threads_at(threads, i)))
			r = add_waits(search, threads_at(threads, i));
	/* who lost nothing is no victim, however short the stall */
	return r ? r
		 : victim_set_take(&search->victims,
				   later(stall_ns * STARVED_VICTIM_PERCENT / 100, 1),
				   &starvation->victims, &starvation->victim_count,
				   &starvation->waited_ns);
}

static int compare_time(const void *left, const void *right)
{
	const struct step *a = left, *b = right;

	return (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);
}

static void add_up_queue(struct run_queue *queue)
{
	uint64_t lost_ns = 0;
	int64_t queued = 0;

	if (queue->count)
		qsort(queue->steps, queue->count, sizeof(*queue->steps), compare_time);
	for (size_t i = 0; i < queue->count; i++) {
		struct step *step = &queue->steps[i];

		if (i)
			lost_ns += (uint64_t)queued * (step->time_ns - step[-1].time_ns);
		queued += step->queued;
		step->queued = queued;
		step->lost_ns = lost_ns;
	}
}

/* What had been lost on the CPU by @time_ns. */
static uint64_t lost_until(const struct run_queue *queue, uint64_t time_ns)
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

/* What was lost on a CPU while it ran there is @runner's; a CPU that had its idle task run it had
 * nothing to run. */
static void add_run(struct search *search, const struct history_interval *interval,
		    uint64_t from_ns, uint64_t to_ns, struct cpu_starvation_runner *runner)
{
	const struct run_queue *queue;
	uint64_t lost_ns;

	if (interval->state != THREAD_RUNNING || interval->cpu >= search->queue_count)
		return;
	queue = &search->queues[interval->cpu];
	lost_ns = lost_until(queue, to_ns) - lost_until(queue, from_ns);
	runner->ns += lost_ns;
	if (!lost_ns || to_ns - from_ns <= runner->to_ns - runner->from_ns)
		return;
	runner->from_ns = from_ns;
	runner->to_ns = to_ns;
	runner->cpu = interval->cpu;
}

static int add_runner(struct search *search, struct thread *thread)
{
	struct history_cursor cursor = history_walk(search->history, thread,
						    search->stall->start_ns, search->stall->end_ns);
	struct cpu_starvation_runner runner = { .thread = thread }, *kept;
	const struct history_interval *interval;
	uint64_t from_ns, to_ns;

	while ((interval = history_next(&cursor, &from_ns, &to_ns)))
		add_run(search, interval, from_ns, to_ns, &runner);
	if (thread->idle_task)
		search->starvation->idle_ns += runner.ns;
	if (thread->idle_task || !runner.ns)
		return 0;
	kept = per_thread_get(&search->runners, thread);
	if (!kept)
		return -ENOMEM;
	*kept = runner;
	return 0;
}

static int find_runners(struct search *search)
{
	const struct threads *threads = source_threads(search->observations->source);
	int r = 0;

	for (size_t i = 0; i < search->queue_count; i++)
		add_up_queue(&search->queues[i]);
	for (size_t i = 0; i < threads_count(threads) && !r; i++)
		r = add_runner(search, threads_at(threads, i));
	return r;
}

static void take_top(const struct search *search)
{
	struct cpu_starvation_runner *top = search->starvation->top;

	for (size_t i = 0; i < per_thread_count(&search->runners); i++) {
		const struct cpu_starvation_runner *runner = per_thread_at(&search->runners, i);
		size_t place = STARVED_TOP;

		search->starvation->runners += runner && runner->thread;
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

static int compare_tgid(const void *left, const void *right)
{
	const struct process *a = left, *b = right;

	return (a->tgid > b->tgid) - (a->tgid < b->tgid);
}

/* The victims' own process is passed over: more threads than CPUs is no other's fault. */
static int take_process(const struct search *search)
{
	struct cpu_starvation *starvation = search->starvation;
	struct process *processes =
		calloc(per_thread_count(&search->runners) + 1, sizeof(*processes));
	size_t count = 0;
	uint64_t ns = 0;

	if (!processes)
		return -ENOMEM;
	for (size_t i = 0; i < per_thread_count(&search->runners); i++) {
		const struct cpu_starvation_runner *runner = per_thread_at(&search->runners, i);

		if (runner && runner->thread && runner->thread->tgid > 0)
			processes[count++] = (struct process){ runner->thread->tgid, runner->ns };
	}
	qsort(processes, count, sizeof(*processes), compare_tgid);
	for (size_t i = 0; i < count; i++) {
		ns = i && processes[i].tgid == processes[i - 1].tgid ? ns + processes[i].ns
								     : processes[i].ns;
		if (ns <= starvation->tgid_ns ||
		    (starvation->victim_count &&
		     processes[i].tgid == starvation->victims[0].thread->tgid))
			continue;
		starvation->tgid = processes[i].tgid;
		starvation->tgid_ns = ns;
	}
	free(processes);
	return 0;
}

/* What the one that ran most ran. */
static int read_top_runner(const struct search *search)
{
	const struct observations *observations = search->observations;
	struct cpu_starvation *starvation = search->starvation;
	const struct cpu_starvation_runner *runner = &starvation->top[0];

	if (!runner->thread)
		return 0;
	return span_summary_read(search->history, source_stacks(observations->source),
				 observations->stack_infos, runner->thread, runner->from_ns,
				 runner->to_ns, &starvation->did);
}

static int read_stall(const struct detect_context *in, struct cpu_starvation *starvation)
{
	const struct stall *stall = in->stall;
	struct search search = {
		.observations = in->observations,
		.history = observations_history(in->observations, stall->start_ns, stall->end_ns),
		.stall = stall,
		.long_ns = in->long_ns,
		.starvation = starvation,
		.victims = VICTIM_SET,
		.runners.entry_bytes = sizeof(struct cpu_starvation_runner),
	};
	int r = find_victims(&search);

	if (!r)
		r = find_runners(&search);
	if (!r) {
		take_top(&search);
		r = take_process(&search);
	}
	if (!r)
		r = read_top_runner(&search);
	for (size_t i = 0; i < search.queue_count; i++)
		free(search.queues[i].steps);
	free(search.queues);
	victim_set_free(&search.victims);
	per_thread_free(&search.runners);
	return r;
}

/* The longest wait for a CPU in the stall; NULL. */
static const struct long_wait *find_longest(const struct detect_context *in)
{
	const struct long_wait *longest = NULL;

	for (size_t i = 0; i < in->wait_count; i++) {
		const struct long_wait *wait = &in->waits[i];

		if (is_cpu_wait(wait->class) &&
		    detect_in_stall(in->stall, wait->start_ns, wait->end_ns) &&
		    (!longest || wait->blocked_ns > longest->blocked_ns))
			longest = wait;
	}
	return longest;
}

static int find_cpu_starvation(struct detect_context *in, struct candidates *out)
{
	struct candidate *candidate = candidate_append(in, out);
	struct cpu_starvation *starvation;
	int r;

	if (!candidate)
		return -ENOMEM;
	starvation = candidate->found;
	starvation->longest = find_longest(in);
	if (!starvation->longest)
		return 0;
	r = read_stall(in, starvation);
	candidate->lost_ns = starvation->waited_ns;
	return r;
}

static void free_cpu_starvation(void *found)
{
	free(((struct cpu_starvation *)found)->victims);
}

const struct detector cpu_starvation_detector = {
	.found_bytes = sizeof(struct cpu_starvation),
	.evidence = EVIDENCE_SIGNS,
	.of_waits = true,
	.find = find_cpu_starvation,
	.report = cpu_starvation_report,
	.free = free_cpu_starvation,
};
