/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the whole segments of a ring file, also of one that is being written.
 *
 * The event slots are read downwards while the recorder fills them upwards: the two meet once.
 * What is read below the meeting point directly precedes what was read above it, or is newer than
 * all of it. Reading upwards would leave a hole in front of each newest segment.
 */
#include "config.h"

#include "capture/ringindex.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "capture/bytes.h"
#include "capture/event.h"
#include "capture/readat.h"

/* A segment that is overwritten while it is read looks damaged once: after that its place is empty,
 * or whole again. */
#define ATTEMPTS 3

struct place {
	uint64_t offset;
	uint32_t bytes;
	struct ft_segment segment;
	uint32_t payload_crc;
};

struct search {
	const struct ft_ringindex *index;
	uint8_t *buffer; /* of the longest place */
	uint64_t put; /* into the event slots, before the search */
};

/* Return: 1 with the header, 0 nothing here, -EBADMSG or another errno. */
static int read_place_header(const struct search *search, struct place *place)
{
	const struct ft_ringindex *index = search->index;
	ssize_t got = ft_read_at(index->fd, search->buffer, FT_SEGMENT_HEADER_BYTES, place->offset);
	int error;

	if (got < 0)
		return (int)got;
	/* Nothing is behind the end of a file that was cut; index_ring() reports the cut. */
	if (got < FT_SEGMENT_HEADER_BYTES || ft_get_le64(search->buffer) == 0)
		return 0;
	error = ft_segment_decode_header(search->buffer, FT_SEGMENT_HEADER_BYTES, &place->segment,
					 &place->payload_crc);
	if (error)
		return -EBADMSG;
	return ft_segment_bytes(place->segment.payload_bytes) <= place->bytes ? 1 : -EBADMSG;
}

/* Return: as read_place_header(). */
static int read_place_payload(const struct search *search, const struct place *place)
{
	const struct ft_ringindex *index = search->index;
	size_t bytes = ft_segment_bytes(place->segment.payload_bytes) - FT_SEGMENT_HEADER_BYTES;
	uint8_t *payload = search->buffer + FT_SEGMENT_HEADER_BYTES;
	ssize_t got =
		ft_read_at(index->fd, payload, bytes, place->offset + FT_SEGMENT_HEADER_BYTES);

	if (got < 0)
		return (int)got;
	if ((size_t)got < bytes)
		return 0;
	return crc32_z(0, payload, bytes) == place->payload_crc ? 1 : -EBADMSG;
}

static int read_place(const struct search *search, struct place *place)
{
	int result = 0;

	for (int i = 0; i < ATTEMPTS; i++) {
		result = read_place_header(search, place);
		if (result > 0)
			result = read_place_payload(search, place);
		if (result != -EBADMSG)
			break;
	}
	return result;
}

static void note_place_damage(const struct search *search, const struct place *place, int error)
{
	struct ft_damage *damage = search->index->damage;

	damage->bad_segments++;
	damage->skipped_bytes += place->bytes;
	if (damage->first_error == 0 || place->offset < damage->first_bad_offset) {
		damage->first_error = error;
		damage->first_bad_offset = place->offset;
	}
}

/* Return: 1 @place has a whole segment, now in the buffer, 0 it has none, or a negative errno. */
static int read_segment_at(const struct search *search, struct place *place)
{
	int result = read_place(search, place);

	if (result != -EBADMSG)
		return result;
	note_place_damage(search, place, -EBADMSG);
	return 0;
}

static int copy_segment(const struct search *search, const struct place *place)
{
	size_t bytes = ft_segment_bytes(place->segment.payload_bytes), done = 0;

	while (search->index->copy_fd >= 0 && done < bytes) {
		ssize_t written = pwrite(search->index->copy_fd, search->buffer + done,
					 bytes - done, (off_t)(place->offset + done));

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return -ENOMEM; /* it is memory */
		done += (size_t)written;
	}
	return 0;
}

static int take_segment(const struct search *search, const struct place *place)
{
	const struct ft_ringindex *index = search->index;
	int error = copy_segment(search, place);

	if (error)
		return error;
	return index->take(index->context, &place->segment, place->offset, place->payload_crc);
}

/* The area of a slot decides how the sequence of its segment is understood. */
static bool belongs_there(const struct place *place, enum ft_segment_kind kind, bool own)
{
	return place->segment.kind == kind && (place->segment.cpu == FT_NO_CPU) == own;
}

static int read_page(const struct ft_ringindex *index, uint64_t (*get)(const void *page),
		     uint64_t *ret_number)
{
	uint8_t page[FT_RINGFILE_PAGE_BYTES];
	uint64_t number = UINT64_MAX; /* not known */

	for (int i = 0; i < ATTEMPTS && number == UINT64_MAX; i++) {
		ssize_t got = ft_read_at(index->fd, page, sizeof(page), 0);

		if (got < 0)
			return (int)got;
		if (got == sizeof(page))
			number = get(page);
	}
	*ret_number = number;
	return 0;
}

