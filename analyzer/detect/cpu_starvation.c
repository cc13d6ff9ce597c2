/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/cpu_starvation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/detect/run_queue.h"
#include "analyzer/detect/thresholds.h"
#include "analyzer/trace/per_thread.h"
#include "analyzer/trace/source.h"
#include "analyzer/util/array.h"
#include "analyzer/util/span.h"


#define MASKS_MAX 64u

/* The queues of all CPUs. */
struct cpu_queues {
	struct run_queue *list; /* by CPU */
	size_t count;
};

struct search {
	const struct observations *observations;
	const struct history *history;
	const struct stall *stall;
	uint64_t long_ns;
	struct cpu_starvation *starvation;
	struct victim_set victims;
	struct per_thread runners; /* struct cpu_runner */
	struct cpu_queues queues; /* of all victims */
	struct cpu_queues real_time; /* of those that are real-time threads */
	struct run_queue bound; /* of those that may use some CPUs only, wherever they are queued */
	const struct thread_rules *bound_rules; /* of the first of them; NULL: there are none */
	const char *unbound_cpus; /* the last mask that was found to have all CPUs */
	unsigned int masks; /* that were looked at */
	uint64_t *busy_ns; /* by CPU that those may not use: of what was lost in bound it was busy */
};

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
	*ret_wants = wait_class_cpu(info->preempted.class);
	*ret_quota = names_quota(&info->preempted);
	return 0;
}

static int queue_on_cpu(struct cpu_queues *queues, uint32_t cpu, uint64_t from_ns, uint64_t to_ns)
{
	if (array_reach(queues->list, queues->count, cpu))
		return -ENOMEM;
	return run_queue_add(&queues->list[cpu], from_ns, to_ns);
}

static const struct thread_rules *read_rules(const struct search *search,
					     const struct thread *thread)
{
	return scheduling_rules(search->observations->prescan.scheduling, thread,
				search->stall->start_ns);
}

/* Whether a thread of @rules may not use all CPUs. A made-up capture has any number of masks. */
static bool is_bound(struct search *search, const struct thread_rules *rules)
{
	if (rules->cpus == search->unbound_cpus || search->masks++ >= MASKS_MAX)
		return false;
	for (uint32_t cpu = 0; cpu < search->observations->prescan.cpus; cpu++)
		if (!thread_rules_allow(rules, cpu))
			return true;
	search->unbound_cpus = rules->cpus;
	return false;
}

/* Those that may use the same CPUs count as one kind; it is the first one's. */
static int queue_bound(struct search *search, const struct thread_rules *rules, uint64_t from_ns,
		       uint64_t to_ns)
{
	if (!search->bound_rules && is_bound(search, rules))
		search->bound_rules = rules;
	if (!search->bound_rules || search->bound_rules->cpus != rules->cpus)
		return 0;
	search->starvation->bound_ns += to_ns - from_ns;
	return run_queue_add(&search->bound, from_ns, to_ns);
}

