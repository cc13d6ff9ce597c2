/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often each event that was asked for with -e came.
 */
#include "analyzer/trace/event_counts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* NULL: with *ret_full there is no room for one more name, else no memory. */
static struct event_count *find_count(struct event_counts *counts, const char *name, bool *ret_full)
{
	for (size_t i = 0; i < counts->count; i++)
		if (strcmp(counts->list[i].name, name) == 0)
			return &counts->list[i];
	*ret_full = counts->count == EXTRAS_MAX;
	if (*ret_full)
		return NULL;
	counts->list[counts->count] = (struct event_count){ .name = strdup(name) };
	return counts->list[counts->count].name ? &counts->list[counts->count++] : NULL;
}

int event_counts_event(struct event_counts *counts, const struct event *event, bool of_target)
{
	struct event_count *entry;
	bool full = false;

	if (event->raw.kind != FT_EVENT_EXTRA)
		return 0;
	entry = find_count(counts, event->raw.extra.name, &full);
	if (!entry)
		return full ? 0 : -ENOMEM;
	entry->count++;
	entry->of_target += of_target;
	return 0;
}

void event_counts_free(struct event_counts *counts)
{
	for (size_t i = 0; i < counts->count; i++)
		free(counts->list[i].name);
	*counts = (struct event_counts){ 0 };
}
