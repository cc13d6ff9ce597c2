/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What encoding, deflating and decoding cost, on two synthetic loads. Not a test: prints figures.
 *
 * ping-pong: two tasks on one CPU wake each other, two stacks in all.
 * varied:    2000 tasks and 600 stacks of 6 to 30 frames, few of them busy.
 *
 * A load is EVENTS_MADE events, repeated later and later: a recorder's events are hot in the
 * cache when they are encoded, and millions of them in memory would not be.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "capture/decoder.h"
#include "capture/encoder.h"
#include "capture/segment.h"

#define SEGMENT_BYTES (64u << 10)
#define EVENTS_MADE 16384u
#define ROUNDS 256u
#define EVENTS (EVENTS_MADE * ROUNDS)
#define REPEAT 5
#define TASKS 2000u
#define STACKS 600u
#define FUNCTIONS 3000u

static struct ft_task tasks[TASKS];
static uint64_t frames[STACKS][32];
static struct ft_stack stacks[STACKS];
static struct ft_event *events;
static uint8_t *segments;
static size_t segments_bytes;

static uint64_t random_state = 1;

static uint32_t random_below(uint32_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 32) * bound >> 32);
}

/* CPU time: what else runs on the machine should not count. */
static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void make_names(void)
{
	static uint64_t functions[FUNCTIONS];

	for (uint32_t i = 0; i < FUNCTIONS; i++)
		functions[i] = 0xffffffff81000000 + random_below(18u << 20);
	for (uint32_t i = 0; i < TASKS; i++) {
		tasks[i].tid = (int32_t)(1000 + i);
		tasks[i].tgid = (int32_t)(1000 + i / 50 * 50);
		snprintf(tasks[i].comm, sizeof(tasks[i].comm), "worker-%u", i % 50);
	}
	for (uint32_t i = 0; i < STACKS; i++) {
		uint16_t count = (uint16_t)(6 + random_below(25));

		/* the scheduler at the leaf, one of a few entries at the root */
		for (uint16_t frame = 0; frame < count; frame++)
			frames[i][frame] = functions[random_below(FUNCTIONS)];
		for (uint16_t frame = 0; frame < 2; frame++)
			frames[i][frame] = functions[frame];
		for (uint16_t frame = 1; frame < 4; frame++)
			frames[i][count - frame] = functions[i % 5 * 4 + frame];
		stacks[i] = (struct ft_stack){ .frames = frames[i], .kernel_count = count };
	}
}

static void make_ping_pong(void)
{
	uint64_t time_ns = 1000000000000;

	for (uint32_t i = 0; i < EVENTS_MADE; i += 2) {
		const struct ft_task *from = &tasks[i / 2 % 2], *to = &tasks[1 - i / 2 % 2];

		time_ns += 300 + random_below(200);
		events[i] = (struct ft_event){ .kind = FT_EVENT_WAKING, .time_ns = time_ns,
					       .task = from, .stack = &stacks[1],
					       .waking.wakee = to };
		time_ns += 800 + random_below(500);
		events[i + 1] = (struct ft_event){ .kind = FT_EVENT_SWITCH, .time_ns = time_ns,
						   .task = from, .stack = &stacks[0],
						   .switch_ = { to, FT_STATE_SLEEPING } };
	}
}

/* Six in ten of the first 20, three in ten of the first 100, the rest anywhere. */
static uint32_t random_place(uint32_t bound)
{
	uint32_t range = random_below(100);

	return random_below(range < 60 ? 20 : range < 90 ? 100 : bound);
}

static void make_varied(void)
{
	uint64_t time_ns = 1000000000000;
	uint32_t current = 0;

	for (uint32_t i = 0; i < EVENTS_MADE; i++) {
		uint32_t other = random_place(TASKS);
		struct ft_event *event = &events[i];

		time_ns += 500 + random_below(random_below(8) ? 8000 : 100000);
		*event = (struct ft_event){ .time_ns = time_ns, .task = &tasks[current] };
		if (random_below(2)) {
			event->kind = FT_EVENT_WAKING;
			event->waking.wakee = &tasks[other];
			continue;
		}
		event->kind = FT_EVENT_SWITCH;
		event->switch_.next = &tasks[other];
		event->switch_.prev_state = random_below(3) ? FT_STATE_SLEEPING : FT_STATE_DISK;
		event->stack = &stacks[random_place(STACKS)];
		current = other;
	}
}

