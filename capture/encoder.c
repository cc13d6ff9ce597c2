/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events -> the payload of one segment; doc/FORMAT.md, "Events".
 *
 * An event is appended whole or not at all: its greatest possible length is known before the
 * first byte is written, and what the dictionaries took in for it is dropped if one is full.
 */
#include "capture/encoder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/bytes.h"
#include "capture/dictionary.h"
#include "capture/format.h"
#include "capture/segment.h"

/* Tag, time, two tasks with their definitions, counts of a stack, the fields of the longest
 * kind (a state: 11 numbers) and the length of a text. */
#define EVENT_BYTES_MAX (1 + 2 * 40 + 3 * 4 + 14 * FT_VARINT_BYTES_MAX)

struct ft_encoder {
	uint8_t *buf, *next, *end;
	uint32_t cpu;
	uint64_t sequence;
	uint32_t events;
	uint64_t lost;
	uint64_t base_ns, time_ns, first_ns, last_ns;
	uint64_t lock_address;
	uint32_t task; /* last named, a place in the dictionary */
	char text[FT_TEXT_BYTES_MAX]; /* last one */
	size_t text_bytes;
	struct dictionary dictionary;
};

int ft_encoder_create(struct ft_encoder **ret_encoder)
{
	struct ft_encoder *encoder = malloc(sizeof(*encoder));

	if (!encoder)
		return -ENOMEM;
	/* Also touches each page, before the recording and not during it. */
	memset(encoder, 0, sizeof(*encoder));
	dictionary_init(&encoder->dictionary);
	*ret_encoder = encoder;
	return 0;
}

void ft_encoder_destroy(struct ft_encoder *encoder)
{
	free(encoder);
}

void ft_encoder_begin(struct ft_encoder *encoder, void *buf, size_t buf_bytes,
		      uint32_t cpu, uint64_t sequence)
{
	size_t room_bytes = (buf_bytes & ~(size_t)7) - FT_SEGMENT_HEADER_BYTES;

	if (room_bytes > FT_SEGMENT_PAYLOAD_BYTES_MAX)
		room_bytes = FT_SEGMENT_PAYLOAD_BYTES_MAX;
	encoder->buf = buf;
	encoder->next = encoder->buf + FT_SEGMENT_HEADER_BYTES + FT_EVENTS_BASE_BYTES;
	encoder->end = encoder->buf + FT_SEGMENT_HEADER_BYTES + room_bytes;
	encoder->cpu = cpu;
	encoder->sequence = sequence;
	encoder->events = 0;
	encoder->lost = 0;
	encoder->lock_address = 0;
	encoder->task = DICTIONARY_NONE;
	encoder->text_bytes = 0;
	dictionary_clear(&encoder->dictionary);
}

/* Bytes of @event's text, zero included; 0 for a kind without. SIZE_MAX: too long or missing. */
static size_t text_of(const struct ft_event *event, const char **ret_text)
{
	size_t bytes;

	switch (event->kind) {
	case FT_EVENT_MMAP:
		*ret_text = event->mmap.path;
		break;
	case FT_EVENT_EXTRA:
		*ret_text = event->extra.name;
		break;
	case FT_EVENT_NOTE:
		*ret_text = event->note.text;
		break;
	default:
		*ret_text = NULL;
		return 0;
	}
	if (!*ret_text)
		return SIZE_MAX;
	bytes = strnlen(*ret_text, FT_TEXT_BYTES_MAX) + 1;
	return bytes > FT_TEXT_BYTES_MAX ? SIZE_MAX : bytes;
}

static bool names_other_task(enum ft_event_kind kind)
{
	return kind == FT_EVENT_SWITCH || kind == FT_EVENT_WAKING || kind == FT_EVENT_FORK;
}

static const struct ft_task *other_task_of(const struct ft_event *event)
{
	switch (event->kind) {
	case FT_EVENT_SWITCH:
		return event->switch_.next;
	case FT_EVENT_WAKING:
		return event->waking.wakee;
	default:
		return event->fork.child;
	}
}

