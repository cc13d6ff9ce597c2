/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoder and decoder: what goes in comes out, and nothing else can hurt.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/bytes.h"
#include "capture/decoder.h"
#include "capture/encoder.h"
#include "capture/segment.h"
#include "tests/unit/support/guard.h"
#include "tests/unit/support/sample_events.h"
#include "tests/unit/support/unit_test.h"

#define BUF_BYTES (256u << 10)
#define ARRAY_COUNT(array) (sizeof(array) / sizeof(*(array)))

struct codec {
	struct ft_encoder *encoder;
	struct ft_decoder *decoder;
	uint8_t buf[BUF_BYTES];
};

static int set_up(void **state)
{
	struct codec *codec = calloc(1, sizeof(*codec));

	assert_non_null(codec);
	assert_int_equal(ft_encoder_create(&codec->encoder), 0);
	assert_int_equal(ft_decoder_create(&codec->decoder), 0);
	*state = codec;
	return 0;
}

static int tear_down(void **state)
{
	struct codec *codec = *state;

	ft_encoder_destroy(codec->encoder);
	ft_decoder_destroy(codec->decoder);
	free(codec);
	return 0;
}

/* Seal, and begin to decode. */
static struct ft_segment seal_and_begin(struct codec *codec)
{
	size_t bytes = ft_encoder_bytes(codec->encoder), used;
	struct ft_segment segment;

	assert_int_equal(ft_encoder_seal(codec->encoder), bytes);
	assert_int_equal(ft_segment_decode(codec->buf, bytes, &segment, &used), 0);
	assert_int_equal(used, bytes);
	assert_int_equal(segment.events, ft_encoder_events(codec->encoder));
	ft_decoder_begin(codec->decoder, segment.payload, segment.payload_bytes, segment.cpu,
			 segment.first_ns);
	return segment;
}

static void add_samples(struct codec *codec)
{
	ft_encoder_begin(codec->encoder, codec->buf, BUF_BYTES, SAMPLE_CPU, 9);
	for (size_t i = 0; i < sample_events_count; i++)
		assert_int_equal(ft_encoder_add(codec->encoder, &sample_events[i]), 0);
}

static void decoder_gives_back_every_kind_of_event(void **state)
{
	struct codec *codec = *state;
	bool seen[FT_EVENT_KINDS] = { false };
	struct ft_segment segment;
	struct ft_event event;

	add_samples(codec);
	segment = seal_and_begin(codec);
	assert_int_equal(segment.kind, FT_SEGMENT_EVENTS);
	assert_int_equal(segment.cpu, SAMPLE_CPU);
	assert_int_equal(segment.sequence, 9);
	assert_int_equal(segment.lost, 12346);
	assert_int_equal(segment.first_ns, sample_events[0].time_ns);
	assert_int_equal(segment.last_ns, sample_events[sample_events_count - 1].time_ns);
	for (size_t i = 0; i < sample_events_count; i++) {
		assert_int_equal(ft_decoder_next(codec->decoder, &event), 1);
		assert_same_event(&event, &sample_events[i]);
		seen[event.kind] = true;
	}
	assert_int_equal(ft_decoder_next(codec->decoder, &event), 0);
	assert_int_equal(ft_decoder_next(codec->decoder, &event), 0);
	for (int kind = FT_EVENT_SWITCH; kind < FT_EVENT_KINDS; kind++)
		assert_true(seen[kind]);
}

static void segment_holds_least_and_greatest_time_when_times_step_back(void **state)
{
	static const uint64_t times_ns[] = { 500, 400, UINT64_MAX, 0, 450 };
	struct codec *codec = *state;
	struct ft_event event = sample_events[1];
	struct ft_segment segment;

	ft_encoder_begin(codec->encoder, codec->buf, BUF_BYTES, SAMPLE_CPU, 0);
	for (size_t i = 0; i < ARRAY_COUNT(times_ns); i++) {
		event.time_ns = times_ns[i];
		assert_int_equal(ft_encoder_add(codec->encoder, &event), 0);
	}
	segment = seal_and_begin(codec);
	assert_int_equal(segment.first_ns, 0);
	assert_int_equal(segment.last_ns, UINT64_MAX);
	for (size_t i = 0; i < ARRAY_COUNT(times_ns); i++) {
		assert_int_equal(ft_decoder_next(codec->decoder, &event), 1);
		assert_int_equal(event.time_ns, times_ns[i]);
	}
}

static void segment_without_events_decodes_to_none(void **state)
{
	struct codec *codec = *state;
	struct ft_event event;

	ft_encoder_begin(codec->encoder, codec->buf, FT_SEGMENT_BYTES_MIN, FT_NO_CPU, 0);
	seal_and_begin(codec);
	assert_int_equal(ft_decoder_next(codec->decoder, &event), 0);
}

