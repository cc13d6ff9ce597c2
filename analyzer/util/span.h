/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Earlier, later and overlap of times; shares of them.
 */
#ifndef ANALYZER_UTIL_SPAN_H
#define ANALYZER_UTIL_SPAN_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* For how long the spans [a, b) and [c, d) are the same time. */
static inline uint64_t span_overlap_ns(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	uint64_t from_ns = later(a, c), to_ns = earlier(b, d);

	return to_ns > from_ns ? to_ns - from_ns : 0;
}

/* Whether @part is at least @percent of @whole; false of nothing. */
static inline bool share_at_least(uint64_t part, uint64_t whole, uint64_t percent)
{
	return whole && part * 100 >= whole * percent;
}

/* Whether @part is more than @percent of @whole. */
static inline bool share_above(uint64_t part, uint64_t whole, uint64_t percent)
{
	return part * 100 > whole * percent;
}

#endif
