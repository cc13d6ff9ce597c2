/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload of one segment -> events; doc/FORMAT.md, "Events".
 *
 * All memory is taken at creation: a segment that names more tasks, stacks or frames than fit
 * is damaged, for no encoder makes one.
 */
#include "capture/decoder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/bytes.h"
#include "capture/format.h"

#define NONE UINT16_MAX

struct ft_decoder {
	struct ft_bytes bytes;
	bool damaged;
	uint32_t cpu;
	uint64_t time_ns;
	uint64_t lock_address;
	uint32_t task; /* last named, or NONE */
	const char *text; /* last one, in the payload */
	uint32_t tasks_count, stacks_count, frames_count;
	struct ft_task tasks[FT_DICTIONARY_MAX];
	uint16_t last_stacks[FT_DICTIONARY_MAX][FT_STACK_SORTS]; /* of each task, or NONE */
	struct ft_stack stacks[FT_DICTIONARY_MAX];
	uint64_t frames[FT_DICTIONARY_FRAMES_MAX];
};

int ft_decoder_create(struct ft_decoder **ret_decoder)
{
	/* Not cleared: pages that no segment needs are never touched. */
	struct ft_decoder *decoder = malloc(sizeof(*decoder));

	if (!decoder)
		return -ENOMEM;
	ft_decoder_begin(decoder, NULL, 0, FT_NO_CPU, 0);
	*ret_decoder = decoder;
	return 0;
}

void ft_decoder_destroy(struct ft_decoder *decoder)
{
	free(decoder);
}

void ft_decoder_begin(struct ft_decoder *decoder, const void *payload, size_t payload_bytes,
		      uint32_t cpu, uint64_t first_ns)
{
	const uint8_t *start = payload;

	decoder->bytes.next = start;
	decoder->bytes.end = start;
	decoder->damaged = payload_bytes > 0 && payload_bytes < FT_EVENTS_BASE_BYTES;
	decoder->cpu = cpu;
	decoder->time_ns = first_ns;
	decoder->lock_address = 0;
	decoder->task = NONE;
	decoder->text = NULL;
	decoder->tasks_count = 0;
	decoder->stacks_count = 0;
	decoder->frames_count = 0;
	if (payload_bytes >= FT_EVENTS_BASE_BYTES) {
		decoder->time_ns += ft_get_le64(start);
		decoder->bytes.next = start + FT_EVENTS_BASE_BYTES;
		decoder->bytes.end = start + payload_bytes;
	}
}

static bool get_task_definition(struct ft_decoder *decoder, struct ft_task *task)
{
	struct ft_bytes *bytes = &decoder->bytes;
	int64_t tid, tgid_offset;
	uint32_t comm_bytes;

	if (!ft_get_signed(bytes, &tid) || tid < INT32_MIN || tid > INT32_MAX ||
	    !ft_get_signed(bytes, &tgid_offset) || tgid_offset < INT32_MIN - tid ||
	    tgid_offset > INT32_MAX - tid ||
	    !ft_get_bounded(bytes, FT_COMM_BYTES - 1, &comm_bytes) ||
	    comm_bytes > ft_bytes_left(bytes))
		return false;
	task->tid = (int32_t)tid;
	task->tgid = (int32_t)(tid + tgid_offset);
	memset(task->comm, 0, sizeof(task->comm));
	memcpy(task->comm, bytes->next, comm_bytes);
	bytes->next += comm_bytes;
	return true;
}

static bool get_task(struct ft_decoder *decoder, uint32_t *ret_index)
{
	uint32_t count = decoder->tasks_count;

	if (!ft_get_bounded(&decoder->bytes, count, ret_index))
		return false;
	if (*ret_index < count)
		return true;
	if (count == FT_DICTIONARY_MAX || !get_task_definition(decoder, &decoder->tasks[count]))
		return false;
	for (int sort = 0; sort < FT_STACK_SORTS; sort++)
		decoder->last_stacks[count][sort] = NONE;
	decoder->tasks_count++;
	return true;
}

