/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/instead.h"

#include <errno.h>
#include <stdlib.h>

#define OCCUPANTS_MAX 256u /* a list is enough; who comes later ran little */

int instead_span(struct instead *instead, uint64_t start_ns, uint64_t end_ns, uint32_t cpu)
{
	size_t room = instead->room ? instead->room * 2 : 16;
	struct instead_span *spans;

	if (instead->count == instead->room) {
		spans = reallocarray(instead->spans, room, sizeof(*spans));
		if (!spans)
			return -ENOMEM;
		instead->spans = spans;
		instead->room = room;
	}
	instead->spans[instead->count++] = (struct instead_span){ start_ns, end_ns, cpu };
	return 0;
}

static struct occupant *occupant_of(struct instead *instead, struct thread *thread)
{
	struct occupant *occupants;

	for (size_t i = 0; i < instead->occupant_count; i++)
		if (instead->occupants[i].thread == thread)
			return &instead->occupants[i];
	if (!instead->occupants) {
		occupants = calloc(OCCUPANTS_MAX + 1, sizeof(*occupants));
		if (!occupants)
			return NULL;
		instead->occupants = occupants;
	}
	if (instead->occupant_count == OCCUPANTS_MAX)
		return &instead->occupants[OCCUPANTS_MAX]; /* nobody is told of it */
	instead->occupants[instead->occupant_count] = (struct occupant){ .thread = thread };
	return &instead->occupants[instead->occupant_count++];
}

/* The first span that ends after @time_ns. */
static size_t span_at(const struct instead *instead, uint64_t time_ns)
{
	size_t low = 0, high = instead->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (instead->spans[middle].end_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int instead_closed(struct instead *instead, const struct interval *interval)
{
	if (interval->state != THREAD_RUNNING || !instead->count)
		return 0;
	for (size_t i = span_at(instead, interval->start_ns);
	     i < instead->count && instead->spans[i].start_ns < interval->end_ns; i++) {
		const struct instead_span *span = &instead->spans[i];
		uint64_t from_ns = span->start_ns, to_ns = span->end_ns;
		struct occupant *occupant;

		if (span->cpu != interval->cpu)
			continue;
		if (from_ns < interval->start_ns)
			from_ns = interval->start_ns;
		if (to_ns > interval->end_ns)
			to_ns = interval->end_ns;
		occupant = occupant_of(instead, interval->thread);
		if (!occupant)
			return -ENOMEM;
		occupant->ran_ns += to_ns - from_ns;
	}
	return 0;
}

static int by_time(const void *left, const void *right)
{
	const struct occupant *a = left, *b = right;

	if (a->ran_ns != b->ran_ns)
		return a->ran_ns < b->ran_ns ? 1 : -1;
	return (a->thread->index > b->thread->index) - (a->thread->index < b->thread->index);
}

size_t instead_tell(struct instead *instead, struct occupant *top)
{
	size_t count =
		instead->occupant_count < INSTEAD_TOP ? instead->occupant_count : INSTEAD_TOP;

	if (!count)
		return 0;
	qsort(instead->occupants, instead->occupant_count, sizeof(*instead->occupants), by_time);
	for (size_t i = 0; i < count; i++)
		top[i] = instead->occupants[i];
	return count;
}

void instead_free(struct instead *instead)
{
	free(instead->spans);
	free(instead->occupants);
	*instead = (struct instead){ 0 };
}
