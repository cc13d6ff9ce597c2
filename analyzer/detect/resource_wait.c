/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/resource_wait.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/trace/per_thread.h"

/* Who lost less in the whole stall is not worth a mention. */
#define VICTIM_NS 10000000u

/* Operations told apart; the rest is in the sum alone. */
#define OPERATIONS 32

/* From this share of the waits on it is the server of the file system that they waited for. */
#define SERVED_PERCENT 50u

struct operation {
	uint32_t id;
	struct resource_operation sum;
};

struct search {
	const struct observations *observations;
	const struct history *history;
	const struct stall *stall;
	const bool *classes;
	struct resource_wait *shortage;
	struct victim_set victims;
	struct per_thread wakers; /* struct resource_waker */
	struct operation operations[OPERATIONS];
	size_t operation_count;
};

static void note_operation(struct search *search, const struct stack_info *fact, uint64_t ns)
{
	size_t i = 0;

	if (!fact->operation_id)
		return;
	while (i < search->operation_count && search->operations[i].id != fact->operation_id)
		i++;
	if (i == OPERATIONS)
		return;
	search->operation_count += i == search->operation_count;
	search->operations[i].id = fact->operation_id;
	search->operations[i].sum.text = fact->operation;
	search->operations[i].sum.ns += ns;
}

static int note_waker(struct search *search, const struct history_interval *interval,
		      uint64_t from_ns, uint64_t to_ns)
{
	struct thread *thread = history_waker(search->history, interval);
	struct resource_waker *waker;

	if (!thread)
		return 0;
	if (interval->waker_in_interrupt || thread->idle_task) {
		search->shortage->interrupt_ns += to_ns - from_ns;
		return 0;
	}
	waker = per_thread_get(&search->wakers, thread);
	if (!waker)
		return -ENOMEM;
	waker->thread = thread;
	waker->ns += to_ns - from_ns;
	if (to_ns - from_ns > waker->until_ns - waker->since_ns) {
		waker->since_ns = from_ns;
		waker->until_ns = to_ns;
		waker->stack_id = interval->waker_stack_id;
	}
	return 0;
}

/* Reclaim that yields the CPU is a wait too: as in wait_stats.c. What a lock of user space is, the stack tells. */
static enum wait_class class_of(const struct history_interval *interval,
				const struct stack_info *info)
{
	if (interval->state == THREAD_BLOCKED)
		return stack_info_reason(info, interval->prev_state)->class;
	if (interval->state == THREAD_RUNNABLE && interval->flags & INTERVAL_PREEMPTED)
		return info->preempted.class;
	return WAIT_UNKNOWN;
}

static int add_wait(struct search *search, struct thread *thread,
		    const struct history_interval *interval, uint64_t from_ns, uint64_t to_ns)
{
	const struct stack_info *info =
		stack_infos_get(search->observations->stack_infos, interval->stack_id);
	enum wait_class class;

	if (!info)
		return -ENOMEM;
	class = class_of(interval, info);
	if (!search->classes[class])
		return 0;
	search->shortage->class_ns[class] += to_ns - from_ns;
	note_operation(search, info, to_ns - from_ns);
	if (note_waker(search, interval, from_ns, to_ns))
		return -ENOMEM;
	return victim_set_add(&search->victims, thread, from_ns, to_ns);
}

static int add_thread(struct search *search, struct thread *thread)
{
	struct history_cursor cursor = history_walk(search->history, thread,
						    search->stall->start_ns,
						    search->stall->end_ns);
	const struct history_interval *interval;
	uint64_t from_ns, to_ns;
	int r = 0;

	while (!r && (interval = history_next(&cursor, &from_ns, &to_ns)))
		if (interval->state == THREAD_BLOCKED || interval->state == THREAD_RUNNABLE)
			r = add_wait(search, thread, interval, from_ns, to_ns);
	return r;
}

