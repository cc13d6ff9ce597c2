/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/seen.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decoder.h"
#include "capture/event.h"
#include "capture/segment.h"
#include "capture/symbols.h"

#define SYSCALLS_MAX 1024 /* numbers above are not noted */

/* A change of a process's mappings. Segments of different CPUs come in no order, so they are
 * applied at the end, by time. */
struct change {
	uint64_t time_ns;
	size_t order; /* of those at the same time */
	enum ft_event_kind kind;
	int32_t tgid, child_tgid;
	uint64_t start, length_bytes, offset_bytes;
	char *path;
};

/* A set of (tgid, address): open addressing, address 0 marks a free place. */
struct seen {
	struct names_address *places;
	size_t mask, count;
	struct change *changes;
	size_t change_count, change_room;
	bool syscalls[SYSCALLS_MAX];
	struct ft_decoder *decoder;
	/* For each stack of the segment: in which process its frames were last added, plus 1. */
	int64_t stack_tgid[FT_DICTIONARY_MAX];
};

int seen_create(struct seen **ret_seen)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	if (!seen)
		return -ENOMEM;
	seen->mask = 4095;
	seen->places = calloc(seen->mask + 1, sizeof(*seen->places));
	if (!seen->places || ft_decoder_create(&seen->decoder)) {
		seen_destroy(seen);
		return -ENOMEM;
	}
	*ret_seen = seen;
	return 0;
}

void seen_destroy(struct seen *seen)
{
	if (!seen)
		return;
	for (size_t i = 0; i < seen->change_count; i++)
		free(seen->changes[i].path);
	free(seen->changes);
	free(seen->places);
	ft_decoder_destroy(seen->decoder);
	free(seen);
}

static struct names_address *find(const struct seen *seen, int32_t tgid, uint64_t address)
{
	uint64_t hash = (address ^ (uint64_t)(uint32_t)tgid << 32) * 0x9e3779b97f4a7c15u;
	size_t at = (size_t)(hash >> 32) & seen->mask;
	while (seen->places[at].address &&
	       (seen->places[at].address != address || seen->places[at].tgid != tgid))
		at = (at + 1) & seen->mask;
	return &seen->places[at];
}

static int grow(struct seen *seen)
{
	size_t old_places = seen->mask + 1;
	struct names_address *old = seen->places;
	struct names_address *places = calloc(old_places * 2, sizeof(*places));
	if (!places)
		return -ENOMEM;
	seen->places = places;
	seen->mask = old_places * 2 - 1;
	for (size_t i = 0; i < old_places; i++)
		if (old[i].address)
			*find(seen, old[i].tgid, old[i].address) = old[i];
	free(old);
	return 0;
}

static int add_address(struct seen *seen, int32_t tgid, uint64_t address)
{
	if (!address)
		return 0;
	struct names_address *place = find(seen, tgid, address);
	if (place->address)
		return 0;
	*place = (struct names_address){ .tgid = tgid, .address = address };
	return ++seen->count > (seen->mask + 1) / 2 ? grow(seen) : 0;
}

static int add_stack(struct seen *seen, const struct ft_event *event)
{
	const struct ft_stack *stack = event->stack;
	uint32_t index = ft_decoder_stack_index(seen->decoder, stack);
	int64_t owner = (int64_t)event->task->tgid + 2; /* -1, not known, becomes 1 */
	int error = 0;

	if (index >= FT_DICTIONARY_MAX || seen->stack_tgid[index] == owner)
		return 0;
	/* The kernel's frames are the same for everybody. */
	for (size_t i = 0; i < stack->kernel_count && !seen->stack_tgid[index] && !error; i++)
		error = add_address(seen, FT_KERNEL_TGID, stack->frames[i]);
	for (size_t i = 0; i < stack->user_count && event->task->tgid > 0 && !error; i++)
		error = add_address(seen, event->task->tgid,
				    stack->frames[stack->kernel_count + i]);
	seen->stack_tgid[index] = owner;
	return error;
}

static int add_change(struct seen *seen, const struct change *change)
{
	if (seen->change_count == seen->change_room) {
		size_t room = seen->change_room ? seen->change_room * 2 : 256;
		struct change *changes = realloc(seen->changes, room * sizeof(*changes));
		if (!changes)
			return -ENOMEM;
		seen->changes = changes;
		seen->change_room = room;
	}
	seen->changes[seen->change_count] = *change;
	seen->changes[seen->change_count].order = seen->change_count;
	seen->change_count++;
	return 0;
}