/* The encoder's put_stack_definition() says why it looks like this. */
static bool get_stack_definition(struct ft_decoder *decoder)
{
	static const struct ft_stack none;
	struct ft_stack *stack = &decoder->stacks[decoder->stacks_count];
	const struct ft_stack *model = decoder->stacks_count > 0 ? stack - 1 : &none;
	uint32_t models_count = (uint32_t)model->kernel_count + model->user_count;
	uint64_t *frames = &decoder->frames[decoder->frames_count];
	uint32_t kernel_count, user_count, count, leaf, root;
	struct ft_bytes *bytes = &decoder->bytes;
	uint64_t previous;

	if (decoder->stacks_count == FT_DICTIONARY_MAX ||
	    !ft_get_bounded(bytes, FT_STACK_FRAMES_MAX, &kernel_count) ||
	    !ft_get_bounded(bytes, FT_STACK_FRAMES_MAX - kernel_count, &user_count))
		return false;
	count = kernel_count + user_count;
	if (count > FT_DICTIONARY_FRAMES_MAX - decoder->frames_count ||
	    !ft_get_bounded(bytes, count < models_count ? count : models_count, &leaf) ||
	    !ft_get_bounded(bytes, (count < models_count ? count : models_count) - leaf, &root))
		return false;

	for (uint32_t i = 0; i < leaf; i++)
		frames[i] = model->frames[i];
	previous = leaf > 0 ? frames[leaf - 1] : 0;
	for (uint32_t i = leaf; i < count - root; i++) {
		int64_t delta;

		if (!ft_get_signed(bytes, &delta))
			return false;
		previous += (uint64_t)delta;
		frames[i] = previous;
	}
	for (uint32_t i = 1; i <= root; i++)
		frames[count - i] = model->frames[models_count - i];

	stack->frames = frames;
	stack->kernel_count = (uint16_t)kernel_count;
	stack->user_count = (uint16_t)user_count;
	decoder->frames_count += count;
	decoder->stacks_count++;
	return true;
}

static bool get_stack(struct ft_decoder *decoder, uint8_t tag, uint16_t *last_stack,
		      const struct ft_stack **ret_stack)
{
	uint32_t index;

	switch ((enum ft_tag_stack)(tag & FT_TAG_STACK_MASK)) {
	case FT_TAG_STACK_NONE:
		*ret_stack = NULL;
		return true;
	case FT_TAG_STACK_AGAIN:
		if (*last_stack == NONE)
			return false;
		index = *last_stack;
		break;
	case FT_TAG_STACK_INDEX:
		if (!ft_get_bounded(&decoder->bytes, UINT16_MAX, &index) ||
		    index >= decoder->stacks_count)
			return false;
		break;
	default:
		index = decoder->stacks_count;
		if (!get_stack_definition(decoder))
			return false;
		break;
	}
	*last_stack = (uint16_t)index;
	*ret_stack = &decoder->stacks[index];
	return true;
}

static bool get_text(struct ft_decoder *decoder, const char **ret_text)
{
	uint32_t text_bytes;

	if (!ft_get_bounded(&decoder->bytes, FT_TEXT_BYTES_MAX, &text_bytes) ||
	    (text_bytes > 0 && !ft_get_text(&decoder->bytes, text_bytes, &decoder->text)))
		return false;
	*ret_text = decoder->text;
	return decoder->text != NULL;
}

static bool get_varints(struct ft_bytes *bytes, uint64_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!ft_get_varint(bytes, &values[i]))
			return false;
	}
	return true;
}

static bool get_lock_address(struct ft_decoder *decoder, uint64_t *ret_address)
{
	int64_t delta;

	if (!ft_get_signed(&decoder->bytes, &delta))
		return false;
	decoder->lock_address += (uint64_t)delta;
	*ret_address = decoder->lock_address;
	return true;
}

static bool get_call(struct ft_bytes *bytes, struct ft_event *event)
{
	uint32_t call;

	if (!ft_get_bounded(bytes, FT_CALLS - 1, &call) || call == 0)
		return false;
	event->call.call = (enum ft_call)call;
	return get_varints(bytes, event->call.args, 4);
}

static bool get_lost(struct ft_bytes *bytes, struct ft_event *event)
{
	int64_t span_ns;

	if (!ft_get_signed(bytes, &span_ns) || !ft_get_varint(bytes, &event->lost.records))
		return false;
	event->lost.start_ns = event->time_ns - (uint64_t)span_ns;
	return true;
}

static bool get_state(struct ft_bytes *bytes, struct ft_event *event)
{
	uint32_t state;

	if (!ft_get_bounded(bytes, FT_STATES - 1, &state) ||
	    !ft_get_signed(bytes, &event->state.syscall))
		return false;
	event->state.state = (enum ft_task_state)state;
	return get_varints(bytes, event->state.args, 6) &&
	       ft_get_varint(bytes, &event->state.running_ns) &&
	       ft_get_varint(bytes, &event->state.delay_ns);
}

