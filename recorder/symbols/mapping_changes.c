/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/symbols/mapping_changes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "capture/event.h"
#include "recorder/symbols/mappings.h"

struct change {
	uint64_t time_ns;
	size_t order; /* among those at the same time */
	enum ft_event_kind kind;
	bool applied;
	int32_t tgid, child_tgid;
	uint64_t start, length_bytes, offset_bytes;
	char *path;
};

struct mapping_changes {
	struct change *changes;
	size_t count, room;
	size_t added;
};

int mapping_changes_create(struct mapping_changes **ret_changes)
{
	*ret_changes = calloc(1, sizeof(**ret_changes));
	return *ret_changes ? 0 : -ENOMEM;
}

void mapping_changes_destroy(struct mapping_changes *changes)
{
	if (!changes)
		return;
	mapping_changes_forget(changes, UINT64_MAX);
	free(changes->changes);
	free(changes);
}

static int append_change(struct mapping_changes *changes, const struct change *change)
{
	if (changes->count == changes->room) {
		size_t room = changes->room ? changes->room * 2 : 256;
		struct change *larger = realloc(changes->changes, room * sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		changes->changes = larger;
		changes->room = room;
	}
	changes->changes[changes->count] = *change;
	changes->changes[changes->count++].order = changes->added++;
	return 0;
}

static int append_mmap(struct mapping_changes *changes, struct change *change,
		       const struct ft_event *event)
{
	change->start = event->mmap.start;
	change->length_bytes = event->mmap.length_bytes;
	change->offset_bytes = event->mmap.offset_bytes;
	change->path = strdup(event->mmap.path);
	int error = change->path ? append_change(changes, change) : -ENOMEM;
	if (error)
		free(change->path);
	return error;
}

int mapping_changes_add(struct mapping_changes *changes, const struct ft_event *event)
{
	struct change change = {
		.time_ns = event->time_ns,
		.kind = event->kind,
		.tgid = event->task->tgid,
	};
	switch (event->kind) {
	case FT_EVENT_MMAP:
		return append_mmap(changes, &change, event);
	case FT_EVENT_FORK:
		change.child_tgid = event->fork.child->tgid;
		return change.child_tgid != change.tgid ? append_change(changes, &change) : 0;
	case FT_EVENT_COMM:
		return event->comm.exec ? append_change(changes, &change) : 0;
	case FT_EVENT_EXIT:
		return event->task->tid == change.tgid ? append_change(changes, &change) : 0;
	default:
		return 0;
	}
}

static int compare_times(const void *left, const void *right)
{
	const struct change *const *a = left, *const *b = right;
	if ((*a)->time_ns != (*b)->time_ns)
		return (*a)->time_ns < (*b)->time_ns ? -1 : 1;
	return (*a)->order < (*b)->order ? -1 : (*a)->order > (*b)->order;
}

static int apply_change(const struct change *change, struct mappings *mappings)
{
	switch (change->kind) {
	case FT_EVENT_MMAP:
		return mappings_add(mappings, change->tgid, change->start, change->length_bytes,
				    change->offset_bytes, change->path);
	case FT_EVENT_FORK:
		return mappings_fork(mappings, change->tgid, change->child_tgid);
	case FT_EVENT_EXIT:
		mappings_exit(mappings, change->tgid, change->time_ns);
		return 0;
	default:
		mappings_exec(mappings, change->tgid);
		return 0;
	}
}

/* Return: the time of the earliest change up to @until_ns that was not applied yet. */
static uint64_t first_new_ns(const struct mapping_changes *changes, uint64_t until_ns)
{
	uint64_t first_ns = UINT64_MAX;
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->changes[i];
		if (!change->applied && change->time_ns <= until_ns && change->time_ns < first_ns)
			first_ns = change->time_ns;
	}
	return first_ns;
}

int mapping_changes_apply(struct mapping_changes *changes, uint64_t until_ns,
			  struct mappings *mappings)
{
	uint64_t first_ns = first_new_ns(changes, until_ns);
	if (first_ns == UINT64_MAX)
		return 0;
	struct change **order = calloc(changes->count, sizeof(*order));
	if (!order)
		return -ENOMEM;
	size_t count = 0;
	for (size_t i = 0; i < changes->count; i++) {
		struct change *change = &changes->changes[i];
		if (change->time_ns >= first_ns && change->time_ns <= until_ns)
			order[count++] = change;
	}
	qsort(order, count, sizeof(*order), compare_times);
	int error = 0;
	for (size_t i = 0; i < count && error != -ENOMEM; i++) {
		error = apply_change(order[i], mappings);
		order[i]->applied = true;
	}
	free(order);
	return error == -ENOMEM ? error : 0;
}

void mapping_changes_forget(struct mapping_changes *changes, uint64_t until_ns)
{
	size_t kept = 0;
	for (size_t i = 0; i < changes->count; i++) {
		if (changes->changes[i].time_ns <= until_ns)
			free(changes->changes[i].path);
		else
			changes->changes[kept++] = changes->changes[i];
	}
	changes->count = kept;
}