static void round_trip(struct codec *codec, uint64_t seed)
{
	struct sampler *sampler = sampler_create(seed);
	size_t buf_bytes = FT_SEGMENT_BYTES_MIN + sampler_below(sampler, 60000);
	static struct ft_event added[40000];
	struct ft_event event;
	size_t count = 0;
	int error;

	ft_encoder_begin(codec->encoder, codec->buf, buf_bytes, SAMPLE_CPU, seed);
	memset(codec->buf + buf_bytes, 0xee, 8);
	do {
		sampler_next(sampler, &added[count]);
		error = ft_encoder_add(codec->encoder, &added[count]);
		count += error == 0;
	} while (error == 0 && count < ARRAY_COUNT(added));
	assert_int_equal(error, -ENOBUFS);
	assert_true(count > 0);
	assert_true(ft_encoder_bytes(codec->encoder) <= buf_bytes);
	seal_and_begin(codec);
	assert_memory_equal(codec->buf + buf_bytes, "\xee\xee\xee\xee\xee\xee\xee\xee", 8);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(ft_decoder_next(codec->decoder, &event), 1);
		assert_same_event(&event, &added[i]);
	}
	assert_int_equal(ft_decoder_next(codec->decoder, &event), 0);
	sampler_destroy(sampler);
}

static void decoder_gives_back_random_events(void **state)
{
	for (uint64_t seed = 1; seed <= 200; seed++)
		round_trip(*state, seed);
}

static void decoder_gives_one_address_to_each_task_and_stack_of_a_segment(void **state)
{
	struct codec *codec = *state;
	struct ft_event first, again;

	ft_encoder_begin(codec->encoder, codec->buf, BUF_BYTES, SAMPLE_CPU, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ft_encoder_add(codec->encoder, &sample_events[0]), 0);
		assert_int_equal(ft_encoder_add(codec->encoder, &sample_events[4]), 0);
	}
	seal_and_begin(codec);
	assert_int_equal(ft_decoder_next(codec->decoder, &first), 1);
	assert_int_equal(ft_decoder_next(codec->decoder, &again), 1);
	assert_int_equal(ft_decoder_next(codec->decoder, &again), 1);
	assert_ptr_equal(first.task, again.task);
	assert_ptr_equal(first.stack, again.stack);
	assert_ptr_equal(first.task, &ft_decoder_tasks(codec->decoder)[0]);
	assert_ptr_equal(first.switch_.next, &ft_decoder_tasks(codec->decoder)[1]);
	assert_ptr_equal(first.stack, &ft_decoder_stacks(codec->decoder)[0]);
	assert_int_equal(ft_decoder_next(codec->decoder, &again), 1);
	assert_ptr_equal(again.stack, &ft_decoder_stacks(codec->decoder)[1]);
}

/* Adds until the encoder refuses, then checks that all that was added is there. */
static uint32_t fill(struct codec *codec, void (*change)(struct ft_event *event, uint32_t number))
{
	struct ft_event event;
	uint32_t count = 0;
	int error;

	ft_encoder_begin(codec->encoder, codec->buf, BUF_BYTES, SAMPLE_CPU, 0);
	for (;; count++) {
		event = sample_events[10];
		change(&event, count);
		error = ft_encoder_add(codec->encoder, &event);
		if (error)
			break;
	}
	assert_int_equal(error, -ENOBUFS);
	assert_int_equal(ft_encoder_events(codec->encoder), count);
	/* What needs nothing new still fits, and the refused event left no trace. */
	event = sample_events[10];
	change(&event, 0);
	assert_int_equal(ft_encoder_add(codec->encoder, &event), 0);

	seal_and_begin(codec);
	for (uint32_t i = 0; i <= count; i++) {
		struct ft_event expected = sample_events[10];

		change(&expected, i < count ? i : 0);
		assert_int_equal(ft_decoder_next(codec->decoder, &event), 1);
		assert_same_event(&event, &expected);
	}
	assert_int_equal(ft_decoder_next(codec->decoder, &event), 0);
	return count;
}

static void with_other_scope(struct ft_event *event, uint32_t number)
{
	static char scope[32];

	snprintf(scope, sizeof(scope), "/system.slice/%u", number);
	*event = (struct ft_event){ .kind = FT_EVENT_COUNTER, .cpu = SAMPLE_CPU,
				    .task = &ft_nobody, .counter = { "name", scope, number } };
}

