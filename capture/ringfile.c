/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout of a ring file, and writing into its places.
 */
#include "capture/ringfile.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "capture/bytes.h"
#include "capture/event.h"
#include "capture/header.h"
#include "capture/segment.h"

#define FACTS_BYTES	(64u << 10)
#define NAMES_SHARE	32 /* of the file; the names of a kernel's addresses fill 1 or 2 MiB */
#define NAMES_BYTES_MIN (64u << 10)
#define NAMES_BYTES_MAX (4u << 20)
#define OWN_SHARE	16
#define OWN_SLOTS_MIN	2
#define EVENT_SLOTS_MIN 4

enum {
	AT_SLOT_BYTES = 32,
	AT_FACTS_BYTES = 36,
	AT_NAMES_BYTES = 40,
	AT_OWN_SLOTS = 44,
	AT_EVENT_SLOTS = 48,
};

static const struct ft_header_sort ring_header = {
	.magic = FT_RINGFILE_MAGIC,
	.version = FT_RINGFILE_VERSION,
	.bytes = FT_RINGFILE_HEADER_BYTES,
	.incompatible = FT_RINGFILE_FEATURES_INCOMPATIBLE,
};

static bool is_place_length(uint32_t bytes)
{
	return bytes >= FT_RINGFILE_PLACE_BYTES_MIN && bytes <= FT_RINGFILE_PLACE_BYTES_MAX &&
	       bytes % 8 == 0;
}

int ft_ringfile_place(struct ft_ringfile *ring)
{
	if (!is_place_length(ring->slot_bytes) || !is_place_length(ring->facts_bytes) ||
	    !is_place_length(ring->names_bytes) || !ring->own_slots || !ring->event_slots)
		return -EINVAL;
	ring->facts_at = FT_RINGFILE_PAGE_BYTES;
	ring->names_at = ring->facts_at + 2ull * ring->facts_bytes;
	ring->own_at = ring->names_at + ring->names_bytes;
	/* The product of a number of 24 bits and one of 32 does not overflow. */
	ring->events_at = ring->own_at + (uint64_t)ring->own_slots * ring->slot_bytes;
	ring->bytes = ring->events_at + (uint64_t)ring->event_slots * ring->slot_bytes;
	return ring->bytes <= FT_RINGFILE_BYTES_MAX ? 0 : -EINVAL;
}

static uint32_t clamp_number(uint64_t value, uint32_t least, uint32_t most)
{
	return value < least ? least : value > most ? most : (uint32_t)value;
}

int ft_ringfile_plan(uint64_t bytes, uint32_t slot_bytes, struct ft_ringfile *ret_ring)
{
	struct ft_ringfile ring = { .slot_bytes = slot_bytes, .facts_bytes = FACTS_BYTES };
	uint64_t others;
	int error;

	if (!is_place_length(slot_bytes) || bytes > FT_RINGFILE_BYTES_MAX)
		return -EINVAL;
	ring.names_bytes =
		clamp_number(bytes / NAMES_SHARE, NAMES_BYTES_MIN, NAMES_BYTES_MAX) & ~4095u;
	ring.own_slots = clamp_number(bytes / OWN_SHARE / slot_bytes, OWN_SLOTS_MIN, UINT32_MAX);
	ring.event_slots = EVENT_SLOTS_MIN;
	error = ft_ringfile_place(&ring);
	if (error)
		return error;
	others = ring.events_at;
	if (bytes < ring.bytes)
		return -EINVAL;
	ring.event_slots = (uint32_t)((bytes - others) / slot_bytes);
	error = ft_ringfile_place(&ring);
	if (error)
		return error;
	*ret_ring = ring;
	return 0;
}

void ft_ringfile_begin(const struct ft_ringfile *ring, void *page)
{
	_Alignas(8) uint8_t header[FT_RINGFILE_HEADER_BYTES] = { 0 };

	ft_put_le32(header + AT_SLOT_BYTES, ring->slot_bytes);
	ft_put_le32(header + AT_FACTS_BYTES, ring->facts_bytes);
	ft_put_le32(header + AT_NAMES_BYTES, ring->names_bytes);
	ft_put_le32(header + AT_OWN_SLOTS, ring->own_slots);
	ft_put_le32(header + AT_EVENT_SLOTS, ring->event_slots);
	ft_header_make(&ring_header, header);
	/* The magic is written last here too: a page that has it is whole. */
	ft_ringfile_put(page, header, sizeof(header));
}