static int add_all(struct search *search)
{
	const struct observations *observations = search->observations;
	const struct threads *threads = source_threads(observations->source);
	int r = 0;

	for (size_t i = 0; i < threads_count(threads) && !r; i++)
		if (target_counts(observations->target, threads_at(threads, i)))
			r = add_thread(search, threads_at(threads, i));
	return r;
}

static void take_wakers(struct search *search)
{
	struct resource_waker *top = search->shortage->wakers;

	for (size_t i = 0; i < per_thread_count(&search->wakers); i++) {
		const struct resource_waker *waker = per_thread_at(&search->wakers, i);
		size_t place = SHORTAGE_TOP;

		while (waker && place && waker->ns > top[place - 1].ns)
			place--;
		if (place == SHORTAGE_TOP)
			continue;
		memmove(&top[place + 1], &top[place], (SHORTAGE_TOP - 1 - place) * sizeof(*top));
		top[place] = *waker;
	}
}

static void take_operations(struct search *search)
{
	struct resource_operation *top = search->shortage->operations;

	for (size_t i = 0; i < search->operation_count; i++) {
		size_t place = SHORTAGE_TOP;

		while (place && search->operations[i].sum.ns > top[place - 1].ns)
			place--;
		if (place == SHORTAGE_TOP)
			continue;
		memmove(&top[place + 1], &top[place], (SHORTAGE_TOP - 1 - place) * sizeof(*top));
		top[place] = search->operations[i].sum;
	}
}

/* It ends a wait by writing the answer to a request of the file system. */
static bool serves_fuse(const struct stack_table *stacks, uint32_t stack_id)
{
	const struct frame *frames = NULL;
	size_t count = stack_table_frames(stacks, stack_id, &frames);

	for (size_t i = 0; i < count; i++)
		if (frames[i].kernel && frames[i].symbol &&
		    (!strcmp(frames[i].symbol, "fuse_dev_do_write") ||
		     !strcmp(frames[i].symbol, "fuse_dev_write")))
			return true;
	return false;
}

/* What the server did while the longest wait for it lasted. */
static int read_story(const struct search *search)
{
	const struct observations *observations = search->observations;
	const struct resource_waker *server = &search->shortage->wakers[0];

	return span_summary_read(observations_history(observations, server->since_ns,
						      server->until_ns),
				 source_stacks(observations->source), observations->stack_infos,
				 server->thread, server->since_ns, server->until_ns,
				 &search->shortage->story);
}

static bool is_served(const struct search *search)
{
	const struct resource_wait *shortage = search->shortage;

	return shortage->wakers[0].thread &&
	       shortage->wakers[0].ns * 100 >= shortage->blocked_ns * SERVED_PERCENT &&
	       serves_fuse(source_stacks(search->observations->source),
			   shortage->wakers[0].stack_id);
}

int resource_wait_examine(const struct observations *observations, const struct stall *stall,
			  const bool *classes, struct resource_wait *ret_shortage)
{
	struct resource_wait shortage = { 0 };
	struct search search = {
		.observations = observations,
		.history = observations_history(observations, stall->start_ns, stall->end_ns),
		.stall = stall,
		.classes = classes,
		.shortage = &shortage,
		.victims = VICTIM_SET,
		.wakers.entry_bytes = sizeof(struct resource_waker),
	};
	int r = add_all(&search);

	if (!r)
		r = victim_set_take(&search.victims, VICTIM_NS, &shortage.victims,
				    &shortage.victim_count, &shortage.blocked_ns);
	if (r)
		goto out;
	take_wakers(&search);
	take_operations(&search);
	shortage.served = is_served(&search);
	if (shortage.served)
		r = read_story(&search);
	if (!r) {
		*ret_shortage = shortage;
		shortage.victims = NULL;
	}
out:
	victim_set_free(&search.victims);
	per_thread_free(&search.wakers);
	free(shortage.victims);
	return r;
}

void resource_wait_free(struct resource_wait *shortage)
{
	free(shortage->victims);
	*shortage = (struct resource_wait){ 0 };
}