static void with_other_tid(struct ft_event *event, uint32_t number)
{
	static struct ft_task task;

	task = (struct ft_task){ .tid = (int32_t)number, .tgid = 1 };
	event->task = &task;
	event->stack = NULL;
}

static void with_other_name(struct ft_event *event, uint32_t number)
{
	static struct ft_task task;

	task = (struct ft_task){ .tid = 1, .tgid = 1 };
	snprintf(task.comm, sizeof(task.comm), "name-%u", number);
	event->task = &task;
	event->stack = NULL;
}

static void with_other_stack(struct ft_event *event, uint32_t number)
{
	static uint64_t frame;
	static struct ft_stack stack = { &frame, 1, 0 };

	frame = number;
	event->stack = &stack;
}

static void with_other_long_stack(struct ft_event *event, uint32_t number)
{
	static uint64_t frames[FT_STACK_FRAMES_MAX];
	static struct ft_stack stack = { frames, FT_STACK_FRAMES_MAX, 0 };

	frames[0] = number;
	event->stack = &stack;
}

static void with_stack_of_new_task(struct ft_event *event, uint32_t number)
{
	with_other_long_stack(event, number);
	const struct ft_stack *stack = event->stack;
	with_other_tid(event, number);
	event->stack = stack;
}

static void encoder_refuses_what_its_dictionaries_cannot_hold_and_stays_intact(void **state)
{
	struct codec *codec = *state;

	assert_int_equal(fill(codec, with_other_tid), FT_DICTIONARY_MAX);
	assert_int_equal(fill(codec, with_other_stack), FT_DICTIONARY_MAX);
	assert_int_equal(fill(codec, with_other_long_stack),
			 FT_DICTIONARY_FRAMES_MAX / FT_STACK_FRAMES_MAX);
	assert_int_equal(fill(codec, with_stack_of_new_task),
			 FT_DICTIONARY_FRAMES_MAX / FT_STACK_FRAMES_MAX);
	assert_int_equal(fill(codec, with_other_scope), FT_DICTIONARY_NAMES_MAX - 1);
	/* one thread that renames itself all the time: refused earlier, looking up stays short */
	assert_in_range(fill(codec, with_other_name), 16, FT_DICTIONARY_MAX / 16);
}

/* The task was taken in before the stack was refused: it must not keep its place. */
static void encoder_drops_the_tasks_of_a_refused_event(void **state)
{
	struct codec *codec = *state;
	struct ft_event event = sample_events[10], added[4];
	struct ft_task tasks[] = { { .tid = 100000 }, { .tid = 100001 } };
	uint32_t count = 0;

	ft_encoder_begin(codec->encoder, codec->buf, BUF_BYTES, SAMPLE_CPU, 0);
	do
		with_other_long_stack(&event, count++);
	while (ft_encoder_add(codec->encoder, &event) == 0);
	event.task = &tasks[0];
	assert_int_equal(ft_encoder_add(codec->encoder, &event), -ENOBUFS);
	event.stack = NULL;
	for (size_t i = 0; i < ARRAY_COUNT(added); i++) {
		added[i] = event;
		added[i].task = &tasks[i % 2];
		assert_int_equal(ft_encoder_add(codec->encoder, &added[i]), 0);
	}
	seal_and_begin(codec);
	while (--count > 0)
		assert_int_equal(ft_decoder_next(codec->decoder, &event), 1);
	for (size_t i = 0; i < ARRAY_COUNT(added); i++) {
		assert_int_equal(ft_decoder_next(codec->decoder, &event), 1);
		assert_same_event(&event, &added[i]);
	}
	assert_int_equal(ft_decoder_next(codec->decoder, &event), 0);
}

/* A name was taken in before another one, or the stack, was refused: it must not keep its place. */
static void encoder_drops_the_names_of_a_refused_event(void **state)
{
	struct codec *codec = *state;
	struct ft_event event = sample_events[10], added[3];
	uint32_t count = 0;

	ft_encoder_begin(codec->encoder, codec->buf, BUF_BYTES, SAMPLE_CPU, 0);
	do
		with_other_long_stack(&event, count++);
	while (ft_encoder_add(codec->encoder, &event) == 0);
	event.kind = FT_EVENT_COUNTER;
	event.counter.name = "refused";
	event.counter.scope = "refused too";
	event.counter.value = 1;
	assert_int_equal(ft_encoder_add(codec->encoder, &event), -ENOBUFS);
	event.stack = NULL;
	for (size_t i = 0; i < ARRAY_COUNT(added); i++) {
		added[i] = event;
		added[i].counter.name = i % 2 ? "refused" : "another";
		assert_int_equal(ft_encoder_add(codec->encoder, &added[i]), 0);
	}
	seal_and_begin(codec);
	while (--count > 0)
		assert_int_equal(ft_decoder_next(codec->decoder, &event), 1);
	for (size_t i = 0; i < ARRAY_COUNT(added); i++) {
		assert_int_equal(ft_decoder_next(codec->decoder, &event), 1);
		assert_same_event(&event, &added[i]);
	}
	assert_int_equal(ft_decoder_next(codec->decoder, &event), 0);
}

