/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload of one segment -> events; doc/FORMAT.md, "Events".
 *
 * All memory is allocated at creation: a segment that defines more tasks, stacks, frames or names
 * than fit is damaged, for no encoder makes one.
 */
#include "capture/decoder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/bytes.h"
#include "capture/event_table.h"
#include "capture/format.h"

#define NONE UINT16_MAX

/* Nearly all events are of these kinds, which have nothing behind their stack. */
#define BARE_KINDS (1u << FT_EVENT_SWITCH | 1u << FT_EVENT_WAKING | 1u << FT_EVENT_SAMPLE)

struct ft_decoder {
	struct ft_bytes bytes;
	bool damaged;
	uint32_t cpu;
	uint64_t time_ns;
	uint64_t lock_address;
	uint32_t task; /* the one named last, or NONE */
	const char *text; /* the last one, in the payload */
	uint32_t unknown_events; /* passed over */
	uint32_t tasks_count, stacks_count, frames_count, names_count;
	struct ft_task tasks[FT_DICTIONARY_MAX];
	uint16_t last_stacks[FT_DICTIONARY_MAX][FT_STACK_SORTS]; /* of each task, or NONE */
	struct ft_stack stacks[FT_DICTIONARY_MAX];
	uint64_t frames[FT_DICTIONARY_FRAMES_MAX];
	const char *names[FT_DICTIONARY_NAMES_MAX]; /* in the payload */
};