static bool task_is_valid(const struct ft_task *task)
{
	return task && task->comm[FT_COMM_BYTES - 1] == '\0';
}

static bool event_is_valid(const struct ft_encoder *encoder, const struct ft_event *event)
{
	if (event->kind < FT_EVENT_SWITCH || event->kind >= FT_EVENT_KINDS ||
	    event->cpu != encoder->cpu)
		return false;
	if (!task_is_valid(event->task) ||
	    (names_other_task(event->kind) && !task_is_valid(other_task_of(event))))
		return false;
	if (event->stack &&
	    event->stack->kernel_count + event->stack->user_count > FT_STACK_FRAMES_MAX)
		return false;

	switch (event->kind) {
	case FT_EVENT_SWITCH:
		return (unsigned int)event->switch_.prev_state < FT_STATES;
	case FT_EVENT_STATE:
		return (unsigned int)event->state.state < FT_STATES;
	case FT_EVENT_CALL:
		return (unsigned int)event->call.call - 1 < FT_CALLS - 1;
	default:
		return true;
	}
}

static uint8_t *put_task_definition(uint8_t *next, const struct ft_task *task)
{
	size_t comm_bytes = strlen(task->comm);

	next = ft_put_signed(next, task->tid);
	next = ft_put_signed(next, (int64_t)task->tgid - task->tid);
	*next++ = (uint8_t)comm_bytes;
	memcpy(next, task->comm, comm_bytes);
	return next + comm_bytes;
}

/* A place equal to the number of tasks so far says that a definition follows. */
static int put_task(struct ft_encoder *encoder, uint8_t **next, const struct ft_task *task,
		    uint32_t *ret_index)
{
	uint32_t known = encoder->dictionary.tasks_count;
	int error;

	error = dictionary_task(&encoder->dictionary, task, ret_index);
	if (error)
		return error;
	*next = ft_put_varint(*next, *ret_index);
	if (*ret_index == known)
		*next = put_task_definition(*next, task);
	return 0;
}

/*
 * Stacks resemble each other at both ends: the scheduler at the leaf, the system call entry or
 * main at the root. So a definition names what it shares with the one before it at either end.
 */
static uint8_t *put_stack_definition(uint8_t *next, const struct dictionary *dictionary,
				     uint32_t index)
{
	static const struct dictionary_stack none;
	const struct dictionary_stack *stack = &dictionary->stacks[index];
	const struct dictionary_stack *model = index > 0 ? stack - 1 : &none;
	const uint64_t *frames = &dictionary->frames[stack->first];
	const uint64_t *models = &dictionary->frames[model->first];
	uint32_t count = (uint32_t)stack->kernel_count + stack->user_count;
	uint32_t models_count = (uint32_t)model->kernel_count + model->user_count;
	uint32_t common = count < models_count ? count : models_count;
	uint32_t leaf = 0, root = 0;
	uint64_t previous;

	while (leaf < common && frames[leaf] == models[leaf])
		leaf++;
	while (root < common - leaf && frames[count - 1 - root] == models[models_count - 1 - root])
		root++;

	next = ft_put_varint(next, stack->kernel_count);
	next = ft_put_varint(next, stack->user_count);
	next = ft_put_varint(next, leaf);
	next = ft_put_varint(next, root);
	previous = leaf > 0 ? frames[leaf - 1] : 0;
	for (uint32_t i = leaf; i < count - root; i++) {
		next = ft_put_signed(next, (int64_t)(frames[i] - previous));
		previous = frames[i];
	}
	return next;
}

static int put_stack(struct ft_encoder *encoder, uint8_t **next, const struct ft_event *event,
		     uint16_t *last_stack, uint8_t *tag)
{
	struct dictionary *dictionary = &encoder->dictionary;
	uint32_t known = dictionary->stacks_count, index;
	int error;

	if (!event->stack)
		return 0;
	if (*last_stack != DICTIONARY_NONE &&
	    dictionary_stack_is(dictionary, *last_stack, event->stack)) {
		*tag |= FT_TAG_STACK_AGAIN;
		return 0;
	}
	error = dictionary_stack(dictionary, event->stack, &index);
	if (error)
		return error;
	if (index == known) {
		*tag |= FT_TAG_STACK_NEW;
		*next = put_stack_definition(*next, dictionary, index);
	} else {
		*tag |= FT_TAG_STACK_INDEX;
		*next = ft_put_varint(*next, index);
	}
	*last_stack = (uint16_t)index;
	return 0;
}