int ft_ringfile_decode(const void *buf, size_t buf_bytes, struct ft_ringfile *ret_ring,
		       int *ret_missing_feature)
{
	const uint8_t *header = buf;
	struct ft_ringfile ring;
	uint32_t header_bytes;
	int error;

	error = ft_header_check(&ring_header, buf, buf_bytes, ret_missing_feature, &header_bytes);
	if (error)
		return error;
	ring = (struct ft_ringfile){
		.slot_bytes = ft_get_le32(header + AT_SLOT_BYTES),
		.facts_bytes = ft_get_le32(header + AT_FACTS_BYTES),
		.names_bytes = ft_get_le32(header + AT_NAMES_BYTES),
		.own_slots = ft_get_le32(header + AT_OWN_SLOTS),
		.event_slots = ft_get_le32(header + AT_EVENT_SLOTS),
	};
	if (header_bytes > FT_RINGFILE_PUT_AT || ft_ringfile_place(&ring))
		return -EBADMSG;
	*ret_ring = ring;
	return 0;
}

void ft_ringfile_put(void *place, const void *segment, size_t segment_bytes)
{
	uint64_t first;

	__atomic_store_n((uint64_t *)place, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy((uint8_t *)place + sizeof(first), (const uint8_t *)segment + sizeof(first),
	       segment_bytes - sizeof(first));
	memcpy(&first, segment, sizeof(first));
	__atomic_store_n((uint64_t *)place, first, __ATOMIC_RELEASE);
}

/* Puts a payload as a segment into a place that is long enough. */
static int put_payload_segment(void *place, enum ft_segment_kind kind, uint64_t sequence,
			       const void *payload, size_t payload_bytes)
{
	struct ft_segment segment = {
		.kind = kind,
		.cpu = FT_NO_CPU,
		.sequence = sequence,
		.payload_bytes = (uint32_t)payload_bytes,
		.inflated_bytes = (uint32_t)payload_bytes,
	};
	size_t bytes = ft_segment_bytes(segment.payload_bytes);
	uint8_t *sealed = malloc(bytes);

	if (!sealed)
		return -ENOMEM;
	if (payload_bytes)
		memcpy(sealed + FT_SEGMENT_HEADER_BYTES, payload, payload_bytes);
	ft_segment_encode(&segment, sealed, bytes);
	ft_ringfile_put(place, sealed, bytes);
	free(sealed);
	return 0;
}

int ft_ringfile_put_facts(const struct ft_ringfile *ring, void *memory, uint64_t number,
			  const void *payload, size_t payload_bytes)
{
	uint64_t at = ring->facts_at + number % 2 * ring->facts_bytes;

	if (payload_bytes > ring->facts_bytes - FT_SEGMENT_HEADER_BYTES)
		return -EMSGSIZE;
	return put_payload_segment((uint8_t *)memory + at, FT_SEGMENT_FACTS, number, payload,
				   payload_bytes);
}

int ft_ringfile_put_names(const struct ft_ringfile *ring, void *memory, uint32_t *used_bytes,
			  const void *payload, size_t payload_bytes)
{
	uint8_t *place = (uint8_t *)memory + ring->names_at + *used_bytes;
	uint32_t left_bytes = ring->names_bytes - *used_bytes;
	int error;

	if (payload_bytes > left_bytes || ft_segment_bytes((uint32_t)payload_bytes) > left_bytes)
		return -ENOSPC;
	error = put_payload_segment(place, FT_SEGMENT_SYMBOLS, 0, payload, payload_bytes);
	if (!error)
		*used_bytes += (uint32_t)ft_segment_bytes((uint32_t)payload_bytes);
	return error;
}

int ft_ringfile_put_own(const struct ft_ringfile *ring, void *memory, uint64_t number,
			const void *segment, size_t segment_bytes)
{
	uint64_t at = ring->own_at + number % ring->own_slots * ring->slot_bytes;

	if (segment_bytes > ring->slot_bytes)
		return -EMSGSIZE;
	ft_ringfile_put((uint8_t *)memory + at, segment, segment_bytes);
	return 0;
}

/* A number is followed by the same with all bits inverted, so that one written by half is known. */
static uint64_t get_twice(const uint8_t *twice)
{
	uint64_t number = ft_get_le64(twice), inverted = ft_get_le64(twice + sizeof(number));

	if (number == 0 && inverted == 0)
		return 0;
	return number == ~inverted ? number : UINT64_MAX;
}

static void set_twice(uint64_t twice[2], uint64_t number)
{
	__atomic_store_n(&twice[0], htole64(number), __ATOMIC_RELAXED);
	__atomic_store_n(&twice[1], htole64(~number), __ATOMIC_RELEASE);
}

uint64_t ft_ringfile_since(const void *page)
{
	return get_twice((const uint8_t *)page + FT_RINGFILE_SINCE_AT);
}

void ft_ringfile_set_since(uint64_t since[2], uint64_t time_ns)
{
	set_twice(since, time_ns);
}

uint64_t ft_ringfile_put_count(const void *page)
{
	return get_twice((const uint8_t *)page + FT_RINGFILE_PUT_AT);
}

void ft_ringfile_set_put_count(uint64_t put[2], uint64_t count)
{
	set_twice(put, count);
}
