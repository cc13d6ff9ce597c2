/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/trace/event_counts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* NULL with *ret_full: no room for one more; else no memory. */
static struct extra *extra_of(struct extras *extras, const char *name, bool *ret_full)
{
	for (size_t i = 0; i < extras->count; i++)
		if (strcmp(extras->list[i].name, name) == 0)
			return &extras->list[i];
	*ret_full = extras->count == EXTRAS_MAX;
	if (*ret_full)
		return NULL;
	extras->list[extras->count] = (struct extra){ .name = strdup(name) };
	return extras->list[extras->count].name ? &extras->list[extras->count++] : NULL;
}

int extras_event(struct extras *extras, const struct event *event, bool of_target)
{
	struct extra *extra;
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

void extras_free(struct extras *extras)
{
	for (size_t i = 0; i < extras->count; i++)
		free(extras->list[i].name);
	*extras = (struct extras){ 0 };
}
