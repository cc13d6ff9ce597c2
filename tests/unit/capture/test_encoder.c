/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoder and decoder: what goes in comes out, and what cannot come out does not go in.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/codec.h"
#include "tests/unit/support/sample_events.h"
#include "tests/unit/support/unit_test.h"

#define ARRAY_COUNT(array) (sizeof(array) / sizeof(*(array)))

static void decoder_gives_back_every_kind_of_event(void **state)
{
	struct codec *codec = *state;
	bool seen[FT_EVENT_KINDS] = { false };
	struct ft_segment segment;
	struct ft_event event;

	codec_add_samples(codec);
	segment = codec_seal(codec);
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

	ft_encoder_begin(codec->encoder, codec->buf, CODEC_BYTES, SAMPLE_CPU, 0);
	for (size_t i = 0; i < ARRAY_COUNT(times_ns); i++) {
		event.time_ns = times_ns[i];
		assert_int_equal(ft_encoder_add(codec->encoder, &event), 0);
	}
	segment = codec_seal(codec);
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
	codec_seal(codec);
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
	codec_seal(codec);
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

	ft_encoder_begin(codec->encoder, codec->buf, CODEC_BYTES, SAMPLE_CPU, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ft_encoder_add(codec->encoder, &sample_events[0]), 0);
		assert_int_equal(ft_encoder_add(codec->encoder, &sample_events[4]), 0);
	}
	codec_seal(codec);
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
static uint32_t fill_segment(struct codec *codec,
			     void (*change)(struct ft_event *event, uint32_t number))
{
	struct ft_event event;
	uint32_t count = 0;
	int error;

	ft_encoder_begin(codec->encoder, codec->buf, CODEC_BYTES, SAMPLE_CPU, 0);
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

	codec_seal(codec);
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

	assert_int_equal(fill_segment(codec, with_other_tid), FT_DICTIONARY_MAX);
	assert_int_equal(fill_segment(codec, with_other_stack), FT_DICTIONARY_MAX);
	assert_int_equal(fill_segment(codec, with_other_long_stack),
			 FT_DICTIONARY_FRAMES_MAX / FT_STACK_FRAMES_MAX);
	assert_int_equal(fill_segment(codec, with_stack_of_new_task),
			 FT_DICTIONARY_FRAMES_MAX / FT_STACK_FRAMES_MAX);
	assert_int_equal(fill_segment(codec, with_other_scope), FT_DICTIONARY_NAMES_MAX - 1);
	/* one thread that renames itself all the time: refused earlier, looking up stays short */
	assert_in_range(fill_segment(codec, with_other_name), 16, FT_DICTIONARY_MAX / 16);
}

/* Begins a segment, and adds events until there is no room for another stack. @event is the one
 * that was refused then. Returns how many there are. */
static uint32_t fill_with_stacks(struct codec *codec, struct ft_event *event)
{
	uint32_t count = 0;

	ft_encoder_begin(codec->encoder, codec->buf, CODEC_BYTES, SAMPLE_CPU, 0);
	do
		with_other_long_stack(event, count++);
	while (ft_encoder_add(codec->encoder, event) == 0);
	return count - 1;
}

/* The segment holds @filling events, then those of @added, and no more. */
static void expect_behind(struct codec *codec, uint32_t filling, const struct ft_event *added,
			  size_t count)
{
	struct ft_event event;

	codec_seal(codec);
	for (uint32_t i = 0; i < filling; i++)
		assert_int_equal(ft_decoder_next(codec->decoder, &event), 1);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(ft_decoder_next(codec->decoder, &event), 1);
		assert_same_event(&event, &added[i]);
	}
	assert_int_equal(ft_decoder_next(codec->decoder, &event), 0);
}

/* The task was taken in before the stack was refused: it must not keep its place. */
static void encoder_drops_the_tasks_of_a_refused_event(void **state)
{
	struct codec *codec = *state;
	struct ft_event event = sample_events[10], added[4];
	struct ft_task tasks[] = { { .tid = 100000 }, { .tid = 100001 } };
	uint32_t filling = fill_with_stacks(codec, &event);

	event.task = &tasks[0];
	assert_int_equal(ft_encoder_add(codec->encoder, &event), -ENOBUFS);
	event.stack = NULL;
	for (size_t i = 0; i < ARRAY_COUNT(added); i++) {
		added[i] = event;
		added[i].task = &tasks[i % 2];
		assert_int_equal(ft_encoder_add(codec->encoder, &added[i]), 0);
	}
	expect_behind(codec, filling, added, ARRAY_COUNT(added));
}

/* A name was taken in before another one, or the stack, was refused: it must not keep its place. */
static void encoder_drops_the_names_of_a_refused_event(void **state)
{
	struct codec *codec = *state;
	struct ft_event event = sample_events[10], added[3];
	uint32_t filling = fill_with_stacks(codec, &event);

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
	expect_behind(codec, filling, added, ARRAY_COUNT(added));
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
	codec_seal(codec);
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
	codec_seal(codec);
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

	ft_encoder_begin(codec->encoder, codec->buf, CODEC_BYTES, SAMPLE_CPU, 0);
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
	ft_encoder_begin(codec->encoder, codec->buf, CODEC_BYTES, SAMPLE_CPU, 0);
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

UNIT_TESTS(encoder)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, codec_set_up, codec_tear_down)
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
	};

	return run_unit_tests(tests, NULL, NULL);
}