int ft_decoder_create(struct ft_decoder **ret_decoder)
{
	/* The memory is not cleared: pages that no segment needs are never touched. */
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
	decoder->names_count = 0;
	decoder->unknown_events = 0;
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

static __attribute__((noinline)) bool define_task(struct ft_decoder *decoder)
{
	uint32_t count = decoder->tasks_count;

	if (count == FT_DICTIONARY_MAX || !get_task_definition(decoder, &decoder->tasks[count]))
		return false;
	for (int sort = 0; sort < FT_STACK_SORTS; sort++)
		decoder->last_stacks[count][sort] = NONE;
	decoder->tasks_count++;
	return true;
}

static inline bool get_task(struct ft_decoder *decoder, uint32_t *ret_index)
{
	uint32_t count = decoder->tasks_count;

	return ft_get_bounded(&decoder->bytes, count, ret_index) &&
	       (*ret_index < count || define_task(decoder));
}

/* put_stack_definition() of the encoder says why a definition looks like this. */
static __attribute__((noinline)) bool get_stack_definition(struct ft_decoder *decoder)
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

static inline bool get_stack(struct ft_decoder *decoder, uint8_t tag, uint16_t *last_stack,
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

static bool get_lock_address(struct ft_decoder *decoder, uint64_t *ret_address)
{
	int64_t delta;

	if (!ft_get_signed(&decoder->bytes, &delta))
		return false;
	decoder->lock_address += (uint64_t)delta;
	*ret_address = decoder->lock_address;
	return true;
}

static bool get_time_before(struct ft_bytes *bytes, uint64_t time_ns, uint64_t *ret_time_ns)
{
	int64_t span_ns;

	if (!ft_get_signed(bytes, &span_ns))
		return false;
	*ret_time_ns = time_ns - (uint64_t)span_ns;
	return true;
}

static bool get_flag(struct ft_bytes *bytes, bool *ret_flag)
{
	uint32_t number;

	if (!ft_get_bounded(bytes, 1, &number))
		return false;
	*ret_flag = number;
	return true;
}

static bool get_state(struct ft_bytes *bytes, enum ft_task_state *ret_state)
{
	uint32_t number;

	if (!ft_get_bounded(bytes, FT_STATES - 1, &number))
		return false;
	*ret_state = (enum ft_task_state)number;
	return true;
}

static bool get_call(struct ft_bytes *bytes, enum ft_call *ret_call)
{
	uint32_t number;

	if (!ft_get_bounded(bytes, FT_CALLS - 1, &number) || number == 0)
		return false;
	*ret_call = (enum ft_call)number;
	return true;
}

/* The fields of the payload. */
static bool get_fields(struct ft_decoder *decoder, struct ft_event *event)
{
	struct ft_bytes *bytes = &decoder->bytes;

#define GET_tag_state(member)	 true
#define GET_state(member)	 get_state(bytes, member)
#define GET_call(member)	 get_call(bytes, member)
#define GET_flag(member)	 get_flag(bytes, member)
#define GET_u32(member)		 ft_get_bounded(bytes, UINT32_MAX, member)
#define GET_u64(member)		 ft_get_varint(bytes, member)
#define GET_s64(member)		 ft_get_signed(bytes, member)
#define GET_lock_address(member) get_lock_address(decoder, member)
#define GET_time_before(member)	 get_time_before(bytes, event->time_ns, member)
#define FIELD(type, member)	 &&GET_##type(&event->member)

	switch (event->kind) {
		FT_EVENT_TABLE(FT_EVENT_CASE, FIELD, FT_EVENT_TABLE_NOTHING)
	default:
		return true;
	}
#undef FIELD
}

/* @at: offset of a pointer in struct ft_event. */
static void set_pointer_at(struct ft_event *event, uint8_t at, const void *pointer)
{
	memcpy((char *)event + at, &pointer, sizeof(pointer));
}

/* The text of a kind that has one and is not extended. */
static bool get_text(struct ft_decoder *decoder, struct ft_event *event, uint8_t at)
{
	uint32_t text_bytes;

	if (!ft_get_bounded(&decoder->bytes, FT_TEXT_BYTES_MAX, &text_bytes) ||
	    (text_bytes > 0 && !ft_get_text(&decoder->bytes, text_bytes, &decoder->text)))
		return false;
	set_pointer_at(event, at, decoder->text);
	return decoder->text != NULL;
}

static bool get_name(struct ft_decoder *decoder, const char **ret_name)
{
	uint32_t count = decoder->names_count, place, name_bytes;

	if (!ft_get_bounded(&decoder->bytes, count, &place))
		return false;
	if (place == count) {
		if (count == FT_DICTIONARY_NAMES_MAX ||
		    !ft_get_bounded(&decoder->bytes, FT_NAME_BYTES_MAX, &name_bytes) ||
		    !ft_get_text(&decoder->bytes, name_bytes, &decoder->names[count]))
			return false;
		decoder->names_count++;
	}
	*ret_name = decoder->names[place];
	return true;
}

/* The kind of an extended event stays 0 until the form is read. */
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
	event->kind = (enum ft_event_kind)number;
	if (number == FT_TAG_WAKING_IN_INTERRUPT)
		event->kind = FT_EVENT_WAKING;
	if (event->kind == FT_EVENT_WAKING)
		event->waking.in_interrupt = number == FT_TAG_WAKING_IN_INTERRUPT;
	return true;
}

/* The tasks and stack that @tag announces. @has_other: another task follows though the kind, if it
 * is known, has none. */
static inline bool get_head(struct ft_decoder *decoder, uint8_t tag, bool has_other,
		     struct ft_event *event)
{
	enum ft_stack_sort sort = FT_STACK_SORT_OTHER;
	uint8_t other_at = ft_event_descriptors[event->kind].other_at;
	uint32_t task = decoder->task, other;

	if (tag & FT_TAG_SAME_TASK) {
		if (task == NONE)
			return false;
	} else if (!get_task(decoder, &task)) {
		return false;
	}
	event->task = &decoder->tasks[task];
	decoder->task = task;

	if (other_at || has_other) {
		if (!get_task(decoder, &other))
			return false;
		if (other_at)
			set_pointer_at(event, other_at, &decoder->tasks[other]);
		if (event->kind == FT_EVENT_SWITCH) {
			decoder->task = other;
			sort = FT_STACK_SORT_SWITCH;
		}
	}
	return get_stack(decoder, tag, &decoder->last_stacks[task][sort], &event->stack);
}

/* @event gets the names that its kind has; further ones are only read. */
static bool get_names(struct ft_decoder *decoder, unsigned int count, struct ft_event *event)
{
	const uint8_t *at = ft_event_descriptors[event->kind].texts_at;
	unsigned int wanted = 0;
	const char *name;

	while (wanted < FT_EVENT_TEXTS_MAX && at[wanted])
		wanted++;
	if (count < wanted)
		return false;
	for (unsigned int i = 0; i < count; i++) {
		if (!get_name(decoder, &name))
			return false;
		if (i < wanted)
			set_pointer_at(event, at[i], name);
	}
	return true;
}

/* What lies between the stack and the payload. Return: where the payload ends; NULL: damage. */
static const uint8_t *get_frame(struct ft_decoder *decoder, uint64_t form, struct ft_event *event)
{
	uint64_t payload_bytes;

	if (!get_names(decoder, form & FT_EXTENDED_NAMES_MASK, event) ||
	    !ft_get_varint(&decoder->bytes, &payload_bytes) ||
	    payload_bytes > ft_bytes_left(&decoder->bytes))
		return NULL;
	return decoder->bytes.next + payload_bytes;
}

/* @event gets its kind, or keeps 0 where that is not known. */
static bool get_form(struct ft_decoder *decoder, struct ft_event *event, uint64_t *ret_form)
{
	uint64_t kind;

	if (!ft_get_varint(&decoder->bytes, ret_form))
		return false;
	kind = *ret_form >> FT_EXTENDED_KIND_SHIFT;
	if (kind < FT_EVENT_KINDS - FT_EVENT_EXTENDED)
		event->kind = (enum ft_event_kind)(FT_EVENT_EXTENDED + kind);
	return *ret_form & FT_EXTENDED_OTHER_TASK || !ft_event_descriptors[event->kind].other_at;
}

/* What follows the stack of an extended event. Return: 1 an event, 0 one of an unknown kind,
 * -EBADMSG. */
static int get_extended_payload(struct ft_decoder *decoder, uint64_t form, struct ft_event *event)
{
	const uint8_t *end = decoder->bytes.end, *payload_end = get_frame(decoder, form, event);
	bool good;

	if (!payload_end)
		return -EBADMSG;
	decoder->bytes.end = payload_end;
	good = get_fields(decoder, event);
	/* A later version may have added fields: they are passed over. */
	decoder->bytes.next = payload_end;
	decoder->bytes.end = end;
	decoder->unknown_events += !event->kind;
	return good ? event->kind > 0 : -EBADMSG;
}

/* What follows the stack of another event. Return: 1 or -EBADMSG. */
static int get_payload(struct ft_decoder *decoder, struct ft_event *event)
{
	uint8_t text_at = ft_event_descriptors[event->kind].texts_at[0];

	if (!get_fields(decoder, event) || (text_at && !get_text(decoder, event, text_at)))
		return -EBADMSG;
	return 1;
}

/* Return: as get_extended_payload(). */
static inline int get_event(struct ft_decoder *decoder, struct ft_event *event)
{
	uint8_t tag = *decoder->bytes.next++;
	uint64_t form = 0;
	int64_t delta_ns;
	bool extended;

	if (!read_tag(tag, event) || !ft_get_signed(&decoder->bytes, &delta_ns))
		return -EBADMSG;
	decoder->time_ns += (uint64_t)delta_ns;
	event->cpu = decoder->cpu;
	event->time_ns = decoder->time_ns;
	extended = !event->kind;
	if ((extended && !get_form(decoder, event, &form)) ||
	    !get_head(decoder, tag, form & FT_EXTENDED_OTHER_TASK, event))
		return -EBADMSG;
	if (1u << event->kind & BARE_KINDS)
		return 1;
	return extended ? get_extended_payload(decoder, form, event) : get_payload(decoder, event);
}

int ft_decoder_some(struct ft_decoder *decoder, struct ft_event *first, size_t distance_bytes,
		    int most)
{
	struct ft_event *event = first;
	int count = 0, result = 1;

	while (count < most && decoder->bytes.next < decoder->bytes.end && result >= 0) {
		result = get_event(decoder, event);
		if (result > 0) {
			event = (void *)((char *)event + distance_bytes);
			count++;
		}
	}
	if (result < 0) {
		decoder->damaged = true;
		decoder->bytes.next = decoder->bytes.end;
	}
	return count || !decoder->damaged ? count : -EBADMSG;
}

int ft_decoder_next(struct ft_decoder *decoder, struct ft_event *ret_event)
{
	return ft_decoder_some(decoder, ret_event, sizeof(*ret_event), 1);
}

uint32_t ft_decoder_unknown_events(const struct ft_decoder *decoder)
{
	return decoder->unknown_events;
}

const struct ft_task *ft_decoder_tasks(const struct ft_decoder *decoder)
{
	return decoder->tasks;
}

const struct ft_stack *ft_decoder_stacks(const struct ft_decoder *decoder)
{
	return decoder->stacks;
}
