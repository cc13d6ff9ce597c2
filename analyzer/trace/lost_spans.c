/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spans of time in which events of any CPU were lost.
 */
#include "analyzer/trace/lost_spans.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/util/array.h"
#include "analyzer/util/span.h"

void lost_spans_free(struct lost_spans *losses)
{
	free(losses->spans);
	*losses = (struct lost_spans){ 0 };
}

int lost_spans_add(struct lost_spans *losses, uint64_t start_ns, uint64_t end_ns)
{
	/* Something can be lost between two events of the same nanosecond. */
	struct lost_span loss = { .start_ns = start_ns,
				  .end_ns = end_ns > start_ns ? end_ns : start_ns + 1 };

	while (losses->count && losses->spans[losses->count - 1].end_ns >= loss.start_ns) {
		const struct lost_span *last = &losses->spans[--losses->count];

		loss.start_ns = earlier(loss.start_ns, last->start_ns);
		loss.end_ns = later(loss.end_ns, last->end_ns);
	}
	if (array_grow(losses->spans, losses->count, losses->capacity))
		return -ENOMEM;
	losses->spans[losses->count++] = loss;
	return 0;
}

/* Index of the first span that ends after @time_ns. */
static size_t find_first_after(const struct lost_spans *losses, uint64_t time_ns)
{
	size_t low = 0, high = losses->count;

	if (lost_spans_none_since(losses, time_ns))
		return high;
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
	size_t at = find_first_after(losses, from_ns);

	if (at == losses->count || losses->spans[at].start_ns > to_ns)
		return false;
	if (ret_ns)
		*ret_ns = later(losses->spans[at].start_ns, from_ns);
	return true;
}

uint64_t lost_spans_within_ns(const struct lost_spans *losses, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t within_ns = 0;

	for (size_t at = find_first_after(losses, from_ns);
	     at < losses->count && losses->spans[at].start_ns < to_ns; at++) {
		const struct lost_span *loss = &losses->spans[at];

		within_ns += span_overlap(loss->start_ns, loss->end_ns, from_ns, to_ns);
	}
	return within_ns;
}

uint64_t lost_spans_clear_since(const struct lost_spans *losses, uint64_t time_ns)
{
	size_t at = find_first_after(losses, time_ns);

	if (at < losses->count && losses->spans[at].start_ns <= time_ns)
		return time_ns;
	return at ? losses->spans[at - 1].end_ns : 0;
}
