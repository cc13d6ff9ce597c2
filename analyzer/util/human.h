/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as a person reads them: "9.41 s", "3,758,096,384 bytes (3.5 GiB)".
 *
 * Each returns its text by value, for use within one expression:
 *	printf("%s\n", human_duration(ns).text);
 */
#ifndef ANALYZER_UTIL_HUMAN_H
#define ANALYZER_UTIL_HUMAN_H

#include <stdint.h>

struct human {
	char text[64];
};

/* "0", "950 ns", "34 us", "1.2 ms", "340 ms", "9.41 s", "75.2 s", "564 s", "2.1 h". */
struct human human_duration(uint64_t ns);

/* "58,523" */
struct human human_count(uint64_t count);

/* In powers of 1024 and called so, three digits: "512 bytes", "896 MiB", "1.75 GiB". */
struct human human_size(uint64_t bytes);

/* Exact, with the size where that is easier: "3,758,096,384 bytes (3.5 GiB)", "512 bytes". */
struct human human_bytes(uint64_t bytes);

/* "98.9 %", "71.0 %"; "100 %" only for all of it, "0 %" only for nothing of it. @part <= @whole. */
struct human human_share(uint64_t part, uint64_t whole);

/* Wall-clock time of a place @utc_offset_s east of Greenwich: "12:04:31.073". */
struct human human_clock(int64_t realtime_ns, int32_t utc_offset_s);

/* "2026-02-03" there and then. */
struct human human_date(int64_t realtime_ns, int32_t utc_offset_s);

/* "2026-02-03T12:04:31.073000000+01:00"; "Z" where the offset is 0. */
struct human human_rfc3339(int64_t realtime_ns, int32_t utc_offset_s);

/* "UTC" or "+01:00". An offset that no place on Earth has counts as 0, here and above. */
struct human human_zone(int32_t utc_offset_s);

/**
 * human_parse_duration() - read what human_duration() writes but a bare 0, and "1.5s", "200ms", "2
 * min".
 *
 * A unit is needed: ns, us, ms, s, m or min, h.
 *
 * Return: 0, -EINVAL (not a duration), -ERANGE (does not fit).
 */
int human_parse_duration(const char *text, uint64_t *ret_ns);

#endif