static int queue_wait(struct search *search, const struct thread *thread, uint32_t cpu,
		      uint64_t from_ns, uint64_t to_ns)
{
	const struct thread_rules *rules = read_rules(search, thread);
	int r = rules ? queue_bound(search, rules, from_ns, to_ns) : 0;

	if (r || cpu >= SOURCE_CPUS_MAX)
		return r;
	search->starvation->queued_ns += to_ns - from_ns;
	if (rules && thread_rules_real_time(rules)) {
		search->starvation->real_time_ns += to_ns - from_ns;
		r = queue_on_cpu(&search->real_time, cpu, from_ns, to_ns);
	}
	return r ? r : queue_on_cpu(&search->queues, cpu, from_ns, to_ns);
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
	return queue_wait(search, thread, cpu, from_ns, to_ns);
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

static uint64_t lost_on_cpu(const struct cpu_queues *queues, uint32_t cpu, uint64_t from_ns,
			    uint64_t to_ns)
{
	return cpu < queues->count ? run_queue_lost(&queues->list[cpu], from_ns, to_ns) : 0;
}

/* What was lost on a CPU while it ran there is @runner's; a CPU that had its idle task run it had
 * nothing to run. */
static void add_run(struct search *search, const struct history_interval *interval,
		    uint64_t from_ns, uint64_t to_ns, struct cpu_runner *runner)
{
	uint64_t lost_ns = lost_on_cpu(&search->queues, interval->cpu, from_ns, to_ns);

	if (search->busy_ns && interval->cpu < search->observations->prescan.cpus &&
	    !runner->thread->idle_task)
		search->busy_ns[interval->cpu] += run_queue_lost(&search->bound, from_ns, to_ns);
	runner->ns += lost_ns;
	if (!lost_ns || to_ns - from_ns <= runner->to_ns - runner->from_ns)
		return;
	runner->from_ns = from_ns;
	runner->to_ns = to_ns;
	runner->cpu = interval->cpu;
}

/* What real-time threads lost while another one ran there was not withheld from them. One that runs for long may be
 * such a thread, where nobody read whether it is. */
static void add_real_time_run(struct search *search, const struct history_interval *interval,
			      const struct thread *thread, uint64_t from_ns, uint64_t to_ns)
{
	const struct thread_rules *rules = read_rules(search, thread);

	if (rules ? thread_rules_real_time(rules) : to_ns - from_ns >= NEVER_GIVES_WAY_NS)
		search->starvation->withheld_ns -=
			lost_on_cpu(&search->real_time, interval->cpu, from_ns, to_ns);
}

static int add_runner(struct search *search, struct thread *thread)
{
	struct history_cursor cursor = history_walk(search->history, thread,
						    search->stall->start_ns, search->stall->end_ns);
	struct cpu_runner runner = { .thread = thread }, *kept;
	const struct history_interval *interval;
	uint64_t from_ns, to_ns;

	while ((interval = history_next(&cursor, &from_ns, &to_ns))) {
		if (interval->state != THREAD_RUNNING)
			continue;
		add_run(search, interval, from_ns, to_ns, &runner);
		if (search->real_time.count && !thread->idle_task)
			add_real_time_run(search, interval, thread, from_ns, to_ns);
	}
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

static void finish_queues(struct cpu_queues *queues)
{
	for (size_t i = 0; i < queues->count; i++)
		run_queue_finish(&queues->list[i]);
}

static int find_runners(struct search *search)
{
	const struct threads *threads = source_threads(search->observations->source);
	int r = 0;

	finish_queues(&search->queues);
	finish_queues(&search->real_time);
	run_queue_finish(&search->bound);
	search->starvation->withheld_ns = search->starvation->real_time_ns;
	if (search->bound_rules) {
		search->busy_ns =
			calloc(search->observations->prescan.cpus + 1, sizeof(*search->busy_ns));
		if (!search->busy_ns)
			return -ENOMEM;
	}
	for (size_t i = 0; i < threads_count(threads) && !r; i++)
		r = add_runner(search, threads_at(threads, i));
	return r;
}

/* Of the CPUs that they may not use the one that had least to do. */
static void take_free_cpu(const struct search *search)
{
	struct cpu_starvation *starvation = search->starvation;

	for (uint32_t cpu = 0; search->busy_ns && cpu < search->observations->prescan.cpus; cpu++) {
		uint64_t busy_ns = earlier(search->busy_ns[cpu], starvation->bound_ns);

		if (thread_rules_allow(search->bound_rules, cpu) ||
		    starvation->bound_ns - busy_ns <= starvation->free_ns)
			continue;
		starvation->free_cpu = cpu;
		starvation->free_ns = starvation->bound_ns - busy_ns;
	}
}

static void take_top(const struct search *search)
{
	struct cpu_runner *top = search->starvation->top;

	for (size_t i = 0; i < per_thread_count(&search->runners); i++) {
		const struct cpu_runner *runner = per_thread_at(&search->runners, i);
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

/* What the culprit ran. */
static int read_culprit(const struct search *search)
{
	const struct observations *observations = search->observations;
	struct cpu_starvation *starvation = search->starvation;
	const struct cpu_runner *culprit = cpu_starvation_culprit(starvation);

	if (!culprit)
		return 0;
	return span_summary_read(observations_history(observations, culprit->from_ns, culprit->to_ns),
				 source_stacks(observations->source), observations->stack_infos,
				 culprit->thread, culprit->from_ns, culprit->to_ns,
				 &starvation->did);
}

static int choose_cause(const struct detect_context *in, const struct search *search)
{
	struct cpu_starvation *starvation = search->starvation;
	int r;

	if (!starvation->victim_count)
		return 0;
	take_top(search);
	take_free_cpu(search);
	/* The victims' own processes are passed over: more threads than CPUs is no other's fault. */
	r = cpu_parties_find(&search->runners, search->observations->target,
			     starvation->victims[0].thread->tgid, &starvation->named,
			     &starvation->process);
	if (starvation->top[0].thread)
		starvation->top_rules = read_rules(search, starvation->top[0].thread);
	starvation->rules = read_rules(search, starvation->victims[0].thread);
	starvation->bound_rules = search->bound_rules;
	if (!r)
		r = cpu_starvation_read_limits(in, starvation);
	return r ? r : read_culprit(search);
}

static void free_queues(struct cpu_queues *queues)
{
	for (size_t i = 0; i < queues->count; i++)
		run_queue_free(&queues->list[i]);
	free(queues->list);
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
		.runners.entry_bytes = sizeof(struct cpu_runner),
	};
	int r = find_victims(&search);

	if (!r)
		r = find_runners(&search);
	if (!r)
		r = choose_cause(in, &search);
	free_queues(&search.queues);
	free_queues(&search.real_time);
	run_queue_free(&search.bound);
	free(search.busy_ns);
	victim_set_free(&search.victims);
	per_thread_free(&search.runners);
	return r;
}

static uint64_t part_in_stall(const struct detect_context *in, const struct long_wait *wait)
{
	return span_overlap(wait->start_ns, wait->end_ns, in->stall->start_ns, in->stall->end_ns);
}

/* The wait for a CPU of which most is in the stall; NULL. */
static const struct long_wait *find_longest(const struct detect_context *in)
{
	const struct long_wait *longest = NULL;

	for (size_t i = 0; i < in->wait_count; i++) {
		const struct long_wait *wait = &in->waits[i];

		if (wait_class_cpu(wait->class) && part_in_stall(in, wait) &&
		    (!longest || part_in_stall(in, wait) > part_in_stall(in, longest)))
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
	starvation->stall_ns = in->stall->end_ns - in->stall->start_ns;
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
