/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/record/deferred_stacks.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/base/clock.h"
#include "recorder/base/abandonable_task.h"
#include "recorder/proc/proc_threads.h"

#define BATCH	    64 /* threads read in one go */
#define BATCH_OTHER 8 /* of them not of the target, and not in an uninterruptible sleep */
#define FRAMES_MAX  64 /* what the kernel shows */
#define PATIENCE_NS 1000000000ull /* a batch takes milliseconds */
#define STUCK_MOST  4

static _Atomic unsigned int stuck;

/* One thread: what was known of it before, what was read. */
struct reading {
	size_t place;
	struct blocked_thread seen;
	bool done;
	uint64_t end_ns;
	struct ft_event event;
	struct ft_task task;
	struct ft_stack stack;
	uint64_t frames[FRAMES_MAX];
};

/* The reading thread's own, or its owner's once it is done. */
struct batch {
	const struct kallsyms *kallsyms;
	size_t count;
	_Atomic bool left_behind;
	struct reading readings[BATCH];
};

struct deferred_stacks {
	struct deferred_stacks_options options;
	uint32_t *asked; /* by place: changes + 1 of the sleep that was read last */
	size_t asked_count;
	struct batch *batch; /* of the errand; NULL: none is under way */
	struct abandonable_task *errand;
	uint64_t begun_ns;
	bool read_all; /* the errand is done, its readings wait for the drain */
	struct deferred_stacks_status status;
};

int deferred_stacks_create(const struct deferred_stacks_options *options,
			   struct deferred_stacks **ret_lazy)
{
	struct deferred_stacks *lazy = calloc(1, sizeof(*lazy));
	if (!lazy)
		return -ENOMEM;
	lazy->options = *options;
	if (!lazy->options.threshold_ns)
		lazy->options.threshold_ns = LAZY_THRESHOLD_NS;
	*ret_lazy = lazy;
	return 0;
}

/* Runs where both are done with the batch. */
static void discard(void *context)
{
	struct batch *batch = context;
	if (batch->left_behind)
		stuck--;
	free(batch);
}

static void leave(struct deferred_stacks *lazy, int patience_ms)
{
	if (!lazy->errand)
		return;
	if (!abandonable_task_wait(lazy->errand, patience_ms)) {
		lazy->batch->left_behind = true;
		stuck++;
		lazy->status.left_behind++;
	}
	abandonable_task_leave(lazy->errand, 0);
	lazy->errand = NULL;
	lazy->batch = NULL;
	lazy->read_all = false;
}

void deferred_stacks_destroy(struct deferred_stacks *lazy)
{
	if (!lazy)
		return;
	leave(lazy, 1000);
	free(lazy->asked);
	free(lazy);
}

static int keep(void *context, const struct ft_event *event)
{
	struct reading *reading = context;

	reading->event = *event;
	reading->task = *event->task;
	reading->event.task = &reading->task;
	reading->event.stack = NULL;
	if (event->stack && event->stack->kernel_count <= FRAMES_MAX) {
		memcpy(reading->frames, event->stack->frames,
		       event->stack->kernel_count * sizeof(reading->frames[0]));
		reading->stack = (struct ft_stack){ .frames = reading->frames,
						    .kernel_count = event->stack->kernel_count };
		reading->event.stack = &reading->stack;
	}
	reading->done = true;
	return 0;
}

static void read_batch(void *context)
{
	struct batch *batch = context;
	for (size_t i = 0; i < batch->count && !batch->left_behind; i++) {
		struct reading *reading = &batch->readings[i];
		const struct blocked_thread *seen = &reading->seen;
		proc_threads_visit_one(seen->tgid > 0 ? seen->tgid : seen->tid, seen->tid,
				    batch->kallsyms, keep, reading);
		reading->end_ns = clock_now_ns();
	}
}

static bool sleeps(enum ft_task_state state)
{
	return state == FT_STATE_SLEEPING || state == FT_STATE_DISK || state == FT_STATE_STOPPED ||
	       state == FT_STATE_TRACED || state == FT_STATE_OTHER;
}

