/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/explain/explain_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/trace/large_calls.h"

static uint64_t since_start(const struct explain_context *context, uint64_t time_ns)
{
	const uint64_t start_ns = context->model->capture.start_ns;

	return time_ns > start_ns ? time_ns - start_ns : 0;
}

struct model_stack explain_stack(const struct explain_context *context, uint32_t stack_id)
{
	const struct frame *frames = NULL;
	size_t count = stack_table_frames(context->stacks, stack_id, &frames);

	return (struct model_stack){ count ? frames : NULL, count };
}

/* Spans of lost events that overlap @start_ns to @end_ns, of the model's times. */
static uint32_t gaps_in(const struct model *model, uint64_t start_ns, uint64_t end_ns,
			uint64_t *ret_events)
{
	uint32_t gaps = 0;

	*ret_events = 0;
	for (size_t i = 0; i < model->coverage.gap_count; i++) {
		const struct model_gap *gap = &model->coverage.gaps[i];

		if (gap->start_ns > end_ns || gap->end_ns < start_ns)
			continue;
		gaps++;
		*ret_events += gap->records;
	}
	return gaps;
}

/* What is charged to somebody, and at the end what is charged to nobody. */
static void fill_pieces(const struct explain_context *context, const struct deed_wait *deed,
			struct explain_wait *wait)
{
	uint64_t charged_ns = deed->left_out_ns, ignored;

	for (size_t i = 0; i < deed->piece_count; i++) {
		const struct deed_piece *piece = &deed->pieces[i];
		struct explain_piece *entry = &wait->pieces[wait->piece_count++];

		*entry = (struct explain_piece){
			.owner = piece->owner,
			.start_ns = since_start(context, piece->start_ns),
			.end_ns = since_start(context, piece->end_ns),
		};
		entry->grade = context->model->coverage.contradicts ||
					       gaps_in(context->model, entry->start_ns,
						       entry->end_ns, &ignored)
				       ? GRADE_PLAUSIBLE
				       : piece->grade;
		charged_ns += piece->end_ns - piece->start_ns;
	}
	if (wait->is_lock && charged_ns < wait->waited_ns)
		wait->pieces[wait->piece_count++] = (struct explain_piece){
			.grade = GRADE_UNKNOWN,
			.end_ns = wait->waited_ns - charged_ns,
		};
	wait->left_out = deed->left_out;
	wait->left_out_ns = deed->left_out_ns;
}

void explain_fill_wait(const struct explain_context *context, const struct deed_wait *deed,
		       struct explain_wait *ret_wait)
{
	struct explain_wait *wait = ret_wait;

	*wait = (struct explain_wait){
		.actor = EXPLAIN_NONE,
		.thread = deed->thread,
		.for_cpu = deed->state == THREAD_RUNNABLE,
		.class = deed->class,
		.detail = deed->detail,
		.operation = deed->operation,
		.start_ns = since_start(context, deed->start_ns),
		.end_ns = since_start(context, deed->end_ns),
		.waited_ns = deed->waited_ns,
		.within_ns = deed->overlap_ns,
		.sleeps = deed->sleeps,
		.began_before = deed->flags & INTERVAL_BEGAN_BEFORE,
		.begin_inferred =
			deed->state == THREAD_RUNNABLE && deed->flags & INTERVAL_START_LOST,
		.still_open = deed->flags & INTERVAL_STILL_OPEN,
		.is_lock = deed->is_lock,
		.lock_address = deed->lock_address,
		.lock_tgid = deed->lock_tgid,
		.stack = explain_stack(context, deed->stack_id),
		.waker = deed->waker,
		.deed = *deed,
	};
	wait->gaps = gaps_in(context->model, wait->start_ns, wait->end_ns, &wait->lost_events);
	fill_pieces(context, deed, wait);
}

static enum wait_class class_of(const struct explain_context *context,
				const struct event_excerpt_event *event)
{
	const struct stack_info *fact = stack_infos_get(context->stackfacts, event->stack_id);

	return fact ? stack_info_reason(fact, event->state)->class : WAIT_UNKNOWN;
}