/* 0: the text of before; else its bytes, zero included, and the text. */
static uint8_t *put_text(struct ft_encoder *encoder, uint8_t *next, const char *text, size_t bytes)
{
	if (bytes == encoder->text_bytes && memcmp(text, encoder->text, bytes) == 0) {
		*next++ = 0;
		return next;
	}
	memcpy(encoder->text, text, bytes);
	encoder->text_bytes = bytes;
	next = ft_put_varint(next, bytes);
	memcpy(next, text, bytes);
	return next + bytes;
}

static uint8_t *put_varints(uint8_t *next, const uint64_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		next = ft_put_varint(next, values[i]);
	return next;
}

static uint8_t *put_lock_address(struct ft_encoder *encoder, uint8_t *next, uint64_t address)
{
	next = ft_put_signed(next, (int64_t)(address - encoder->lock_address));
	encoder->lock_address = address;
	return next;
}

/* What a kind has beside tasks and stack. Changes nothing that would have to be taken back. */
static uint8_t *put_fields(struct ft_encoder *encoder, uint8_t *next, const struct ft_event *event,
			   const char *text, size_t text_bytes)
{
	switch (event->kind) {
	case FT_EVENT_LOCK_BEGIN:
		next = put_lock_address(encoder, next, event->lock_begin.address);
		return ft_put_varint(next, event->lock_begin.flags);
	case FT_EVENT_LOCK_HOLD:
		next = put_lock_address(encoder, next, event->lock_hold.address);
		return ft_put_varint(next, event->lock_hold.flags);
	case FT_EVENT_CALL:
		*next++ = (uint8_t)event->call.call;
		return put_varints(next, event->call.args, 4);
	case FT_EVENT_COMM:
		*next++ = event->comm.exec;
		return next;
	case FT_EVENT_MMAP:
		next = ft_put_varint(next, event->mmap.start);
		next = ft_put_varint(next, event->mmap.length_bytes);
		next = ft_put_varint(next, event->mmap.offset_bytes);
		return put_text(encoder, next, text, text_bytes);
	case FT_EVENT_LOST:
		next = ft_put_signed(next, (int64_t)(event->time_ns - event->lost.start_ns));
		return ft_put_varint(next, event->lost.records);
	case FT_EVENT_STATE:
		*next++ = (uint8_t)event->state.state;
		next = ft_put_signed(next, event->state.syscall);
		next = put_varints(next, event->state.args, 6);
		next = ft_put_varint(next, event->state.running_ns);
		return ft_put_varint(next, event->state.delay_ns);
	case FT_EVENT_EXTRA:
	case FT_EVENT_NOTE:
		return put_text(encoder, next, text, text_bytes);
	default:
		return next;
	}
}

static uint8_t tag_of(const struct ft_event *event)
{
	if (event->kind == FT_EVENT_SWITCH)
		return (uint8_t)(FT_TAG_SWITCH | event->switch_.prev_state << FT_TAG_STATE_SHIFT);
	if (event->kind == FT_EVENT_WAKING && event->waking.in_interrupt)
		return FT_TAG_WAKING_IN_INTERRUPT << FT_TAG_KIND_SHIFT;
	return (uint8_t)(event->kind << FT_TAG_KIND_SHIFT);
}

/*
 * Tag, tasks and stack at @next. When it fails, tasks may have been taken in that the caller
 * drops; the stack comes last, hence with it all is well.
 */
