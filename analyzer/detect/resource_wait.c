/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/resource_wait.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/trace/per_thread.h"
#include "analyzer/locks/replay.h"

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

struct watch {
	const struct stack_table *stacks;
	struct stack_infos *stackfacts;
	struct target *target;
	const struct stall *stall;
	const bool *classes;
	struct resource_wait *shortage;
	struct per_thread victims; /* struct victim */
	struct per_thread wakers; /* struct resource_waker */
	struct operation operations[OPERATIONS];
	size_t operation_count;
};

static void note_operation(struct watch *watch, const struct stack_info *fact, uint64_t ns)
{
	size_t i = 0;

	if (!fact->operation_id)
		return;
	while (i < watch->operation_count && watch->operations[i].id != fact->operation_id)
		i++;
	if (i == OPERATIONS)
		return;
	watch->operation_count += i == watch->operation_count;
	watch->operations[i].id = fact->operation_id;
	watch->operations[i].sum.text = fact->operation;
	watch->operations[i].sum.ns += ns;
}

static int note_waker(struct watch *watch, const struct interval *interval, uint64_t from_ns,
		      uint64_t to_ns)
{
	struct resource_waker *waker;

	if (!interval->waker)
		return 0;
	if (interval->waker_in_interrupt || interval->waker->idle_task) {
		watch->shortage->interrupt_ns += to_ns - from_ns;
		return 0;
	}
	waker = per_thread_get(&watch->wakers, interval->waker);
	if (!waker)
		return -ENOMEM;
	waker->thread = interval->waker;
	waker->ns += to_ns - from_ns;
	if (to_ns - from_ns > waker->until_ns - waker->since_ns) {
		waker->since_ns = from_ns;
		waker->until_ns = to_ns;
		waker->stack_id = interval->waker_stack_id;
	}
	return 0;
}

static int note_victim(struct watch *watch, const struct interval *interval, uint64_t from_ns,
		       uint64_t to_ns)
{
	struct victim *victim = per_thread_get(&watch->victims, interval->thread);

	if (!victim)
		return -ENOMEM;
	victim->thread = interval->thread;
	victim->blocked_ns += to_ns - from_ns;
	if (to_ns - from_ns > victim->longest_ns) {
		victim->longest_ns = to_ns - from_ns;
		victim->since_ns = from_ns;
	}
	return 0;
}

/* Reclaim that yields the CPU is a wait too: as in account.c. */
static enum wait_class class_of(const struct interval *interval, const struct stack_info *fact)
{
	if (interval->state == THREAD_BLOCKED)
		return stack_info_reason(fact, interval->prev_state)->class;
	if (interval->state == THREAD_RUNNABLE && interval->flags & INTERVAL_PREEMPTED)
		return fact->preempted.class;
	return WAIT_UNKNOWN;
}

static int watch_closed(void *context, const struct interval *interval)
{
	struct watch *watch = context;
	uint64_t from_ns = interval->start_ns, to_ns = interval->end_ns;
	const struct stack_info *fact;
	enum wait_class class;

	if ((interval->state != THREAD_BLOCKED && interval->state != THREAD_RUNNABLE) ||
	    !target_counts(watch->target, interval->thread))
		return 0;
	if (from_ns < watch->stall->start_ns)
		from_ns = watch->stall->start_ns;
	if (to_ns > watch->stall->end_ns)
		to_ns = watch->stall->end_ns;
	if (to_ns <= from_ns)
		return 0;
	fact = stack_infos_get(watch->stackfacts, interval->stack_id);
	if (!fact)
		return -ENOMEM;
	class = class_of(interval, fact);
	if (!watch->classes[class])
		return 0;
	watch->shortage->class_ns[class] += to_ns - from_ns;
	note_operation(watch, fact, to_ns - from_ns);
	if (note_waker(watch, interval, from_ns, to_ns))
		return -ENOMEM;
	return note_victim(watch, interval, from_ns, to_ns);
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
	struct resource_wait *shortage = watch->shortage;

	shortage->victims =
		calloc(per_thread_count(&watch->victims) + 1, sizeof(*shortage->victims));
	if (!shortage->victims)
		return -ENOMEM;
	for (size_t i = 0; i < per_thread_count(&watch->victims); i++) {
		const struct victim *victim = per_thread_at(&watch->victims, i);

		if (!victim || victim->blocked_ns < VICTIM_NS)
			continue;
		shortage->victims[shortage->victim_count++] = *victim;
		shortage->blocked_ns += victim->blocked_ns;
	}
	qsort(shortage->victims, shortage->victim_count, sizeof(*shortage->victims), by_blocked);
	return 0;
}

static void take_wakers(struct watch *watch)
{
	struct resource_waker *top = watch->shortage->wakers;

	for (size_t i = 0; i < per_thread_count(&watch->wakers); i++) {
		const struct resource_waker *waker = per_thread_at(&watch->wakers, i);
		size_t place = SHORTAGE_TOP;

		while (waker && place && waker->ns > top[place - 1].ns)
			place--;
		if (place == SHORTAGE_TOP)
			continue;
		memmove(&top[place + 1], &top[place], (SHORTAGE_TOP - 1 - place) * sizeof(*top));
		top[place] = *waker;
	}
}

static void take_operations(struct watch *watch)
{
	struct resource_operation *top = watch->shortage->operations;

	for (size_t i = 0; i < watch->operation_count; i++) {
		size_t place = SHORTAGE_TOP;

		while (place && watch->operations[i].sum.ns > top[place - 1].ns)
			place--;
		if (place == SHORTAGE_TOP)
			continue;
		memmove(&top[place + 1], &top[place], (SHORTAGE_TOP - 1 - place) * sizeof(*top));
		top[place] = watch->operations[i].sum;
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
static int read_story(struct source *source, struct stack_infos *stackfacts,
		      struct resource_wait *shortage)
{
	const struct resource_waker *server = &shortage->wakers[0];

	return hold_read(source, stackfacts, server->thread, server->since_ns, server->until_ns,
			 &shortage->story);
}

int resource_wait_examine(struct source *source, struct stack_infos *stackfacts,
			  struct target *target, const struct stall *stall, const bool *classes,
			  struct resource_wait *ret_shortage)
{
	struct resource_wait shortage = { 0 };
	struct watch watch = {
		.stacks = source_stacks(source),
		.stackfacts = stackfacts,
		.target = target,
		.stall = stall,
		.classes = classes,
		.shortage = &shortage,
		.victims.entry_bytes = sizeof(struct victim),
		.wakers.entry_bytes = sizeof(struct resource_waker),
	};
	int r;

	r = replay_over(source, stackfacts,
			&(struct replay_watcher){ .closed = watch_closed, .context = &watch });
	if (!r)
		r = take_victims(&watch);
	if (r)
		goto out;
	take_wakers(&watch);
	take_operations(&watch);
	shortage.served = shortage.wakers[0].thread &&
			  shortage.wakers[0].ns * 100 >= shortage.blocked_ns * SERVED_PERCENT &&
			  serves_fuse(watch.stacks, shortage.wakers[0].stack_id);
	if (shortage.served)
		r = read_story(source, stackfacts, &shortage);
	if (!r) {
		*ret_shortage = shortage;
		shortage.victims = NULL;
	}
out:
	per_thread_free(&watch.victims);
	per_thread_free(&watch.wakers);
	free(shortage.victims);
	return r;
}

void resource_wait_free(struct resource_wait *shortage)
{
	free(shortage->victims);
	*shortage = (struct resource_wait){ 0 };
}
