/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capture made by hand, in memory, segment by segment, and what the analysis gets to see of
 * it. Every failure ends the test.
 */
#ifndef TESTS_UNIT_SUPPORT_MAKER_H
#define TESTS_UNIT_SUPPORT_MAKER_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/source.h"
#include "capture/encoder.h"
#include "capture/writer.h"

#define MAKER_SEGMENT_BYTES 65536

struct maker {
	int fd;
	char path[64];
	struct ft_encoder *encoder;
	struct ft_writer *writer;
	unsigned char buf[MAKER_SEGMENT_BYTES];
};

/* Of each test. */
int maker_set_up(void **state);
int maker_tear_down(void **state);

/* A segment is begun, added to and sealed; the capture is ended. */
void maker_begin(struct maker *maker, uint32_t cpu, uint64_t sequence);
void maker_add(struct maker *maker, struct ft_event event);
void maker_add_switch(struct maker *maker, uint32_t cpu, uint64_t time_ns,
		      const struct ft_task *prev, enum ft_task_state state,
		      const struct ft_task *next);
void maker_add_waking(struct maker *maker, uint32_t cpu, uint64_t time_ns,
		      const struct ft_task *waker, const struct ft_task *wakee);
void maker_add_simple(struct maker *maker, enum ft_event_kind kind, uint32_t cpu,
		      uint64_t time_ns, const struct ft_task *task);
void maker_seal(struct maker *maker);
void maker_add_facts(struct maker *maker, int64_t start_ns, int64_t end_ns);
void maker_end(struct maker *maker);

/* The caller closes it. */
struct source *maker_open(struct maker *maker);

/* @path is refused with @expected_error, and the message contains @says. */
void maker_refused(const char *path, int expected_error, const char *says);

/* source_next() into memory of the caller. */
int maker_next(struct source *source, struct event *ret_event);

struct expected {
	enum ft_event_kind kind;
	uint32_t cpu;
	uint64_t time_ns;
};

/* These events follow, and none after them. */
void maker_expect(struct source *source, const struct expected *expected, size_t count);
#define MAKER_EXPECT(source, ...) \
	maker_expect(source, (struct expected[]){ __VA_ARGS__ }, \
		     sizeof((struct expected[]){ __VA_ARGS__ }) / sizeof(struct expected))

/* Cut and flipped captures: read to an end without a crash, in order, and never called whole
 * unless all of the events are there. */
void maker_read_damaged(const char *path, size_t whole_count);

#endif
