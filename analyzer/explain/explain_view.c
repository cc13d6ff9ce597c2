/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/explain/explain_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/activity/observations.h"
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

/* How many spans of lost events overlap @start_ns to @end_ns, of the model's times. */
static uint32_t count_gaps(const struct model *model, uint64_t start_ns, uint64_t end_ns,
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

/* The pieces that are charged to somebody, and behind them all that is charged to nobody. */
static void fill_pieces(const struct explain_context *context, const struct thread_wait *observed,
			struct explain_wait *wait)
{
	uint64_t charged_ns = observed->left_out_ns, ignored;

	for (size_t i = 0; i < observed->piece_count; i++) {
		const struct history_charge *piece = &observed->pieces[i];
		struct explain_piece *entry = &wait->pieces[wait->piece_count++];

		*entry = (struct explain_piece){
			.owner = piece->owner,
			.start_ns = since_start(context, piece->start_ns),
			.end_ns = since_start(context, piece->end_ns),
		};
		entry->grade = context->model->coverage.contradicts ||
					       count_gaps(context->model, entry->start_ns,
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
	wait->left_out = observed->left_out;
	wait->left_out_ns = observed->left_out_ns;
}

static void fill_object(const struct explain_context *context, const struct thread_wait *observed,
			struct explain_wait *wait)
{
	const struct wait_object *object =
		observed->state == THREAD_BLOCKED
			? wait_objects_find(&context->observations->objects, observed->thread,
					    observed->start_ns, observed->end_ns)
			: NULL;

	if (!object)
		return;
	wait->object = wait_object_text(object);
	wait->peers = wait_object_peers_text(object);
}

void explain_fill_wait(const struct explain_context *context, const struct thread_wait *observed,
		       struct explain_wait *ret_wait)
{
	struct explain_wait *wait = ret_wait;

	*wait = (struct explain_wait){
		.actor = EXPLAIN_NONE,
		.thread = observed->thread,
		.for_cpu = observed->state == THREAD_RUNNABLE,
		.class = observed->class,
		.detail = observed->detail,
		.operation = observed->operation,
		.start_ns = since_start(context, observed->start_ns),
		.end_ns = since_start(context, observed->end_ns),
		.waited_ns = observed->waited_ns,
		.within_ns = observed->overlap_ns,
		.sleeps = observed->sleeps,
		.began_before = observed->flags & INTERVAL_BEGAN_BEFORE,
		.begin_inferred =
			observed->state == THREAD_RUNNABLE && observed->flags & INTERVAL_START_LOST,
		.still_open = observed->flags & INTERVAL_STILL_OPEN,
		.is_lock = observed->is_lock,
		.lock_address = observed->lock_address,
		.lock_tgid = observed->lock_tgid,
		.stack = explain_stack(context, observed->stack_id),
		.waker = observed->waker,
		.observed = *observed,
	};
	fill_object(context, observed, wait);
	wait->gaps = count_gaps(context->model, wait->start_ns, wait->end_ns, &wait->lost_events);
	fill_pieces(context, observed, wait);
}

static enum wait_class find_class(const struct explain_context *context,
				  const struct excerpt_event *event)
{
	const struct stack_info *info =
		stack_infos_get(context->observations->stack_infos, event->stack_id);

	return info ? stack_info_reason(info, event->state)->class : WAIT_UNKNOWN;
}

static void fill_event(const struct explain_context *context, const struct excerpt_event *event,
		       struct explain_event *ret_event)
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
		.call = event->kind == EXCERPT_CALL ? large_calls_name(event->call) : NULL,
		.wakes = event->wakes,
		.bytes = event->bytes,
	};
	if (event->kind == EXCERPT_LEAVES_CPU)
		ret_event->class = find_class(context, event);
}

int explain_fill_excerpt(const struct explain_context *context,
			 const struct event_excerpt_query *query,
			 struct explain_excerpt *ret_excerpt)
{
	const struct observations *observations = context->observations;
	struct event_excerpt excerpt;
	struct explain_event *events;

	event_excerpt_find(observations_history(observations, query->start_ns, query->end_ns),
			   source_threads(observations->source), query, &excerpt);
	events = calloc(excerpt.count + 1, sizeof(*events));
	if (!events)
		return -ENOMEM;
	for (size_t i = 0; i < excerpt.count; i++)
		fill_event(context, &excerpt.events[i], &events[i]);
	*ret_excerpt =
		(struct explain_excerpt){ events, excerpt.count, excerpt.gap, excerpt.left_out };
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

static enum explain_root find_interrupt(const struct explain_context *context,
					const struct explain_wait *wait)
{
	struct model_stack stack = explain_stack(context, wait->observed.waker_stack_id);

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
	if (wait->observed.waker_in_interrupt || wait->waker->idle_task)
		return find_interrupt(context, wait);
	return EXPLAIN_GOES_ON;
}
