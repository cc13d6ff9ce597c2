/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small captures in memory, which a reader opens by a path.
 */
#ifndef TESTS_UNIT_SUPPORT_SAMPLE_CAPTURE_H
#define TESTS_UNIT_SUPPORT_SAMPLE_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#define SAMPLE_SEGMENTS 3 /* of events, after one of facts */

/* An empty file that is gone when it is closed. */
int memory_file(void);

/* How to open @fd; borrowed until the next call. */
const char *memory_file_path(int fd);

/* The whole of @fd, to be freed. */
uint8_t *memory_file_read(int fd, size_t *ret_bytes);

/* Replaces what @fd holds. */
void memory_file_write(int fd, const void *bytes, size_t count);

/* Seals @count of sample_events[] as segment @sequence into @buf; returns its length. */
size_t sample_segment(void *buf, size_t buf_bytes, uint64_t sequence, size_t count);

/* A finished capture: facts, SAMPLE_SEGMENTS segments with all sample_events[], end mark. */
void sample_capture(int fd);

#endif
