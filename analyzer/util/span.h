/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of two times.
 */
#ifndef ANALYZER_UTIL_SPAN_H
#define ANALYZER_UTIL_SPAN_H

#include <stdint.h>

static inline uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

#endif