static void encoder_fits_the_longest_event_into_the_least_buffer(void **state)
{
	static uint64_t frames[FT_STACK_FRAMES_MAX];
	static const struct ft_stack stack = { frames, 1, FT_STACK_FRAMES_MAX - 1 };
	struct codec *codec = *state;
	char path[FT_TEXT_BYTES_MAX] = "";
	struct ft_event event = sample_events[17], decoded;

	memset(path, 'x', sizeof(path) - 1);
	for (int i = 0; i < FT_STACK_FRAMES_MAX; i++)
		frames[i] = i % 2 ? 1ull << 63 : 0;
	event.stack = &stack;
	event.mmap.path = path;
	event.mmap.start = event.mmap.length_bytes = UINT64_MAX;
	ft_encoder_begin(codec->encoder, codec->buf, FT_SEGMENT_BYTES_MIN, SAMPLE_CPU, 0);
	assert_int_equal(ft_encoder_add(codec->encoder, &event), 0);
	assert_int_equal(ft_encoder_add(codec->encoder, &event), -ENOBUFS);
	seal_and_begin(codec);
	assert_int_equal(ft_decoder_next(codec->decoder, &decoded), 1);
	assert_same_event(&decoded, &event);
	assert_int_equal(ft_decoder_next(codec->decoder, &decoded), 0);
}

/* Both names as long as they may be, a task to define, and the longest stack. */
static void encoder_fits_the_longest_counter_into_the_least_buffer(void **state)
{
	static uint64_t frames[FT_STACK_FRAMES_MAX];
	static const struct ft_stack stack = { frames, 1, FT_STACK_FRAMES_MAX - 1 };
	struct codec *codec = *state;
	char name[FT_NAME_BYTES_MAX] = "", scope[FT_NAME_BYTES_MAX] = "";
	const struct ft_event event = { .kind = FT_EVENT_COUNTER, .cpu = SAMPLE_CPU,
					.task = sample_events[3].task, .stack = &stack,
					.counter = { name, scope, INT64_MIN } };
	struct ft_event decoded;

	memset(name, 'n', sizeof(name) - 1);
	memset(scope, 's', sizeof(scope) - 1);
	for (int i = 0; i < FT_STACK_FRAMES_MAX; i++)
		frames[i] = i % 2 ? 1ull << 63 : 0;
	ft_encoder_begin(codec->encoder, codec->buf, FT_SEGMENT_BYTES_MIN, SAMPLE_CPU, 0);
	assert_int_equal(ft_encoder_add(codec->encoder, &event), 0);
	seal_and_begin(codec);
	assert_int_equal(ft_decoder_next(codec->decoder, &decoded), 1);
	assert_same_event(&decoded, &event);
	assert_int_equal(ft_decoder_next(codec->decoder, &decoded), 0);
}

static size_t bytes_of_adding(struct codec *codec, const struct ft_event *event)
{
	size_t before, i;

	/* Sixteen times, for the length of a segment is a multiple of 8. */
	before = ft_encoder_bytes(codec->encoder);
	for (i = 0; i < 16; i++)
		assert_int_equal(ft_encoder_add(codec->encoder, event), 0);
	return (ft_encoder_bytes(codec->encoder) - before + 8) / 16;
}

static void repeated_names_cost_a_byte_each(void **state)
{
	struct codec *codec = *state;
	const struct ft_event span = { .kind = FT_EVENT_SPAN, .cpu = SAMPLE_CPU,
				       .task = sample_events[0].task,
				       .span = { "a long name of some work", true, 1, 2 } };
	const struct ft_event counter = { .kind = FT_EVENT_COUNTER, .cpu = SAMPLE_CPU,
					  .task = &ft_nobody,
					  .counter = { "memory.stat:anon", "/a/long/scope", 3 } };

	ft_encoder_begin(codec->encoder, codec->buf, BUF_BYTES, SAMPLE_CPU, 0);
	assert_int_equal(ft_encoder_add(codec->encoder, &span), 0);
	/* tag, time, form, name, length, end, key, value */
	assert_int_equal(bytes_of_adding(codec, &span), 8);
	assert_int_equal(ft_encoder_add(codec->encoder, &counter), 0);
	/* tag, time, form, name, scope, length, value */
	assert_int_equal(bytes_of_adding(codec, &counter), 7);
}

