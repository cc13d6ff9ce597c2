/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of two times.
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

/* Whether @part is at least @percent of @whole; false of nothing. */
static inline bool share_at_least(uint64_t part, uint64_t whole, uint64_t percent)
{
	return whole && part * 100 >= whole * percent;
}

#endif
