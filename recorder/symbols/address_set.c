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
#include "recorder/symbols/mappings.h"
#include "recorder/symbols/symbolize.h"

#define PLACES_LEAST 4096
#define SYSCALLS_MAX 1024 /* higher numbers are not noted */

/* A hash table of (tgid, address) with open addressing. Its slots hold places in addresses[]. */
struct address_set {
	struct symbolize_address *addresses; /* in the order of their first use */
	uint32_t *places; /* in addresses[], plus 1; 0 is a free slot */
	size_t mask, count; /* addresses[] has room for half as many as places[] */
	struct mapping_changes *changes;
	bool syscalls[SYSCALLS_MAX];
	struct ft_decoder *decoder;
	/* For each stack of the segment the last process that has its frames, plus 2; 0: none. */
	int64_t stack_tgid[FT_DICTIONARY_MAX];
};

int address_set_create(struct address_set **ret_set)
{
	struct address_set *set = calloc(1, sizeof(*set));
	if (!set)
		return -ENOMEM;
	set->mask = PLACES_LEAST - 1;
	set->places = calloc(PLACES_LEAST, sizeof(*set->places));
	set->addresses = calloc(PLACES_LEAST / 2, sizeof(*set->addresses));
	if (!set->places || !set->addresses || mapping_changes_create(&set->changes) ||
	    ft_decoder_create(&set->decoder)) {
		address_set_destroy(set);
		return -ENOMEM;
	}
	*ret_set = set;
	return 0;
}

void address_set_destroy(struct address_set *set)
{
	if (!set)
		return;
	mapping_changes_destroy(set->changes);
	free(set->addresses);
	free(set->places);
	ft_decoder_destroy(set->decoder);
	free(set);
}

static uint32_t *find_place(const struct address_set *set, int32_t tgid, uint64_t address)
{
	uint64_t hash = (address ^ (uint64_t)(uint32_t)tgid << 32) * 0x9e3779b97f4a7c15u;
	size_t at = (size_t)(hash >> 32) & set->mask;
	for (; set->places[at]; at = (at + 1) & set->mask) {
		const struct symbolize_address *known = &set->addresses[set->places[at] - 1];
		if (known->address == address && known->tgid == tgid)
			break;
	}
	return &set->places[at];
}

static int grow_table(struct address_set *set)
{
	size_t room = (set->mask + 1) * 2;
	struct symbolize_address *addresses =
		realloc(set->addresses, room / 2 * sizeof(*set->addresses));
	if (!addresses)
		return -ENOMEM;
	set->addresses = addresses;
	uint32_t *places = calloc(room, sizeof(*places));
	if (!places)
		return -ENOMEM;
	free(set->places);
	set->places = places;
	set->mask = room - 1;
	for (size_t i = 0; i < set->count; i++)
		*find_place(set, addresses[i].tgid, addresses[i].address) = (uint32_t)i + 1;
	return 0;
}

static int add_address(struct address_set *set, int32_t tgid, uint64_t address)
{
	if (!address || *find_place(set, tgid, address))
		return 0;
	if (set->count == (set->mask + 1) / 2) {
		int error = set->count < UINT32_MAX / 4 ? grow_table(set) : -ENOMEM;
		if (error)
			return error;
	}
	set->addresses[set->count++] =
		(struct symbolize_address){ .tgid = tgid, .address = address };
	*find_place(set, tgid, address) = (uint32_t)set->count;
	return 0;
}

static int add_stack(struct address_set *set, const struct ft_event *event)
{
	const struct ft_stack *stack = event->stack;
	size_t index = stack - ft_decoder_stacks(set->decoder);
	int64_t owner = (int64_t)event->task->tgid + 2; /* -1 (not known) becomes 1 */
	int error = 0;

	if (set->stack_tgid[index] == owner)
		return 0;
	/* The frames in the kernel are the same for all processes. */
	for (size_t i = 0; i < stack->kernel_count && !set->stack_tgid[index] && !error; i++)
		error = add_address(set, FT_KERNEL_TGID, stack->frames[i]);
	for (size_t i = 0; i < stack->user_count && event->task->tgid > 0 && !error; i++)
		error = add_address(set, event->task->tgid, stack->frames[stack->kernel_count + i]);
	set->stack_tgid[index] = owner;
	return error;
}

static int note_event(struct address_set *set, const struct ft_event *event)
{
	if (event->kind != FT_EVENT_STATE)
		return mapping_changes_add(set->changes, event);
	if (event->state.syscall >= 0 && event->state.syscall < SYSCALLS_MAX)
		set->syscalls[event->state.syscall] = true;
	return 0;
}

int address_set_add_segment(struct address_set *set, const void *segment, size_t segment_bytes)
{
	struct ft_segment header;
	struct ft_event event;
	size_t used_bytes;
	int error = ft_segment_decode(segment, segment_bytes, &header, &used_bytes);
	if (error)
		return -EBADMSG;

	memset(set->stack_tgid, 0, sizeof(set->stack_tgid));
	ft_decoder_begin(set->decoder, header.payload, header.payload_bytes, header.cpu,
			 header.first_ns);
	while ((error = ft_decoder_next(set->decoder, &event)) == 1) {
		error = event.stack ? add_stack(set, &event) : 0;
		if (!error)
			error = note_event(set, &event);
		if (error)
			return error;
	}
	return error;
}

int address_set_apply_mappings(struct address_set *set, struct mappings *mappings)
{
	return mapping_changes_apply(set->changes, UINT64_MAX, mappings);
}

const struct symbolize_address *address_set_addresses(const struct address_set *set,
						      size_t *ret_count)
{
	*ret_count = set->count;
	return set->addresses;
}

int address_set_syscalls(const struct address_set *set, int64_t **ret_numbers, size_t *ret_count)
{
	int64_t *numbers = calloc(SYSCALLS_MAX, sizeof(*numbers));
	if (!numbers)
		return -ENOMEM;
	size_t count = 0;
	for (int64_t i = 0; i < SYSCALLS_MAX; i++)
		if (set->syscalls[i])
			numbers[count++] = i;
	*ret_numbers = numbers;
	*ret_count = count;
	return 0;
}
