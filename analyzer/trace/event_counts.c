/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/trace/event_counts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* NULL with *ret_full: no room for one more; else no memory. */
static struct event_count *extra_of(struct event_counts *extras, const char *name, bool *ret_full)
{
	for (size_t i = 0; i < extras->count; i++)
		if (strcmp(extras->list[i].name, name) == 0)
			return &extras->list[i];
	*ret_full = extras->count == EXTRAS_MAX;
	if (*ret_full)
		return NULL;
	extras->list[extras->count] = (struct event_count){ .name = strdup(name) };
	return extras->list[extras->count].name ? &extras->list[extras->count++] : NULL;
}

int event_counts_event(struct event_counts *extras, const struct event *event, bool of_target)
{
	struct event_count *extra;
	bool full = false;

	if (event->raw.kind != FT_EVENT_EXTRA)
		return 0;
	extra = extra_of(extras, event->raw.extra.name, &full);
	if (!extra)
		return full ? 0 : -ENOMEM;
	extra->count++;
	extra->of_target += of_target;
	return 0;
}

void event_counts_free(struct event_counts *extras)
{
	for (size_t i = 0; i < extras->count; i++)
		free(extras->list[i].name);
	*extras = (struct event_counts){ 0 };
}