static int put_head(struct ft_encoder *encoder, uint8_t **next, const struct ft_event *event,
		    uint32_t *ret_last_task)
{
	uint8_t *tag = (*next)++;
	uint64_t before_ns = encoder->events > 0 ? encoder->time_ns : event->time_ns;
	uint32_t task = encoder->task, other = DICTIONARY_NONE;
	enum ft_stack_sort sort = FT_STACK_SORT_OTHER;
	int error;

	*tag = tag_of(event);
	*next = ft_put_signed(*next, (int64_t)(event->time_ns - before_ns));
	if (task != DICTIONARY_NONE &&
	    dictionary_task_is(&encoder->dictionary, task, event->task)) {
		*tag |= FT_TAG_SAME_TASK;
	} else {
		error = put_task(encoder, next, event->task, &task);
		if (error)
			return error;
	}
	*ret_last_task = task;
	if (names_other_task(event->kind)) {
		error = put_task(encoder, next, other_task_of(event), &other);
		if (error)
			return error;
	}
	if (event->kind == FT_EVENT_SWITCH) {
		*ret_last_task = other;
		sort = FT_STACK_SORT_SWITCH;
	}
	return put_stack(encoder, next, event, &encoder->dictionary.last_stacks[task][sort], tag);
}

static void account(struct ft_encoder *encoder, const struct ft_event *event)
{
	if (encoder->events == 0) {
		encoder->base_ns = event->time_ns;
		encoder->first_ns = event->time_ns;
		encoder->last_ns = event->time_ns;
	}
	if (event->time_ns < encoder->first_ns)
		encoder->first_ns = event->time_ns;
	if (event->time_ns > encoder->last_ns)
		encoder->last_ns = event->time_ns;
	if (event->kind == FT_EVENT_LOST)
		encoder->lost += event->lost.records;
	encoder->time_ns = event->time_ns;
	encoder->events++;
}

int ft_encoder_add(struct ft_encoder *encoder, const struct ft_event *event)
{
	uint32_t tasks_count = encoder->dictionary.tasks_count, last_task;
	uint8_t *next = encoder->next;
	size_t text_bytes, bytes_max;
	const char *text;
	int error;

	text_bytes = text_of(event, &text);
	if (text_bytes == SIZE_MAX || !event_is_valid(encoder, event))
		return -EINVAL;

	bytes_max = EVENT_BYTES_MAX + text_bytes;
	if (event->stack)
		bytes_max += (size_t)(event->stack->kernel_count + event->stack->user_count) *
			     FT_VARINT_BYTES_MAX;
	if (bytes_max > (size_t)(encoder->end - next))
		return -ENOBUFS;

	error = put_head(encoder, &next, event, &last_task);
	if (error) {
		encoder->dictionary.tasks_count = tasks_count;
		return error;
	}
	encoder->next = put_fields(encoder, next, event, text, text_bytes);
	encoder->task = last_task;
	account(encoder, event);
	return 0;
}

uint32_t ft_encoder_events(const struct ft_encoder *encoder)
{
	return encoder->events;
}

size_t ft_encoder_bytes(const struct ft_encoder *encoder)
{
	return ft_segment_bytes((uint32_t)(encoder->next - encoder->buf) - FT_SEGMENT_HEADER_BYTES);
}

size_t ft_encoder_seal(struct ft_encoder *encoder)
{
	uint32_t payload_bytes =
		(uint32_t)(encoder->next - encoder->buf) - FT_SEGMENT_HEADER_BYTES;
	bool empty = encoder->events == 0;
	struct ft_segment segment = {
		.kind = FT_SEGMENT_EVENTS,
		.cpu = encoder->cpu,
		.sequence = encoder->sequence,
		.first_ns = empty ? 0 : encoder->first_ns,
		.last_ns = empty ? 0 : encoder->last_ns,
		.events = encoder->events,
		.lost = encoder->lost > UINT32_MAX ? UINT32_MAX : (uint32_t)encoder->lost,
		.payload_bytes = payload_bytes,
		.inflated_bytes = payload_bytes,
	};

	ft_put_le64(encoder->buf + FT_SEGMENT_HEADER_BYTES,
		    empty ? 0 : encoder->base_ns - encoder->first_ns);
	return (size_t)ft_segment_encode(&segment, encoder->buf, ft_segment_bytes(payload_bytes));
}