static void fill_event(const struct explain_context *context,
		       const struct event_excerpt_event *event, struct explain_event *ret_event)
{
	*ret_event = (struct explain_event){
		.at_ns = since_start(context, event->at_ns),
		.kind = event->kind,
		.cpu = event->cpu,
		.other = event->other,
		.stack = explain_stack(context, event->stack_id),
		.in_interrupt = event->in_interrupt,
		.state = event->state,
		.address = event->address,
		.mode = event->lock_flags & FT_LOCK_READ    ? LOCK_MODE_READ
			: event->lock_flags & FT_LOCK_WRITE ? LOCK_MODE_WRITE
							    : LOCK_MODE_NONE,
		.call = event->kind == TRAIL_CALL ? large_calls_name(event->call) : NULL,
		.wakes = event->wakes,
		.bytes = event->bytes,
	};
	if (event->kind == TRAIL_LEAVES_CPU)
		ret_event->class = class_of(context, event);
}

int explain_fill_trail(const struct explain_context *context, const struct event_excerpt *trail,
		       struct explain_trail *ret_trail)
{
	struct event_excerpt_event events[TRAIL_EVENTS_MAX];
	struct explain_trail filled = { 0 };

	filled.count = event_excerpt_tell(trail, events, &filled.gap, &filled.left_out);
	filled.events = calloc(filled.count + 1, sizeof(*filled.events));
	if (!filled.events)
		return -ENOMEM;
	for (size_t i = 0; i < filled.count; i++)
		fill_event(context, &events[i], &filled.events[i]);
	*ret_trail = filled;
	return 0;
}

/* Functions that interrupts of a kind go through, by how their names begin. */
static const struct {
	enum explain_root root;
	const char *begins;
} interrupts[] = {
	{ EXPLAIN_TIMER, "hrtimer_" },
	{ EXPLAIN_TIMER, "__hrtimer_" },
	{ EXPLAIN_TIMER, "call_timer_fn" },
	{ EXPLAIN_TIMER, "__run_timers" },
	{ EXPLAIN_TIMER, "process_timeout" },
	{ EXPLAIN_NETWORK, "net_rx_action" },
	{ EXPLAIN_NETWORK, "__napi_poll" },
	{ EXPLAIN_NETWORK, "netif_receive_skb" },
	{ EXPLAIN_NETWORK, "process_backlog" },
	{ EXPLAIN_DEVICE, "blk_" },
	{ EXPLAIN_DEVICE, "bio_endio" },
	{ EXPLAIN_DEVICE, "nvme_" },
	{ EXPLAIN_DEVICE, "virtblk_" },
	{ EXPLAIN_DEVICE, "scsi_" },
	{ EXPLAIN_DEVICE, "ata_" },
};

static enum explain_root interrupt_kind(const struct explain_context *context,
					const struct explain_wait *wait)
{
	struct model_stack stack = explain_stack(context, wait->deed.waker_stack_id);

	for (size_t i = 0; i < stack.count; i++)
		for (size_t j = 0; j < sizeof(interrupts) / sizeof(*interrupts); j++)
			if (stack.frames[i].symbol &&
			    !strncmp(stack.frames[i].symbol, interrupts[j].begins,
				     strlen(interrupts[j].begins)))
				return interrupts[j].root;
	switch (wait->class) {
	case WAIT_SLEEP:
		return EXPLAIN_TIMER;
	case WAIT_IO_BLOCK:
	case WAIT_IO_PAGECACHE:
	case WAIT_IO_SWAP:
	case WAIT_IO_JOURNAL:
	case WAIT_IO_WRITEBACK:
		return EXPLAIN_DEVICE;
	default:
		return EXPLAIN_INTERRUPT;
	}
}

enum explain_root explain_root_of(const struct explain_context *context,
				  const struct explain_wait *wait)
{
	if (!wait->waker)
		return wait->still_open ? EXPLAIN_STILL_OPEN : EXPLAIN_NOT_SEEN;
	if (wait->deed.waker_in_interrupt || wait->waker->idle_task)
		return interrupt_kind(context, wait);
	return EXPLAIN_GOES_ON;
}
