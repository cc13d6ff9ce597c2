/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events -> the payload of one segment; doc/FORMAT.md, "Events".
 *
 * An event is appended whole or not at all: its greatest possible length is known before its
 * first byte is written, and what the dictionaries took in for it is dropped if one is full.
 */
#include "capture/encoder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/bytes.h"
#include "capture/dictionary.h"
#include "capture/event_table.h"
#include "capture/format.h"
#include "capture/segment.h"

/* The fields of the longest kind, a state: 11 numbers. */
#define FIELDS_BYTES_MAX (11 * FT_VARINT_BYTES_MAX)
_Static_assert(FIELDS_BYTES_MAX < 0x80, "the length of a payload is a varint of one byte");
/* Tag, time, two tasks with their definitions, counts of a stack, fields; form, places and lengths
 * of names, and length of the payload. */
#define EVENT_BYTES_MAX (1 + 2 * 40 + 3 * 4 + FIELDS_BYTES_MAX + 3 * FT_VARINT_BYTES_MAX)

/* Of extended kinds only: inlined, these would cost registers on the path of every switch. */
#define RARE __attribute__((noinline))

/* The texts of an event that is being added. */
struct texts {
	unsigned int count;
	const char *text[FT_EVENT_TEXTS_MAX];
	uint32_t bytes[FT_EVENT_TEXTS_MAX]; /* zero included */
	uint32_t places[FT_EVENT_TEXTS_MAX]; /* in the dictionary, of an extended kind */
};

struct ft_encoder {
	uint8_t *buf, *next, *end;
	uint32_t cpu;
	uint64_t sequence;
	uint32_t events;
	uint64_t lost;
	uint64_t base_ns, time_ns, first_ns, last_ns;
	uint64_t lock_address;
	uint32_t task; /* the one named last, a place in the dictionary */
	char text[FT_TEXT_BYTES_MAX]; /* the last one */
	size_t text_bytes;
	struct dictionary dictionary;
};

int ft_encoder_create(struct ft_encoder **ret_encoder)
{
	struct ft_encoder *encoder = malloc(sizeof(*encoder));

	if (!encoder)
		return -ENOMEM;
	/* This touches each page before the recording, so that none is touched first during it. */
	memset(encoder, 0, sizeof(*encoder));
	dictionary_init(&encoder->dictionary);
	*ret_encoder = encoder;
	return 0;
}

void ft_encoder_destroy(struct ft_encoder *encoder)
{
	free(encoder);
}

void ft_encoder_begin(struct ft_encoder *encoder, void *buf, size_t buf_bytes, uint32_t cpu,
		      uint64_t sequence)
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

static bool is_extended(enum ft_event_kind kind)
{
	return kind >= FT_EVENT_EXTENDED;
}

/* @at: offset of a pointer in struct ft_event. */
static const void *pointer_at(const struct ft_event *event, uint8_t at)
{
	const void *pointer;

	memcpy(&pointer, (const char *)event + at, sizeof(pointer));
	return pointer;
}

/* The bytes of all texts of @event together; SIZE_MAX where one is too long or missing. */
static size_t measure_texts(const struct ft_event *event, struct texts *ret_texts)
{
	const uint8_t *at = ft_event_descriptors[event->kind].texts_at;
	size_t bytes_max = is_extended(event->kind) ? FT_NAME_BYTES_MAX : FT_TEXT_BYTES_MAX;
	size_t total_bytes = 0;
	unsigned int i;

	for (i = 0; i < FT_EVENT_TEXTS_MAX && at[i]; i++) {
		const char *text = pointer_at(event, at[i]);
		size_t bytes = text ? strnlen(text, bytes_max) + 1 : SIZE_MAX;

		if (bytes > bytes_max)
			return SIZE_MAX;
		ret_texts->text[i] = text;
		ret_texts->bytes[i] = (uint32_t)bytes;
		total_bytes += bytes;
	}
	ret_texts->count = i;
	return total_bytes;
}

static bool task_is_valid(const struct ft_task *task)
{
	return task && task->comm[FT_COMM_BYTES - 1] == '\0';
}