static void assert_refused(struct codec *codec, const struct ft_event *event)
{
	size_t bytes = ft_encoder_bytes(codec->encoder);

	assert_int_equal(ft_encoder_add(codec->encoder, event), -EINVAL);
	assert_int_equal(ft_encoder_bytes(codec->encoder), bytes);
}

static void encoder_refuses_events_outside_the_limits(void **state)
{
	static const uint64_t frames[FT_STACK_FRAMES_MAX + 1];
	static const struct ft_stack too_deep = { frames, 1, FT_STACK_FRAMES_MAX };
	static const struct ft_task endless = { .comm = "sixteen-letters!" };
	struct codec *codec = *state;
	char text[FT_TEXT_BYTES_MAX + 1] = "";
	struct ft_event event;

	memset(text, 'x', FT_TEXT_BYTES_MAX);
	ft_encoder_begin(codec->encoder, codec->buf, BUF_BYTES, SAMPLE_CPU, 0);
	event = sample_events[0];
	event.kind = (enum ft_event_kind)0;
	assert_refused(codec, &event);
	event.kind = FT_EVENT_KINDS;
	assert_refused(codec, &event);
	event = sample_events[0];
	event.switch_.prev_state = FT_STATES;
	assert_refused(codec, &event);
	event = sample_events[0];
	event.switch_.next = NULL;
	assert_refused(codec, &event);
	event = sample_events[0];
	event.task = NULL;
	assert_refused(codec, &event);
	event.task = &endless;
	assert_refused(codec, &event);
	event = sample_events[0];
	event.stack = &too_deep;
	assert_refused(codec, &event);
	event = sample_events[0];
	event.cpu = SAMPLE_CPU + 1;
	assert_refused(codec, &event);
	event = sample_events[12];
	event.call.call = FT_CALLS;
	assert_refused(codec, &event);
	event.call.call = (enum ft_call)0;
	assert_refused(codec, &event);
	event = sample_events[28];
	event.note.text = text;
	assert_refused(codec, &event);
	event.note.text = NULL;
	assert_refused(codec, &event);
	event = (struct ft_event){ .kind = FT_EVENT_COUNTER, .cpu = SAMPLE_CPU, .task = &ft_nobody,
				   .counter = { "name", NULL, 0 } };
	assert_refused(codec, &event);
	text[FT_NAME_BYTES_MAX] = '\0';
	event.counter.scope = text;
	assert_refused(codec, &event);
	text[FT_NAME_BYTES_MAX - 1] = '\0';
	assert_int_equal(ft_encoder_add(codec->encoder, &event), 0);
	assert_int_equal(ft_encoder_add(codec->encoder, &sample_events[0]), 0);
}

/* Decodes @payload from a page's end until something else than an event comes. */
static int decode_guarded(struct codec *codec, const void *payload, size_t bytes,
			  size_t *ret_events)
{
	struct guard guard = guard_copy(payload, bytes);
	struct ft_event event;
	size_t events = 0;
	int result;

	ft_decoder_begin(codec->decoder, guard.bytes, bytes, SAMPLE_CPU, 0);
	while ((result = ft_decoder_next(codec->decoder, &event)) == 1)
		events++;
	assert_int_equal(ft_decoder_next(codec->decoder, &event), result);
	guard_free(&guard);
	*ret_events = events;
	return result;
}

static void decoder_reads_a_cut_payload_up_to_the_cut(void **state)
{
	struct codec *codec = *state;
	struct ft_segment segment;
	size_t ends[64] = { 8 }, events, whole = 0;

	assert_true(sample_events_count < ARRAY_COUNT(ends));
	ft_encoder_begin(codec->encoder, codec->buf, BUF_BYTES, SAMPLE_CPU, 0);
	for (size_t i = 0; i < sample_events_count; i++) {
		assert_int_equal(ft_encoder_add(codec->encoder, &sample_events[i]), 0);
		ft_encoder_seal(codec->encoder); /* says the length; adding may go on */
		ends[i + 1] = ft_get_le32(codec->buf + 44);
	}
	segment = seal_and_begin(codec);
	for (size_t bytes = 0; bytes <= segment.payload_bytes; bytes++) {
		int result = decode_guarded(codec, segment.payload, bytes, &events);

		while (whole < sample_events_count && ends[whole + 1] <= bytes)
			whole++;
		assert_int_equal(events, whole);
		assert_int_equal(result, bytes == 0 || bytes == ends[whole] ? 0 : -EBADMSG);
	}
	assert_int_equal(whole, sample_events_count);
}

