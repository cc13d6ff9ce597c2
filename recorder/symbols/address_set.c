/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/symbols/address_set.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decoder.h"
#include "capture/event.h"
#include "capture/segment.h"
#include "capture/symbols.h"
#include "recorder/symbols/mapping_changes.h"

#define PLACES_LEAST 4096
#define SYSCALLS_MAX 1024 /* numbers above are not noted */

/* A set of (tgid, address): open addressing over their places in addresses[]. */
struct address_set {
	struct names_address *addresses; /* in the order they were first seen */
	uint32_t *places; /* in addresses[], plus 1; 0 is free */
	size_t mask, count; /* addresses[] has room for half of the places */
	struct mapping_changes *changes;
	bool syscalls[SYSCALLS_MAX];
	struct ft_decoder *decoder;
	/* For each stack of the segment: in which process its frames were last added, plus 1. */
	int64_t stack_tgid[FT_DICTIONARY_MAX];
};

int address_set_create(struct address_set **ret_seen)
{
	struct address_set *seen = calloc(1, sizeof(*seen));
	if (!seen)
		return -ENOMEM;
	seen->mask = PLACES_LEAST - 1;
	seen->places = calloc(PLACES_LEAST, sizeof(*seen->places));
	seen->addresses = calloc(PLACES_LEAST / 2, sizeof(*seen->addresses));
	if (!seen->places || !seen->addresses || mapping_changes_create(&seen->changes) ||
	    ft_decoder_create(&seen->decoder)) {
		address_set_destroy(seen);
		return -ENOMEM;
	}
	*ret_seen = seen;
	return 0;
}

void address_set_destroy(struct address_set *seen)
{
	if (!seen)
		return;
	mapping_changes_destroy(seen->changes);
	free(seen->addresses);
	free(seen->places);
	ft_decoder_destroy(seen->decoder);
	free(seen);
}

static uint32_t *find(const struct address_set *seen, int32_t tgid, uint64_t address)
{
	uint64_t hash = (address ^ (uint64_t)(uint32_t)tgid << 32) * 0x9e3779b97f4a7c15u;
	size_t at = (size_t)(hash >> 32) & seen->mask;
	for (; seen->places[at]; at = (at + 1) & seen->mask) {
		const struct names_address *known = &seen->addresses[seen->places[at] - 1];
		if (known->address == address && known->tgid == tgid)
			break;
	}
	return &seen->places[at];
}

static int grow(struct address_set *seen)
{
	size_t room = (seen->mask + 1) * 2;
	struct names_address *addresses =
		realloc(seen->addresses, room / 2 * sizeof(*seen->addresses));
	if (!addresses)
		return -ENOMEM;
	seen->addresses = addresses;
	uint32_t *places = calloc(room, sizeof(*places));
	if (!places)
		return -ENOMEM;
	free(seen->places);
	seen->places = places;
	seen->mask = room - 1;
	for (size_t i = 0; i < seen->count; i++)
		*find(seen, addresses[i].tgid, addresses[i].address) = (uint32_t)i + 1;
	return 0;
}

static int add_address(struct address_set *seen, int32_t tgid, uint64_t address)
{
	if (!address || *find(seen, tgid, address))
		return 0;
	if (seen->count == (seen->mask + 1) / 2) {
		int error = seen->count < UINT32_MAX / 4 ? grow(seen) : -ENOMEM;
		if (error)
			return error;
	}
	seen->addresses[seen->count++] = (struct names_address){ .tgid = tgid, .address = address };
	*find(seen, tgid, address) = (uint32_t)seen->count;
	return 0;
}

static int add_stack(struct address_set *seen, const struct ft_event *event)
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

static int look_at(struct address_set *seen, const struct ft_event *event)
{
	if (event->kind != FT_EVENT_STATE)
		return mapping_changes_add(seen->changes, event);
	if (event->state.syscall >= 0 && event->state.syscall < SYSCALLS_MAX)
		seen->syscalls[event->state.syscall] = true;
	return 0;
}

int address_set_segment(struct address_set *seen, const void *segment, size_t segment_bytes)
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

int address_set_apply_mappings(struct address_set *seen, struct mappings *mappings)
{
	return mapping_changes_apply(seen->changes, UINT64_MAX, mappings);
}

const struct names_address *address_set_addresses(const struct address_set *seen, size_t *ret_count)
{
	*ret_count = seen->count;
	return seen->addresses;
}

int address_set_syscalls(const struct address_set *seen, int64_t **ret_numbers, size_t *ret_count)
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
