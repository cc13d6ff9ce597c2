/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/record/deferred_stacks.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/base/clock.h"
#include "recorder/base/abandonable_task.h"
#include "recorder/proc/proc_task.h"

#define BATCH	    64 /* threads read by one reader */
#define BATCH_OTHER 8 /* of them neither of the target nor in uninterruptible sleep, at most */
#define FRAMES_MAX  64 /* the kernel shows no more in /proc/PID/stack */
#define PATIENCE_NS 1000000000ull /* a batch normally takes milliseconds */
#define STUCK_MOST  4

static _Atomic unsigned int stuck;

/* One thread: its entry before the read, and what /proc said. */
struct reading {
	size_t slot;
	struct blocked_thread seen;
	bool done;
	uint64_t end_ns;
	struct ft_event event;
	struct ft_task task;
	struct ft_stack stack;
	uint64_t frames[FRAMES_MAX];
};

/* Belongs to the reader while it runs, then to the owner of the reader. */
struct batch {
	const struct kallsyms *kallsyms;
	size_t count;
	_Atomic bool left_behind;
	struct reading readings[BATCH];
};

struct deferred_stacks {
	struct deferred_stacks_options options;
	uint32_t *read_changes; /* by slot: changes + 1 of the sleep that was read last */
	size_t read_count;
	struct batch *batch; /* of the reader; NULL: no reader runs */
	struct abandonable_task *reader;
	uint64_t begun_ns;
	bool read_all; /* the reader is done; its readings wait until the drain has caught up */
	struct deferred_stacks_status status;
};

int deferred_stacks_create(const struct deferred_stacks_options *options,
			   struct deferred_stacks **ret_deferred)
{
	struct deferred_stacks *deferred = calloc(1, sizeof(*deferred));
	if (!deferred)
		return -ENOMEM;
	deferred->options = *options;
	if (!deferred->options.threshold_ns)
		deferred->options.threshold_ns = DEFERRED_THRESHOLD_NS;
	*ret_deferred = deferred;
	return 0;
}

/* Called when both the reader and its owner are done with the batch. */
static void discard_batch(void *context)
{
	struct batch *batch = context;
	if (batch->left_behind)
		stuck--;
	free(batch);
}

static void leave_reader(struct deferred_stacks *deferred, int patience_ms)
{
	if (!deferred->reader)
		return;
	if (!abandonable_task_wait(deferred->reader, patience_ms)) {
		deferred->batch->left_behind = true;
		stuck++;
		deferred->status.left_behind++;
	}
	abandonable_task_leave(deferred->reader, 0);
	deferred->reader = NULL;
	deferred->batch = NULL;
	deferred->read_all = false;
}

void deferred_stacks_destroy(struct deferred_stacks *deferred)
{
	if (!deferred)
		return;
	leave_reader(deferred, 1000);
	free(deferred->read_changes);
	free(deferred);
}

static int keep_event(void *context, const struct ft_event *event)
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
		proc_task_visit_one(seen->tgid > 0 ? seen->tgid : seen->tid, seen->tid,
				       batch->kallsyms, keep_event, reading);
		reading->end_ns = clock_now_ns();
	}
}

static bool is_sleeping(enum ft_task_state state)
{
	return state == FT_STATE_SLEEPING || state == FT_STATE_DISK || state == FT_STATE_STOPPED ||
	       state == FT_STATE_TRACED || state == FT_STATE_OTHER;
}

/* @first: look for threads of the target or in uninterruptible sleep; else for the others. */
static bool is_due(const struct deferred_stacks *deferred, size_t slot,
		   const struct blocked_thread *thread, uint64_t drained_ns, bool first)
{
	bool comes_first = thread->state == FT_STATE_DISK ||
			   target_has(deferred->options.target, thread->tgid);
	return comes_first == first && thread->since_ns && is_sleeping(thread->state) &&
	       thread->since_ns + deferred->options.threshold_ns <= drained_ns &&
	       deferred->read_changes[slot] != thread->changes + 1;
}