/* Whether the sleeper is due; @first: those who come first. */
static bool is_due(const struct deferred_stacks *lazy, size_t place,
		   const struct blocked_thread *sleeper, uint64_t drained_ns, bool first)
{
	bool comes_first =
		sleeper->state == FT_STATE_DISK || target_has(lazy->options.target, sleeper->tgid);
	return comes_first == first && sleeper->since_ns && sleeps(sleeper->state) &&
	       sleeper->since_ns + lazy->options.threshold_ns <= drained_ns &&
	       lazy->asked[place] != sleeper->changes + 1;
}

static void fill_batch(struct deferred_stacks *lazy, struct batch *batch, size_t places,
		       size_t most, uint64_t drained_ns, bool first)
{
	for (size_t place = 0; place < places && batch->count < most; place++) {
		struct blocked_thread sleeper;
		if (!blocked_threads_at(lazy->options.sleepers, place, &sleeper) ||
		    !is_due(lazy, place, &sleeper, drained_ns, first))
			continue;
		struct reading *reading = &batch->readings[batch->count++];
		*reading = (struct reading){ .place = place, .seen = sleeper };
		lazy->asked[place] = sleeper.changes + 1;
	}
}

static bool make_room(struct deferred_stacks *lazy, size_t places)
{
	if (places <= lazy->asked_count)
		return true;
	uint32_t *asked = realloc(lazy->asked, places * sizeof(*asked));
	if (!asked)
		return false;
	memset(asked + lazy->asked_count, 0, (places - lazy->asked_count) * sizeof(*asked));
	lazy->asked = asked;
	lazy->asked_count = places;
	return true;
}

static void begin_batch(struct deferred_stacks *lazy, uint64_t drained_ns)
{
	size_t places = blocked_threads_count(lazy->options.sleepers);
	if (stuck >= STUCK_MOST || !make_room(lazy, places))
		return;
	struct batch *batch = malloc(sizeof(*batch));
	if (!batch)
		return;
	batch->kallsyms = lazy->options.kallsyms;
	batch->count = 0;
	batch->left_behind = false;
	fill_batch(lazy, batch, places, BATCH, drained_ns, true);
	size_t most = batch->count + BATCH_OTHER < BATCH ? batch->count + BATCH_OTHER : BATCH;
	fill_batch(lazy, batch, places, most, drained_ns, false);
	if (!batch->count ||
	    abandonable_task_start("ft-stacks", read_batch, discard, batch, &lazy->errand)) {
		free(batch);
		return;
	}
	lazy->batch = batch;
	lazy->begun_ns = clock_now_ns();
}

/* The events up to the end of the reading are known: did the thread sleep on? */
static void judge(struct deferred_stacks *lazy, const struct reading *reading)
{
	if (!reading->done)
		return;
	lazy->status.read++;
	if (!reading->event.stack || reading->event.state.state == FT_STATE_RUNNING ||
	    !blocked_threads_unchanged(lazy->options.sleepers, reading->place, &reading->seen)) {
		lazy->status.changed++;
		return;
	}
	lazy->status.kept++;
	lazy->options.emit(lazy->options.context, &reading->event);
}

void deferred_stacks_look(struct deferred_stacks *lazy, uint64_t drained_ns)
{
	if (lazy->errand && !lazy->read_all) {
		lazy->read_all = abandonable_task_wait(lazy->errand, 0);
		if (!lazy->read_all && clock_now_ns() - lazy->begun_ns > PATIENCE_NS)
			leave(lazy, 0);
	}
	if (lazy->read_all) {
		const struct batch *batch = lazy->batch;
		if (batch->readings[batch->count - 1].end_ns > drained_ns)
			return;
		for (size_t i = 0; i < batch->count; i++)
			judge(lazy, &batch->readings[i]);
		leave(lazy, 0);
	}
	if (!lazy->errand)
		begin_batch(lazy, drained_ns);
}

void deferred_stacks_status(const struct deferred_stacks *lazy,
			    struct deferred_stacks_status *ret_status)
{
	*ret_status = lazy->status;
}

unsigned int deferred_stacks_stuck(void)
{
	return stuck;
}