static void check(bool good)
{
	if (good)
		return;
	fprintf(stderr, "bench_encode: out of memory, or the codec is broken\n");
	exit(1);
}

static uint64_t encode(void)
{
	struct ft_encoder *encoder;
	uint64_t period_ns = events[EVENTS_MADE - 1].time_ns - events[0].time_ns + 1000;
	uint64_t start_ns, spent_ns;
	size_t used = 0;

	check(ft_encoder_create(&encoder) == 0);
	start_ns = now_ns();
	ft_encoder_begin(encoder, segments, SEGMENT_BYTES, 0, 0);
	for (uint32_t i = 0; i < EVENTS; i++) {
		struct ft_event event = events[i % EVENTS_MADE];

		event.time_ns += i / EVENTS_MADE * period_ns;
		if (ft_encoder_add(encoder, &event) == 0)
			continue;
		used += ft_encoder_seal(encoder);
		check(used + SEGMENT_BYTES < (size_t)EVENTS * 16);
		ft_encoder_begin(encoder, segments + used, SEGMENT_BYTES, 0, i);
		check(ft_encoder_add(encoder, &event) == 0);
	}
	segments_bytes = used + ft_encoder_seal(encoder);
	spent_ns = now_ns() - start_ns;
	ft_encoder_destroy(encoder);
	return spent_ns;
}

static uint64_t decode(void)
{
	struct ft_decoder *decoder;
	uint64_t start_ns, spent_ns;
	struct ft_segment segment;
	struct ft_event event;
	uint32_t count = 0;
	size_t used;

	check(ft_decoder_create(&decoder) == 0);
	start_ns = now_ns();
	for (size_t at = 0; at < segments_bytes; at += used) {
		check(ft_segment_decode(segments + at, segments_bytes - at, &segment, &used) == 0);
		ft_decoder_begin(decoder, segment.payload, segment.payload_bytes, 0,
				 segment.first_ns);
		while (ft_decoder_next(decoder, &event) > 0)
			count++;
	}
	spent_ns = now_ns() - start_ns;
	check(count == EVENTS);
	ft_decoder_destroy(decoder);
	return spent_ns;
}

static uint64_t deflate_all(size_t *ret_bytes)
{
	static uint8_t to[SEGMENT_BYTES * 2];
	uint64_t start_ns = now_ns();
	struct ft_segment segment;
	size_t used;

	*ret_bytes = 0;
	for (size_t at = 0; at < segments_bytes; at += used) {
		uLongf bytes = sizeof(to);

		check(ft_segment_decode(segments + at, segments_bytes - at, &segment, &used) == 0);
		check(compress2(to, &bytes, segment.payload, segment.payload_bytes, 1) == Z_OK);
		*ret_bytes += FT_SEGMENT_HEADER_BYTES + bytes;
	}
	return now_ns() - start_ns;
}

static uint64_t least(uint64_t left, uint64_t right)
{
	return left < right ? left : right;
}

static void run(const char *name, void (*make)(void))
{
	uint32_t switches = 0;
	uint64_t encode_ns, decode_ns, deflate_ns;
	size_t deflated_bytes;

	make();
	for (uint32_t i = 0; i < EVENTS_MADE; i++)
		switches += ROUNDS * (events[i].kind == FT_EVENT_SWITCH);
	/* The best of a few; the first encoding also touches every page of what is written. */
	encode_ns = decode_ns = deflate_ns = UINT64_MAX;
	for (int i = 0; i < REPEAT; i++) {
		encode_ns = least(encode_ns, encode());
		decode_ns = least(decode_ns, decode());
		deflate_ns = least(deflate_ns, deflate_all(&deflated_bytes));
	}
	printf("%-10s encode %5.1f ns/event  decode %5.1f ns/event  deflate %5.1f ns/event  "
	       "%5.2f bytes/event, deflated %5.2f  %5.2f bytes/switch, deflated %5.2f\n",
	       name, (double)encode_ns / EVENTS, (double)decode_ns / EVENTS,
	       (double)deflate_ns / EVENTS, (double)segments_bytes / EVENTS,
	       (double)deflated_bytes / EVENTS, (double)segments_bytes / switches,
	       (double)deflated_bytes / switches);
}

int main(void)
{
	events = calloc(EVENTS_MADE, sizeof(*events));
	segments = malloc((size_t)EVENTS * 16);
	check(events && segments);
	make_names();
	run("ping-pong", make_ping_pong);
	run("varied", make_varied);
	free(events);
	free(segments);
	return 0;
}
