/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spans of time in which events of any CPU were lost.
 */
#include "analyzer/trace/lost_spans.h"

#include <errno.h>
#include <stdlib.h>

void lost_spans_free(struct lost_spans *losses)
{
	free(losses->spans);
	*losses = (struct lost_spans){ 0 };
}

int lost_spans_add(struct lost_spans *losses, uint64_t start_ns, uint64_t end_ns)
{
	/* something can be lost between two events of the same nanosecond */
	struct lost_span loss = { .start_ns = start_ns,
				  .end_ns = end_ns > start_ns ? end_ns : start_ns + 1 };

	while (losses->count && losses->spans[losses->count - 1].end_ns >= loss.start_ns) {
		const struct lost_span *last = &losses->spans[--losses->count];

		if (last->start_ns < loss.start_ns)
			loss.start_ns = last->start_ns;
		if (last->end_ns > loss.end_ns)
			loss.end_ns = last->end_ns;
	}
	if (losses->count == losses->capacity) {
		size_t capacity = losses->capacity ? 2 * losses->capacity : 16;
		struct lost_span *spans = realloc(losses->spans, capacity * sizeof(*spans));

		if (!spans)
			return -ENOMEM;
		losses->spans = spans;
		losses->capacity = capacity;
	}
	losses->spans[losses->count++] = loss;
	return 0;
}

/* Index of the first span that ends after @time_ns. */
static size_t first_after(const struct lost_spans *losses, uint64_t time_ns)
{
	size_t low = 0, high = losses->count;

	if (!high || losses->spans[high - 1].end_ns <= time_ns)
		return high; /* nearly always: losses are rare, questions are about now */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (losses->spans[middle].end_ns > time_ns)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

bool lost_spans_between(const struct lost_spans *losses, uint64_t from_ns, uint64_t to_ns,
			uint64_t *ret_ns)
{
	size_t at = first_after(losses, from_ns);
	uint64_t start_ns;

	if (at == losses->count || losses->spans[at].start_ns > to_ns)
		return false;
	start_ns = losses->spans[at].start_ns;
	if (ret_ns)
		*ret_ns = start_ns > from_ns ? start_ns : from_ns;
	return true;
}

uint64_t lost_spans_within_ns(const struct lost_spans *losses, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t within_ns = 0;

	for (size_t at = first_after(losses, from_ns);
	     at < losses->count && losses->spans[at].start_ns < to_ns; at++) {
		const struct lost_span *loss = &losses->spans[at];
		uint64_t start_ns = loss->start_ns > from_ns ? loss->start_ns : from_ns;
		uint64_t end_ns = loss->end_ns < to_ns ? loss->end_ns : to_ns;

		within_ns += end_ns - start_ns;
	}
	return within_ns;
}

uint64_t lost_spans_clear_since(const struct lost_spans *losses, uint64_t time_ns)
{
	size_t at = first_after(losses, time_ns);

	if (at < losses->count && losses->spans[at].start_ns <= time_ns)
		return time_ns;
	return at ? losses->spans[at - 1].end_ns : 0;
}
