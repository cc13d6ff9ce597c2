/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream keeps inflated segments while there is room; what it gives must not depend on it.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyzer/trace/cpu_stream.h"
#include "analyzer/trace/source.h"
#include "capture/encoder.h"
#include "capture/writer.h"
#include "tests/unit/support/unit_test.h"

#define SEGMENTS 4u
#define EVENTS	 500u /* a segment: enough for it to be deflated */

static void write_segments(int fd)
{
	static const struct ft_task task = { 5, 5, "feed" };
	struct ft_encoder *encoder;
	struct ft_writer *writer;
	static unsigned char buf[65536];

	assert_int_equal(ft_encoder_create(&encoder), 0);
	assert_int_equal(ft_writer_create(fd, &writer), 0);
	for (uint32_t segment = 0; segment < SEGMENTS; segment++) {
		ft_encoder_begin(encoder, buf, sizeof(buf), 0, segment);
		for (uint32_t i = 0; i < EVENTS; i++) {
			const struct ft_event event = { .kind = FT_EVENT_SAMPLE,
							.time_ns = 1000 * segment + i,
							.task = &task };

			assert_int_equal(ft_encoder_add(encoder, &event), 0);
		}
		assert_int_equal(ft_writer_segment(writer, buf, ft_encoder_seal(encoder)), 0);
	}
	assert_int_equal(ft_writer_end(writer), 0);
	ft_writer_destroy(writer);
	ft_encoder_destroy(encoder);
}

static void expect_all_events(struct cpu_stream *stream)
{
	uint32_t seen = 0;
	struct event *events;
	int count;

	while ((count = cpu_stream_next(stream, &events)) > 0) {
		for (int i = 0; i < count; i++, seen++) {
			assert_int_equal(events[i].raw.kind, FT_EVENT_SAMPLE);
			assert_int_equal(events[i].raw.time_ns,
					 1000 * (seen / EVENTS) + seen % EVENTS);
		}
	}
	assert_int_equal(count, 0);
	assert_int_equal(seen, SEGMENTS * EVENTS);
}

/* Return: the room that is left after three replays. */
static size_t replay_with_room(size_t room_bytes)
{
	static const size_t segments[SEGMENTS] = { 0, 1, 2, 3 };
	const struct stream_span span = { .end_ns = 1000 * SEGMENTS };
	int fd = memfd_create("capture", MFD_CLOEXEC);
	struct cpu_stream *stream;
	struct ft_reader *reader;
	char path[64];

	assert_true(fd >= 0);
	write_segments(fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(ft_reader_open(path, &reader, NULL), 0);
	assert_int_equal(
		cpu_stream_create(reader, 0, segments, SEGMENTS, &span, &room_bytes, &stream), 0);
	for (int replay = 0; replay < 3; replay++) {
		expect_all_events(stream);
		cpu_stream_rewind(stream);
	}
	assert_int_equal(cpu_stream_bad_segments(stream), 0);
	cpu_stream_destroy(stream);
	ft_reader_close(reader);
	close(fd);
	return room_bytes;
}

static void stream_gives_the_same_events_with_and_without_kept_segments(void **state)
{
	(void)state;
	assert_int_equal(replay_with_room(0), 0);
	assert_true(replay_with_room(3 * EVENTS) < 3 * EVENTS); /* some of them */
	assert_true(replay_with_room(1u << 20) > 0);
}

UNIT_TESTS(cpu_stream)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stream_gives_the_same_events_with_and_without_kept_segments),
	};

	return run_unit_tests(tests, NULL, NULL);
}
