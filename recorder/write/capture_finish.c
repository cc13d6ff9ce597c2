/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/write/capture_finish.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SPARE_BYTES (64u << 10)
#define ATTEMPTS    8
#define NAMES_BYTES (2u << 20) /* of the room, a quarter at most */
#define DEFLATED    2 /* segments become so many times shorter, at least */
#define AMPLE	    4 /* so many times the slots: no need to look into them */

/* One thing to write, and what it takes to write it again after making room. */
struct sealing {
	const struct seal *seal;
	uint32_t cut_segments;
	size_t bytes; /* counted by count_*() */
};

bool capture_finish_is_full(int error)
{
	return error == -ENOSPC || error == -EDQUOT || error == -EFBIG;
}

static int count_segment(void *context, const void *segment, size_t segment_bytes)
{
	struct sealing *sealing = context;
	(void)segment;
	sealing->bytes += segment_bytes;
	return 0;
}

static int count_payload(void *context, const void *payload, size_t payload_bytes)
{
	struct sealing *sealing = context;
	(void)payload;
	sealing->bytes += payload_bytes + SPARE_BYTES;
	return 0;
}

static int make_room(struct sealing *sealing, size_t bytes)
{
	uint32_t cut = 0;
	int error = ft_writer_make_room(sealing->seal->writer, bytes, &cut);
	if (!error)
		sealing->cut_segments += cut;
	return error;
}

static int write_own_segment(void *context, const void *segment, size_t segment_bytes)
{
	struct sealing *sealing = context;
	return ft_writer_segment(sealing->seal->writer, segment, segment_bytes);
}

static int write_payload(struct sealing *sealing, enum ft_segment_kind kind, const void *payload,
			 size_t payload_bytes)
{
	int error = 0;
	for (int i = 0; i < ATTEMPTS; i++) {
		error = ft_writer_payload(sealing->seal->writer, kind, payload, payload_bytes);
		if (!capture_finish_is_full(error) ||
		    make_room(sealing, payload_bytes + SPARE_BYTES))
			break;
	}
	return error;
}

static int write_symbols(void *context, const void *payload, size_t payload_bytes)
{
	return write_payload(context, FT_SEGMENT_SYMBOLS, payload, payload_bytes);
}

static int write_end(struct sealing *sealing)
{
	int error = 0;
	for (int i = 0; i < ATTEMPTS; i++) {
		error = ft_writer_end(sealing->seal->writer);
		if (!capture_finish_is_full(error) || make_room(sealing, SPARE_BYTES))
			break;
	}
	return error;
}

static int write_all(struct sealing *sealing)
{
	const struct seal *seal = sealing->seal;

	/* Room for everything at once (deflated to half at least): what is cut later could be the
	 * states written just before. */
	if (seal->disk_full)
		make_room(sealing, sealing->bytes / 2);
	int error = recorder_events_take(seal->ownlog, write_own_segment, sealing);
	if (capture_finish_is_full(error) && !make_room(sealing, sealing->bytes / 2))
		error = recorder_events_take(seal->ownlog, write_own_segment, sealing);
	/* Even without them the names are wanted. */
	int first_error = error;
	error = ft_symbols_write(seal->symbols, write_symbols, sealing);
	first_error = first_error ? first_error : error;
	size_t facts_bytes;
	const void *facts = ft_facts_payload(seal->facts, &facts_bytes);
	error = write_payload(sealing, FT_SEGMENT_FACTS, facts, facts_bytes);
	first_error = first_error ? first_error : error;
	error = write_end(sealing);
	return first_error ? first_error : error;
}

int capture_finish_capture(const struct seal *seal, uint32_t *ret_cut_segments)
{
	struct sealing sealing = { .seal = seal, .bytes = SPARE_BYTES };

	int error = recorder_events_each(seal->ownlog, count_segment, &sealing);
	if (!error)
		error = ft_symbols_write(seal->symbols, count_payload, &sealing);
	int write_error = write_all(&sealing);
	*ret_cut_segments = sealing.cut_segments;
	return write_error ? write_error : error;
}

/* What no quota takes away: then writing will tell. */
static uint64_t free_bytes(int fd)
{
	struct rlimit limit = { .rlim_cur = RLIM_INFINITY };
	uint64_t free_bytes = UINT64_MAX;
	struct statvfs status;

	if (!fstatvfs(fd, &status))
		free_bytes = (geteuid() ? status.f_bavail : status.f_bfree) * status.f_frsize;
	getrlimit(RLIMIT_FSIZE, &limit);
	return limit.rlim_cur < free_bytes ? limit.rlim_cur : free_bytes;
}

/* For segments, before they are deflated. */
static uint64_t room_bytes(uint64_t free_bytes)
{
	uint64_t names_bytes = free_bytes / 4 < NAMES_BYTES ? free_bytes / 4 : NAMES_BYTES;

	return free_bytes > UINT64_MAX / DEFLATED ? UINT64_MAX
						  : (free_bytes - names_bytes) * DEFLATED;
}

/* All that there is from @cursor on. */
static uint64_t measure(const struct segment_ring *slots, void *buffer,
			struct segment_ring_cursor cursor, uint64_t *ret_duration_ns)
{
	uint64_t total_bytes = 0, first_ns = 0;
	size_t bytes;

	while (segment_ring_get(slots, &cursor, buffer, &bytes)) {
		total_bytes += bytes;
		first_ns = first_ns ? first_ns : cursor.put_ns;
	}
	*ret_duration_ns = cursor.put_ns - first_ns;
	return total_bytes;
}

void disk_space_find(int fd, const struct segment_ring *slots, void *buffer, uint64_t more_ns,
		     struct segment_ring_cursor *cursor, struct room_left_out *ret_left_out)
{
	struct room_left_out left_out = { .free_bytes = free_bytes(fd) };
	uint64_t room = room_bytes(left_out.free_bytes), duration_ns, first_ns = 0;
	size_t bytes;

	*ret_left_out = left_out;
	if (room / AMPLE >= segment_ring_count(slots) * segment_ring_slot_bytes(slots))
		return;
	ret_left_out->scarce = left_out.scarce = true;
	uint64_t history_bytes = measure(slots, buffer, *cursor, &duration_ns);
	uint64_t more_bytes =
		duration_ns
			? (uint64_t)((double)history_bytes * (double)more_ns / (double)duration_ns)
			: 0;
	uint64_t keep_bytes = more_bytes < room / 2 ? room - more_bytes : room / 2;
	while (history_bytes > keep_bytes && segment_ring_get(slots, cursor, buffer, &bytes)) {
		first_ns = first_ns ? first_ns : cursor->put_ns;
		history_bytes -= bytes < history_bytes ? bytes : history_bytes;
		left_out.segments++;
	}
	left_out.duration_ns = cursor->put_ns - first_ns;
	if (left_out.segments)
		*ret_left_out = left_out;
}