/* Are the fields within the limits that the decoder demands? */
static bool fields_are_valid(const struct ft_event *event)
{
#define VALID_tag_state(value) &&(unsigned int)(value) < FT_STATES
#define VALID_state(value)     &&(unsigned int)(value) < FT_STATES
#define VALID_call(value)      &&(unsigned int)(value)-1 < FT_CALLS - 1
#define VALID_flag(value)
#define VALID_u32(value)
#define VALID_u64(value)
#define VALID_s64(value)
#define VALID_lock_address(value)
#define VALID_time_before(value)
#define FIELD(type, member) VALID_##type(event->member)

	switch (event->kind) {
		FT_EVENT_TABLE(FT_EVENT_CASE, FIELD, FT_EVENT_TABLE_NOTHING)
	default:
		return false;
	}
#undef FIELD
}

static bool event_is_valid(const struct ft_encoder *encoder, const struct ft_event *event)
{
	const struct ft_stack *stack = event->stack;

	return event->cpu == encoder->cpu && task_is_valid(event->task) &&
	       (!stack || stack->kernel_count + stack->user_count <= FT_STACK_FRAMES_MAX) &&
	       fields_are_valid(event);
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

/* Length 0 stands for the text before; else the length, zero included, and the text follow. */
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

static uint8_t *put_lock_address(struct ft_encoder *encoder, uint8_t *next, uint64_t address)
{
	next = ft_put_signed(next, (int64_t)(address - encoder->lock_address));
	encoder->lock_address = address;
	return next;
}

/* The fields of the payload at @next. Nothing that is changed here would have to be taken back. */
static uint8_t *put_fields(struct ft_encoder *encoder, uint8_t *next, const struct ft_event *event)
{
#define PUT_tag_state(value)
#define PUT_state(value)	*next++ = (uint8_t)(value);
#define PUT_call(value)		*next++ = (uint8_t)(value);
#define PUT_flag(value)		*next++ = (value);
#define PUT_u32(value)		next = ft_put_varint(next, value);
#define PUT_u64(value)		next = ft_put_varint(next, value);
#define PUT_s64(value)		next = ft_put_signed(next, value);
#define PUT_lock_address(value) next = put_lock_address(encoder, next, value);
#define PUT_time_before(value)	next = ft_put_signed(next, (int64_t)(event->time_ns - (value)));
#define FIELD(type, member)	PUT_##type(event->member)
#define ROW(kind, whose, other, fields, ...) \
	case FT_EVENT_##kind:                \
		fields break;

	switch (event->kind) {
		FT_EVENT_TABLE(ROW, FIELD, FT_EVENT_TABLE_NOTHING)
	default:
		break;
	}
	return next;
#undef FIELD
#undef ROW
}

/* A place equal to the number of names so far says that a definition follows. @known: the number
 * before this event. */
static RARE uint8_t *put_names(struct ft_encoder *encoder, uint8_t *next, const struct texts *texts,
			       uint32_t known)
{
	for (unsigned int i = 0; i < texts->count; i++) {
		next = ft_put_varint(next, texts->places[i]);
		if (texts->places[i] < known)
			continue;
		next = ft_put_varint(next, texts->bytes[i]);
		memcpy(next, texts->text[i], texts->bytes[i]);
		dictionary_keep_name(&encoder->dictionary, known++, (const char *)next);
		next += texts->bytes[i];
	}
	return next;
}

static RARE uint8_t *put_form(uint8_t *next, const struct ft_event *event, bool has_other,
			      unsigned int names_count)
{
	uint64_t kind = event->kind - FT_EVENT_EXTENDED;

	return ft_put_varint(next, kind << FT_EXTENDED_KIND_SHIFT |
					   (has_other ? FT_EXTENDED_OTHER_TASK : 0) | names_count);
}

static uint8_t make_tag(const struct ft_event *event)
{
	if (event->kind == FT_EVENT_SWITCH)
		return (uint8_t)(FT_TAG_SWITCH | event->switch_.prev_state << FT_TAG_STATE_SHIFT);
	if (event->kind == FT_EVENT_WAKING && event->waking.in_interrupt)
		return FT_TAG_WAKING_IN_INTERRUPT << FT_TAG_KIND_SHIFT;
	if (is_extended(event->kind))
		return FT_TAG_EXTENDED << FT_TAG_KIND_SHIFT;
	return (uint8_t)(event->kind << FT_TAG_KIND_SHIFT);
}

/*
 * What comes before the names and fields, at @next. When this fails, the caller drops the tasks that were taken in;
 * a stack is taken in last, hence never by an event that fails.
 */
static int put_head(struct ft_encoder *encoder, uint8_t **next, const struct ft_event *event,
		    const struct ft_task *other, unsigned int names_count, uint32_t *ret_last_task)
{
	uint8_t *tag = (*next)++;
	uint64_t before_ns = encoder->events > 0 ? encoder->time_ns : event->time_ns;
	uint32_t task = encoder->task, other_task = DICTIONARY_NONE;
	enum ft_stack_sort sort = FT_STACK_SORT_OTHER;
	int error;

	*tag = make_tag(event);
	*next = ft_put_signed(*next, (int64_t)(event->time_ns - before_ns));
	if (is_extended(event->kind))
		*next = put_form(*next, event, other, names_count);
	if (task != DICTIONARY_NONE &&
	    dictionary_task_is(&encoder->dictionary, task, event->task)) {
		*tag |= FT_TAG_SAME_TASK;
	} else {
		error = put_task(encoder, next, event->task, &task);
		if (error)
			return error;
	}
	*ret_last_task = task;
	if (other) {
		error = put_task(encoder, next, other, &other_task);
		if (error)
			return error;
	}
	if (event->kind == FT_EVENT_SWITCH) {
		*ret_last_task = other_task;
		sort = FT_STACK_SORT_SWITCH;
	}
	return put_stack(encoder, next, event, &encoder->dictionary.last_stacks[task][sort], tag);
}

static void account_event(struct ft_encoder *encoder, const struct ft_event *event)
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

/* Finds or makes the places of the names of an extended event. On failure the caller drops new
 * ones. */
static RARE int intern_names(struct ft_encoder *encoder, struct texts *texts)
{
	int error = 0;

	for (unsigned int i = 0; i < texts->count && !error; i++)
		error = dictionary_name(&encoder->dictionary, texts->text[i], texts->bytes[i],
					&texts->places[i]);
	return error;
}

/* @event is valid and has room. */
static int put_event(struct ft_encoder *encoder, const struct ft_event *event,
		     const struct ft_task *other, struct texts *texts)
{
	uint32_t tasks_count = encoder->dictionary.tasks_count, last_task;
	uint32_t names_count = encoder->dictionary.names_count;
	uint8_t *next = encoder->next, *length = NULL;
	int error = 0;

	if (is_extended(event->kind))
		error = intern_names(encoder, texts);
	if (!error)
		error = put_head(encoder, &next, event, other, texts->count, &last_task);
	if (error) {
		encoder->dictionary.tasks_count = tasks_count;
		encoder->dictionary.names_count = names_count;
		return error;
	}
	if (is_extended(event->kind)) {
		next = put_names(encoder, next, texts, names_count);
		length = next++;
	}
	next = put_fields(encoder, next, event);
	if (length)
		*length = (uint8_t)(next - length - 1);
	else if (texts->count)
		next = put_text(encoder, next, texts->text[0], texts->bytes[0]);
	encoder->next = next;
	encoder->task = last_task;
	account_event(encoder, event);
	return 0;
}

int ft_encoder_add(struct ft_encoder *encoder, const struct ft_event *event)
{
	const struct ft_event_descriptor *descriptor;
	const struct ft_task *other = NULL;
	struct texts texts;
	size_t texts_bytes = 0, bytes_max;

	if (event->kind < FT_EVENT_SWITCH || event->kind >= FT_EVENT_KINDS)
		return -EINVAL;
	descriptor = &ft_event_descriptors[event->kind];
	if (descriptor->other_at) {
		other = pointer_at(event, descriptor->other_at);
		if (!task_is_valid(other))
			return -EINVAL;
	}
	texts.count = 0;
	if (descriptor->texts_at[0])
		texts_bytes = measure_texts(event, &texts);
	if (texts_bytes == SIZE_MAX || !event_is_valid(encoder, event))
		return -EINVAL;

	bytes_max = EVENT_BYTES_MAX + texts_bytes;
	if (event->stack)
		bytes_max += (size_t)(event->stack->kernel_count + event->stack->user_count) *
			     FT_VARINT_BYTES_MAX;
	if (bytes_max > (size_t)(encoder->end - encoder->next))
		return -ENOBUFS;
	return put_event(encoder, event, other, &texts);
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
	uint32_t payload_bytes = (uint32_t)(encoder->next - encoder->buf) - FT_SEGMENT_HEADER_BYTES;
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