static int look_at(struct seen *seen, const struct ft_event *event)
{
	struct change change = {
		.time_ns = event->time_ns,
		.kind = event->kind,
		.tgid = event->task->tgid,
	};
	switch (event->kind) {
	case FT_EVENT_MMAP:
		change.start = event->mmap.start;
		change.length_bytes = event->mmap.length_bytes;
		change.offset_bytes = event->mmap.offset_bytes;
		change.path = strdup(event->mmap.path);
		int error = change.path ? add_change(seen, &change) : -ENOMEM;
		if (error)
			free(change.path);
		return error;
	case FT_EVENT_FORK:
		change.child_tgid = event->fork.child->tgid;
		return change.child_tgid != change.tgid ? add_change(seen, &change) : 0;
	case FT_EVENT_COMM:
		return event->comm.exec ? add_change(seen, &change) : 0;
	case FT_EVENT_STATE:
		if (event->state.syscall >= 0 && event->state.syscall < SYSCALLS_MAX)
			seen->syscalls[event->state.syscall] = true;
		return 0;
	default:
		return 0;
	}
}

int seen_segment(struct seen *seen, const void *segment, size_t segment_bytes)
{
	struct ft_segment header;
	struct ft_event event;
	size_t used_bytes;
	int error = ft_segment_decode(segment, segment_bytes, &header, &used_bytes);
	if (error)
		return -EBADMSG;

	memset(seen->stack_tgid, 0, sizeof(seen->stack_tgid));
	ft_decoder_begin(seen->decoder, header.payload, header.payload_bytes, header.cpu,
			 header.first_ns);
	while ((error = ft_decoder_next(seen->decoder, &event)) == 1) {
		error = event.stack ? add_stack(seen, &event) : 0;
		if (!error)
			error = look_at(seen, &event);
		if (error)
			return error;
	}
	return error;
}

static int by_time(const void *left, const void *right)
{
	const struct change *const *a = left, *const *b = right;
	if ((*a)->time_ns != (*b)->time_ns)
		return (*a)->time_ns < (*b)->time_ns ? -1 : 1;
	return (*a)->order < (*b)->order ? -1 : (*a)->order > (*b)->order;
}

static int apply(const struct change *change, struct mappings *mappings)
{
	switch (change->kind) {
	case FT_EVENT_MMAP:
		return mappings_add(mappings, change->tgid, change->start, change->length_bytes,
				    change->offset_bytes, change->path);
	case FT_EVENT_FORK:
		return mappings_fork(mappings, change->tgid, change->child_tgid);
	default:
		mappings_exec(mappings, change->tgid);
		return 0;
	}
}

int seen_apply_mappings(const struct seen *seen, struct mappings *mappings)
{
	const struct change **order = calloc(seen->change_count + 1, sizeof(const struct change *));
	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < seen->change_count; i++)
		order[i] = &seen->changes[i];
	qsort(order, seen->change_count, sizeof(*order), by_time);
	int error = 0;
	for (size_t i = 0; i < seen->change_count && error != -ENOMEM; i++)
		error = apply(order[i], mappings);
	free(order);
	return error == -ENOMEM ? error : 0;
}

int seen_addresses(const struct seen *seen, struct names_address **ret_addresses, size_t *ret_count)
{
	struct names_address *addresses = calloc(seen->count + 1, sizeof(*addresses));
	if (!addresses)
		return -ENOMEM;
	size_t count = 0;
	for (size_t i = 0; i <= seen->mask; i++)
		if (seen->places[i].address)
			addresses[count++] = seen->places[i];
	*ret_addresses = addresses;
	*ret_count = count;
	return 0;
}

int seen_syscalls(const struct seen *seen, int64_t **ret_numbers, size_t *ret_count)
{
	int64_t *numbers = calloc(SYSCALLS_MAX, sizeof(*numbers));
	if (!numbers)
		return -ENOMEM;
	size_t count = 0;
	for (int64_t i = 0; i < SYSCALLS_MAX; i++)
		if (seen->syscalls[i])
			numbers[count++] = i;
	*ret_numbers = numbers;
	*ret_count = count;
	return 0;
}