static void fill_batch(struct deferred_stacks *deferred, struct batch *batch, size_t slots,
		       size_t most, uint64_t drained_ns, bool first)
{
	for (size_t slot = 0; slot < slots && batch->count < most; slot++) {
		struct blocked_thread thread;
		if (!blocked_threads_at(deferred->options.blocked, slot, &thread) ||
		    !is_due(deferred, slot, &thread, drained_ns, first))
			continue;
		struct reading *reading = &batch->readings[batch->count++];
		*reading = (struct reading){ .slot = slot, .seen = thread };
		deferred->read_changes[slot] = thread.changes + 1;
	}
}

static bool grow_read_changes(struct deferred_stacks *deferred, size_t slots)
{
	if (slots <= deferred->read_count)
		return true;
	uint32_t *read_changes = realloc(deferred->read_changes, slots * sizeof(*read_changes));
	if (!read_changes)
		return false;
	memset(read_changes + deferred->read_count, 0,
	       (slots - deferred->read_count) * sizeof(*read_changes));
	deferred->read_changes = read_changes;
	deferred->read_count = slots;
	return true;
}

static void begin_batch(struct deferred_stacks *deferred, uint64_t drained_ns)
{
	size_t slots = blocked_threads_count(deferred->options.blocked);
	if (stuck >= STUCK_MOST || !grow_read_changes(deferred, slots))
		return;
	struct batch *batch = malloc(sizeof(*batch));
	if (!batch)
		return;
	batch->kallsyms = deferred->options.kallsyms;
	batch->count = 0;
	batch->left_behind = false;
	fill_batch(deferred, batch, slots, BATCH, drained_ns, true);
	size_t most = batch->count + BATCH_OTHER < BATCH ? batch->count + BATCH_OTHER : BATCH;
	fill_batch(deferred, batch, slots, most, drained_ns, false);
	if (!batch->count || abandonable_task_start("ft-stacks", read_batch, discard_batch, batch,
						    &deferred->reader)) {
		free(batch);
		return;
	}
	deferred->batch = batch;
	deferred->begun_ns = clock_now_ns();
}

/* Events up to the end of the reading are drained: emit it only if the thread slept on. */
static void emit_if_unchanged(struct deferred_stacks *deferred, const struct reading *reading)
{
	if (!reading->done)
		return;
	deferred->status.read++;
	if (!reading->event.stack || reading->event.state.state == FT_STATE_RUNNING ||
	    !blocked_threads_unchanged(deferred->options.blocked, reading->slot, &reading->seen)) {
		deferred->status.changed++;
		return;
	}
	deferred->status.kept++;
	deferred->options.emit(deferred->options.context, &reading->event);
}

void deferred_stacks_take(struct deferred_stacks *deferred, uint64_t drained_ns)
{
	if (deferred->reader && !deferred->read_all) {
		deferred->read_all = abandonable_task_wait(deferred->reader, 0);
		if (!deferred->read_all && clock_now_ns() - deferred->begun_ns > PATIENCE_NS)
			leave_reader(deferred, 0);
	}
	if (deferred->read_all) {
		const struct batch *batch = deferred->batch;
		if (batch->readings[batch->count - 1].end_ns > drained_ns)
			return;
		for (size_t i = 0; i < batch->count; i++)
			emit_if_unchanged(deferred, &batch->readings[i]);
		leave_reader(deferred, 0);
	}
}

void deferred_stacks_look(struct deferred_stacks *deferred, uint64_t drained_ns)
{
	deferred_stacks_take(deferred, drained_ns);
	if (!deferred->reader)
		begin_batch(deferred, drained_ns);
}

bool deferred_stacks_reading(const struct deferred_stacks *deferred)
{
	return deferred->reader;
}

void deferred_stacks_status(const struct deferred_stacks *deferred,
			    struct deferred_stacks_status *ret_status)
{
	*ret_status = deferred->status;
}

unsigned int deferred_stacks_stuck(void)
{
	return stuck;
}
