/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spans of time and shares of a whole. A span is from its start up to, but without, its end.
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

/* Whether @part is more than @percent of @whole. */
static inline bool share_above(uint64_t part, uint64_t whole, uint64_t percent)
{
	return part * 100 > whole * percent;
}

/* Cut *@start_ns to *@end_ns to what lies from @from_ns to @to_ns. Return: whether anything is
 * left. */
static inline bool span_clip(uint64_t *start_ns, uint64_t *end_ns, uint64_t from_ns, uint64_t to_ns)
{
	*start_ns = later(*start_ns, from_ns);
	*end_ns = earlier(*end_ns, to_ns);
	return *start_ns < *end_ns;
}

/* How much time @start_ns to @end_ns and @from_ns to @to_ns have in common. */
static inline uint64_t span_overlap(uint64_t start_ns, uint64_t end_ns, uint64_t from_ns,
				    uint64_t to_ns)
{
	return span_clip(&start_ns, &end_ns, from_ns, to_ns) ? end_ns - start_ns : 0;
}

#endif
