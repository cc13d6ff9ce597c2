/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spans of time in which events of any CPU were lost.
 */
#ifndef ANALYZER_TRACE_LOST_SPANS_H
#define ANALYZER_TRACE_LOST_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What was lost happened at or after start_ns and before end_ns, which is later. */
struct lost_span {
	uint64_t start_ns, end_ns;
};

/* Disjoint, in order of time. Zero-initialise; lost_spans_free() when done. */
struct lost_spans {
	struct lost_span *spans;
	size_t count, capacity;
};

void lost_spans_free(struct lost_spans *losses);

/* Add spans in order of their starts or of their ends; those that touch become one. 0 or
 * -ENOMEM. */
int lost_spans_add(struct lost_spans *losses, uint64_t start_ns, uint64_t end_ns);

/* Whether nothing was lost from @from_ns on, as is nearly always so: losses are rare, and questions
 * are about the present. */
static inline bool lost_spans_none_since(const struct lost_spans *losses, uint64_t from_ns)
{
	return !losses->count || losses->spans[losses->count - 1].end_ns <= from_ns;
}

/* Was anything lost from @from_ns up to and with @to_ns? @ret_ns: the first time of it, >=
 * @from_ns; written only if so; may be NULL. */
bool lost_spans_between(const struct lost_spans *losses, uint64_t from_ns, uint64_t to_ns,
		    uint64_t *ret_ns);

/* How much of the time from @from_ns to @to_ns lies in losses. */
uint64_t lost_spans_within_ns(const struct lost_spans *losses, uint64_t from_ns, uint64_t to_ns);

/* The time since when, up to @time_ns, nothing was lost: @time_ns itself inside a loss, 0 where
 * there was no loss before. */
uint64_t lost_spans_clear_since(const struct lost_spans *losses, uint64_t time_ns);

#endif