/* The event slot @number is empty. If a segment was put into it, and none is being put now, then
 * somebody cut the file and made it longer again. */
static int check_empty_slot(const struct search *search, const struct place *place, uint32_t number)
{
	const struct ft_ringindex *index = search->index;
	uint64_t first = 0, before, after, distance;
	ssize_t got;
	int error;

	if (search->put == FT_RINGFILE_PUT_UNKNOWN || number >= search->put)
		return 0;
	error = read_page(index, ft_ringfile_put_count, &before);
	if (error)
		return error;
	got = ft_read_at(index->fd, &first, sizeof(first), place->offset);
	if (got < 0)
		return (int)got;
	error = read_page(index, ft_ringfile_put_count, &after);
	if (error)
		return error;
	if (got < (ssize_t)sizeof(first) || first || before == FT_RINGFILE_PUT_UNKNOWN ||
	    after == FT_RINGFILE_PUT_UNKNOWN)
		return 0;
	distance = (number + (uint64_t)index->ring.event_slots - before % index->ring.event_slots) %
		   index->ring.event_slots;
	if (distance <= after - before)
		return 0;
	note_place_damage(search, place, -ENODATA);
	index->damage->zeroed_segments++;
	return 0;
}

static int take_slots(const struct search *search, uint64_t at, uint32_t count, bool own)
{
	const uint32_t bytes = search->index->ring.slot_bytes;

	while (count-- > 0) {
		struct place place = { .offset = at + (uint64_t)count * bytes, .bytes = bytes };
		int result = read_segment_at(search, &place);

		if (result > 0 && !belongs_there(&place, FT_SEGMENT_EVENTS, own))
			search->index->damage->unknown_segments++;
		else if (result > 0)
			result = take_segment(search, &place);
		else if (result == 0 && !own)
			result = check_empty_slot(search, &place, count);
		if (result < 0)
			return result;
	}
	return 0;
}

static int take_names(const struct search *search)
{
	const struct ft_ringfile *ring = &search->index->ring;
	uint32_t left_bytes = ring->names_bytes, bytes;
	uint64_t at = ring->names_at;

	for (; left_bytes >= FT_SEGMENT_HEADER_BYTES; at += bytes, left_bytes -= bytes) {
		struct place place = { .offset = at, .bytes = left_bytes };
		int result = read_segment_at(search, &place);

		if (result <= 0)
			return result;
		bytes = (uint32_t)ft_segment_bytes(place.segment.payload_bytes);
		if (!belongs_there(&place, FT_SEGMENT_SYMBOLS, true))
			search->index->damage->unknown_segments++;
		else
			result = take_segment(search, &place);
		if (result < 0)
			return result;
	}
	return 0;
}

static int take_facts(const struct search *search)
{
	const struct ft_ringfile *ring = &search->index->ring;
	struct place newest = { .offset = 0 };

	for (uint32_t i = 0; i < 2; i++) {
		struct place place = { .offset = ring->facts_at + i * ring->facts_bytes,
				       .bytes = ring->facts_bytes };
		int result = read_segment_at(search, &place);

		if (result < 0)
			return result;
		if (!result || !belongs_there(&place, FT_SEGMENT_FACTS, true))
			continue;
		if (!newest.offset || place.segment.sequence > newest.segment.sequence)
			newest = place;
	}
	if (!newest.offset)
		return 0;
	/* Read it again, for the buffer has the other copy. One that was overwritten meanwhile is newer
	 * now, or is being written: then the other copy is the newest. */
	for (uint32_t i = 0; i < 2; i++) {
		int result = read_segment_at(search, &newest);

		if (result < 0)
			return result;
		if (result && belongs_there(&newest, FT_SEGMENT_FACTS, true))
			return take_segment(search, &newest);
		newest.offset = newest.offset == ring->facts_at ? ring->facts_at + ring->facts_bytes
								: ring->facts_at;
	}
	return 0;
}

static uint32_t find_longest_place(const struct ft_ringfile *ring)
{
	uint32_t bytes = ring->slot_bytes;

	bytes = ring->facts_bytes > bytes ? ring->facts_bytes : bytes;
	return ring->names_bytes > bytes ? ring->names_bytes : bytes;
}

int ft_ringindex_run(const struct ft_ringindex *index, uint64_t *ret_since_ns)
{
	const struct ft_ringfile *ring = &index->ring;
	struct search search = { .index = index, .buffer = malloc(find_longest_place(ring)) };
	int error;

	if (!search.buffer)
		return -ENOMEM;
	error = read_page(index, ft_ringfile_put_count, &search.put);
	if (!error)
		error = take_slots(&search, ring->events_at, ring->event_slots, false);
	/* The time is read after the slots: what is overwritten from now on was read already. */
	if (!error)
		error = read_page(index, ft_ringfile_since, ret_since_ns);
	if (!error)
		error = take_slots(&search, ring->own_at, ring->own_slots, true);
	if (!error)
		error = take_names(&search);
	if (!error)
		error = take_facts(&search);
	free(search.buffer);
	return error;
}