/* No checksum keeps these from the decoder; what it makes of them must only stay in bounds. */
static void decoder_survives_hostile_payloads(void **state)
{
	struct codec *codec = *state;
	struct sampler *sampler = sampler_create(77);
	struct ft_segment segment;
	size_t events, damaged = 0;
	uint8_t *payload;

	add_samples(codec);
	segment = seal_and_begin(codec);
	payload = malloc(segment.payload_bytes);
	assert_non_null(payload);
	for (int round = 0; round < 20000; round++) {
		memcpy(payload, segment.payload, segment.payload_bytes);
		for (uint32_t changes = 1 + sampler_below(sampler, 4); changes > 0; changes--) {
			uint32_t at = 8 + sampler_below(sampler, segment.payload_bytes - 8);

			payload[at] = (uint8_t)sampler_below(sampler, 256);
		}
		damaged += decode_guarded(codec, payload, segment.payload_bytes, &events) != 0;
	}
	assert_true(damaged > 10000);
	free(payload);
	sampler_destroy(sampler);
}

/* Each bit of every event, the extended ones among them. */
static void decoder_survives_each_flipped_bit(void **state)
{
	struct codec *codec = *state;
	struct ft_segment segment;
	uint8_t *payload;
	size_t events;

	add_samples(codec);
	segment = seal_and_begin(codec);
	payload = malloc(segment.payload_bytes);
	assert_non_null(payload);
	memcpy(payload, segment.payload, segment.payload_bytes);
	for (size_t bit = 0; bit < segment.payload_bytes * 8ull; bit++) {
		payload[bit / 8] ^= (uint8_t)(1 << bit % 8);
		decode_guarded(codec, payload, segment.payload_bytes, &events);
		payload[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	free(payload);
}

static void assert_damaged(struct codec *codec, const void *events, size_t bytes)
{
	uint8_t payload[64] = { 0 };
	size_t count;

	assert_true(bytes + 8 <= sizeof(payload));
	memcpy(payload + 8, events, bytes);
	assert_int_equal(decode_guarded(codec, payload, bytes + 8, &count), -EBADMSG);
	assert_int_equal(count, 0);
}

static void decoder_refuses_what_no_encoder_writes(void **state)
{
	struct codec *codec = *state;

#define ASSERT_DAMAGED(bytes) assert_damaged(codec, bytes, sizeof(bytes) - 1)
	ASSERT_DAMAGED("\x4c\x00");				/* same task, but none was named */
	ASSERT_DAMAGED("\x48\x00\x01");				/* task beyond the dictionary */
	ASSERT_DAMAGED("\x48\x00\x00\x02\x00\x10" "sixteen-letters!");
	ASSERT_DAMAGED("\x48\x00\x00\x80\x80\x80\x80\x20\x00\x00"); /* tid of 33 bits */
	ASSERT_DAMAGED("\x49\x00\x00\x02\x00\x00"); /* stack again, but there was none */
	ASSERT_DAMAGED("\x4a\x00\x00\x02\x00\x00\x00");		/* stack beyond the dictionary */
	ASSERT_DAMAGED("\x4b\x00\x00\x02\x00\x00\xc1\x01\x00\x00\x00"); /* 193 frames */
	ASSERT_DAMAGED("\x4b\x00\x00\x02\x00\x00\x01\x00\x01\x00"); /* like no stack */
	ASSERT_DAMAGED("\x4b\x00\x00\x02\x00\x00\x01\x00\x00\x01");
	ASSERT_DAMAGED("\xd0\x00\x00\x02\x00\x00\x00");		/* state 10 */
	ASSERT_DAMAGED("\x78\x00\x00\x02\x00\x00\x00");		/* last text, but there was none */
	ASSERT_DAMAGED("\x78\x00\x00\x02\x00\x00\x03" "abc");	/* text without zero */
	ASSERT_DAMAGED("\x78\x00\x00\x02\x00\x00\x03" "a\0b");
	ASSERT_DAMAGED("\x78\x00\x00\x02\x00\x00\x81\x08");	/* text of 1025 bytes */
	ASSERT_DAMAGED("\x30\x00\x00\x02\x00\x00\x0a\x00\x00\x00\x00"); /* call 10 */
	ASSERT_DAMAGED("\x30\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00"); /* call 0 */
	ASSERT_DAMAGED("\x48\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"); /* 65 bits */

#define EXTENDED(form) "\x00\x00" form "\x00\x02\x00\x00" /* task 0: tid 1, tgid 1, no name */
	ASSERT_DAMAGED("\x04\x00\x00");			/* same task, but none was named */
	ASSERT_DAMAGED("\x00\x00");				/* no form */
	ASSERT_DAMAGED(EXTENDED("\x01") "\x01\x01" "a\x03\x00\x00\x00"); /* name beyond the dictionary */
	ASSERT_DAMAGED(EXTENDED("\x01") "\x00\x00\x03\x00\x00\x00"); /* name of no bytes */
	ASSERT_DAMAGED(EXTENDED("\x01") "\x00\x02" "ab\x03\x00\x00\x00"); /* name without zero */
	ASSERT_DAMAGED(EXTENDED("\x01") "\x00\x81\x04");	/* name of 513 bytes */
	ASSERT_DAMAGED(EXTENDED("\x01") "\x00\x01\x00\x04\x00\x00\x00"); /* payload beyond the end */
	ASSERT_DAMAGED(EXTENDED("\x01") "\x00\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
	ASSERT_DAMAGED(EXTENDED("\x01") "\x00\x01\x00\x02\x00\x00\x00"); /* shorter than its fields */
	ASSERT_DAMAGED(EXTENDED("\x01") "\x00\x01\x00\x03\x02\x00\x00"); /* neither begin nor end */
	ASSERT_DAMAGED(EXTENDED("\x00") "\x03\x00\x00\x00"); /* span without a name */
	ASSERT_DAMAGED(EXTENDED("\x09") "\x00\x01\x00\x01\x00"); /* counter without a scope */
	ASSERT_DAMAGED(EXTENDED("\xfc\x07") "\x02\x00");	/* other task beyond the dictionary */
	ASSERT_DAMAGED(EXTENDED("\xf8\xff\xff\xff\xff\xff\xff\xff\xff\x02") "\x00"); /* 65 bits */
	ASSERT_DAMAGED(EXTENDED("\xf8\xff\xff\xff\xff\xff\xff\xff\xff\x01") "\x01"); /* unknown and cut */
}

/* Two events of kinds of a later version, which define all that the span and the counter behind them
 * refer to. Those have more than this version knows of, too. */
static const char later_events[] =
	"\0\0\0\0\0\0\0\0"
	"\x03\x0a\xfe\x07"				/* time 5, kind 127, other task, 2 names */
	"\x00\x02\x00\x01" "a" "\x01\x04\x00\x01" "b"	/* task 0: tid 1, "a"; 1: tid 2, "b" */
	"\x01\x00\x00\x00\x22"			/* stack 0: a kernel frame at 0x11 */
	"\x00\x02" "x\0" "\x01\x02" "y\0"		/* names 0 and 1 */
	"\x03" "???"
	"\x04\x02\xf8\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00" /* time 6, the greatest kind */
	"\x02\x02\x05\x01\x00\x00\x01"		/* time 7, task 1, other task, stack 0: span "y" */
	"\x05\x01\x07\x09" "??"			/* ends, 7, -5, something new */
	"\x04\x00\x0b\x00\x01\x01" "\x01\x02";	/* counter "x" of "y", another name: 1 */

static void decoder_passes_over_kinds_it_does_not_know(void **state)
{
	struct codec *codec = *state;
	struct guard guard = guard_copy(later_events, sizeof(later_events) - 1);
	static const struct ft_task task = { 2, 2, "b" };
	static const uint64_t frame = 0x11;
	static const struct ft_stack stack = { &frame, 1, 0 };
	const struct ft_event span = { .kind = FT_EVENT_SPAN, .cpu = SAMPLE_CPU, .time_ns = 7,
				       .task = &task, .stack = &stack,
				       .span = { "y", true, 7, -5 } };
	const struct ft_event counter = { .kind = FT_EVENT_COUNTER, .cpu = SAMPLE_CPU, .time_ns = 7,
					  .task = &task, .counter = { "x", "y", 1 } };
	struct ft_event event;

	ft_decoder_begin(codec->decoder, guard.bytes, sizeof(later_events) - 1, SAMPLE_CPU, 0);
	assert_int_equal(ft_decoder_unknown_events(codec->decoder), 0);
	assert_int_equal(ft_decoder_next(codec->decoder, &event), 1);
	assert_same_event(&event, &span);
	assert_int_equal(ft_decoder_next(codec->decoder, &event), 1);
	assert_same_event(&event, &counter);
	assert_int_equal(ft_decoder_next(codec->decoder, &event), 0);
	assert_int_equal(ft_decoder_unknown_events(codec->decoder), 2);
	ft_decoder_begin(codec->decoder, guard.bytes, 0, SAMPLE_CPU, 0);
	assert_int_equal(ft_decoder_unknown_events(codec->decoder), 0);
	guard_free(&guard);
}

/* Samples with a stack of @frames frames each; for SIZE_MAX, exits of another task each. */
static size_t decode_many(struct codec *codec, size_t events, size_t frames)
{
	uint8_t *next = codec->buf + 8;
	size_t count;
	int result;

	memset(codec->buf, 0, 8);
	for (size_t i = 0; i < events; i++) {
		*next++ = frames == SIZE_MAX ? 0x48 : 0x2b; /* exit; sample with a new stack */
		*next++ = 0;
		next = ft_put_varint(next, frames == SIZE_MAX ? i : 0);
		if (i == 0 || frames == SIZE_MAX) {
			memcpy(next, "\x02\x00\x00", 3); /* tid, tgid, name */
			next += 3;
		}
		if (frames == SIZE_MAX)
			continue;
		next = ft_put_varint(next, frames);
		*next++ = 0;
		next = ft_put_varint(next, i > 0 ? frames : 0); /* all like the stack before */
		*next++ = 0;
		for (size_t frame = 0; i == 0 && frame < frames; frame++)
			*next++ = 0;
	}
	result = decode_guarded(codec, codec->buf, (size_t)(next - codec->buf), &count);
	assert_int_equal(result, count == events ? 0 : -EBADMSG);
	return count;
}

/* Counters that each define another name, which is their scope too. */
static size_t decode_many_names(struct codec *codec, size_t events)
{
	uint8_t *next = codec->buf + 8;
	size_t count;
	int result;

	memset(codec->buf, 0, 8);
	for (size_t i = 0; i < events; i++) {
		memcpy(next, i ? "\x04\x00\x0a" : "\x00\x00\x0a\x00\x00\x00\x00", i ? 3 : 7);
		next += i ? 3 : 7;
		next = ft_put_varint(next, i);
		memcpy(next, "\x02" "n\0", 3);
		next = ft_put_varint(next + 3, i);
		memcpy(next, "\x01\x00", 2);
		next += 2;
	}
	result = decode_guarded(codec, codec->buf, (size_t)(next - codec->buf), &count);
	assert_int_equal(result, count == events ? 0 : -EBADMSG);
	return count;
}

static void decoder_refuses_more_than_the_dictionaries_hold(void **state)
{
	const size_t whole = FT_DICTIONARY_FRAMES_MAX / FT_STACK_FRAMES_MAX;
	struct codec *codec = *state;

	assert_int_equal(decode_many(codec, FT_DICTIONARY_MAX, SIZE_MAX), FT_DICTIONARY_MAX);
	assert_int_equal(decode_many(codec, FT_DICTIONARY_MAX + 10, SIZE_MAX), FT_DICTIONARY_MAX);
	assert_int_equal(decode_many(codec, FT_DICTIONARY_MAX, 1), FT_DICTIONARY_MAX);
	assert_int_equal(decode_many(codec, FT_DICTIONARY_MAX + 10, 1), FT_DICTIONARY_MAX);
	assert_int_equal(decode_many(codec, whole, FT_STACK_FRAMES_MAX), whole);
	assert_int_equal(decode_many(codec, whole + 10, FT_STACK_FRAMES_MAX), whole);
	assert_int_equal(decode_many_names(codec, FT_DICTIONARY_NAMES_MAX), FT_DICTIONARY_NAMES_MAX);
	assert_int_equal(decode_many_names(codec, FT_DICTIONARY_NAMES_MAX + 10),
			 FT_DICTIONARY_NAMES_MAX);
}

UNIT_TESTS(encoder)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(decoder_gives_back_every_kind_of_event),
		TEST(segment_holds_least_and_greatest_time_when_times_step_back),
		TEST(segment_without_events_decodes_to_none),
		TEST(decoder_gives_back_random_events),
		TEST(decoder_gives_one_address_to_each_task_and_stack_of_a_segment),
		TEST(encoder_refuses_what_its_dictionaries_cannot_hold_and_stays_intact),
		TEST(encoder_drops_the_tasks_of_a_refused_event),
		TEST(encoder_fits_the_longest_event_into_the_least_buffer),
		TEST(encoder_drops_the_names_of_a_refused_event),
		TEST(encoder_fits_the_longest_counter_into_the_least_buffer),
		TEST(repeated_names_cost_a_byte_each),
		TEST(encoder_refuses_events_outside_the_limits),
		TEST(decoder_reads_a_cut_payload_up_to_the_cut),
		TEST(decoder_survives_hostile_payloads),
		TEST(decoder_survives_each_flipped_bit),
		TEST(decoder_refuses_what_no_encoder_writes),
		TEST(decoder_passes_over_kinds_it_does_not_know),
		TEST(decoder_refuses_more_than_the_dictionaries_hold),
	};

	return run_unit_tests(tests, NULL, NULL);
}