/* What a kind has beside tasks and stack. */
static bool get_fields(struct ft_decoder *decoder, struct ft_event *event)
{
	struct ft_bytes *bytes = &decoder->bytes;
	uint32_t number;

	switch (event->kind) {
	case FT_EVENT_LOCK_BEGIN:
		return get_lock_address(decoder, &event->lock_begin.address) &&
		       ft_get_bounded(bytes, UINT32_MAX, &event->lock_begin.flags);
	case FT_EVENT_LOCK_HOLD:
		return get_lock_address(decoder, &event->lock_hold.address) &&
		       ft_get_bounded(bytes, UINT32_MAX, &event->lock_hold.flags);
	case FT_EVENT_CALL:
		return get_call(bytes, event);
	case FT_EVENT_COMM:
		if (!ft_get_bounded(bytes, 1, &number))
			return false;
		event->comm.exec = number;
		return true;
	case FT_EVENT_MMAP:
		return ft_get_varint(bytes, &event->mmap.start) &&
		       ft_get_varint(bytes, &event->mmap.length_bytes) &&
		       ft_get_varint(bytes, &event->mmap.offset_bytes) &&
		       get_text(decoder, &event->mmap.path);
	case FT_EVENT_LOST:
		return get_lost(bytes, event);
	case FT_EVENT_STATE:
		return get_state(bytes, event);
	case FT_EVENT_EXTRA:
		return get_text(decoder, &event->extra.name);
	case FT_EVENT_NOTE:
		return get_text(decoder, &event->note.text);
	default:
		return true;
	}
}

static bool read_tag(uint8_t tag, struct ft_event *event)
{
	unsigned int number;

	if (tag & FT_TAG_SWITCH) {
		number = (tag >> FT_TAG_STATE_SHIFT) & FT_TAG_STATE_MASK;
		event->kind = FT_EVENT_SWITCH;
		event->switch_.prev_state = (enum ft_task_state)number;
		return number < FT_STATES;
	}
	number = (tag >> FT_TAG_KIND_SHIFT) & FT_TAG_KIND_MASK;
	if (number == 0)
		return false;
	event->kind = (enum ft_event_kind)number;
	if (number == FT_TAG_WAKING_IN_INTERRUPT)
		event->kind = FT_EVENT_WAKING;
	if (event->kind == FT_EVENT_WAKING)
		event->waking.in_interrupt = number == FT_TAG_WAKING_IN_INTERRUPT;
	return true;
}

/* The tasks and stack that @tag announces. */
static bool get_head(struct ft_decoder *decoder, uint8_t tag, struct ft_event *event)
{
	enum ft_stack_sort sort = FT_STACK_SORT_OTHER;
	uint32_t task = decoder->task, other;

	if (tag & FT_TAG_SAME_TASK) {
		if (task == NONE)
			return false;
	} else if (!get_task(decoder, &task)) {
		return false;
	}
	event->task = &decoder->tasks[task];
	decoder->task = task;

	switch (event->kind) {
	case FT_EVENT_SWITCH:
		if (!get_task(decoder, &other))
			return false;
		event->switch_.next = &decoder->tasks[other];
		decoder->task = other;
		sort = FT_STACK_SORT_SWITCH;
		break;
	case FT_EVENT_WAKING:
		if (!get_task(decoder, &other))
			return false;
		event->waking.wakee = &decoder->tasks[other];
		break;
	case FT_EVENT_FORK:
		if (!get_task(decoder, &other))
			return false;
		event->fork.child = &decoder->tasks[other];
		break;
	default:
		break;
	}
	return get_stack(decoder, tag, &decoder->last_stacks[task][sort], &event->stack);
}

int ft_decoder_next(struct ft_decoder *decoder, struct ft_event *ret_event)
{
	struct ft_event event = { .cpu = decoder->cpu };
	int64_t delta_ns;
	uint8_t tag;

	if (decoder->damaged)
		return -EBADMSG;
	if (decoder->bytes.next == decoder->bytes.end)
		return 0;

	decoder->damaged = true;
	tag = *decoder->bytes.next++;
	if (!read_tag(tag, &event) || !ft_get_signed(&decoder->bytes, &delta_ns))
		return -EBADMSG;
	decoder->time_ns += (uint64_t)delta_ns;
	event.time_ns = decoder->time_ns;
	if (!get_head(decoder, tag, &event) || !get_fields(decoder, &event))
		return -EBADMSG;
	decoder->damaged = false;
	*ret_event = event;
	return 1;
}

uint32_t ft_decoder_task_index(const struct ft_decoder *decoder, const struct ft_task *task)
{
	return (uint32_t)(task - decoder->tasks);
}

uint32_t ft_decoder_stack_index(const struct ft_decoder *decoder, const struct ft_stack *stack)
{
	return (uint32_t)(stack - decoder->stacks);
}
