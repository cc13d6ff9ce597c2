/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/write/capture_finish.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SPARE_BYTES (64u << 10)
#define ATTEMPTS    8
#define NAMES_BYTES (2u << 20) /* kept free for names, but no more than a quarter */
#define DEFLATED    2 /* deflated segments are at least so many times shorter */
#define AMPLE	    4 /* room for so many times the whole segment ring needs no closer look */

/* State while a capture is being finished. */
struct finishing {
	const struct capture_finish_parts *parts;
	uint32_t cut_segments;
	size_t bytes; /* what own events and names may take, by count_*() */
};

bool capture_finish_is_full(int error)
{
	return error == -ENOSPC || error == -EDQUOT || error == -EFBIG;
}

static int count_segment(void *context, const void *segment, size_t segment_bytes)
{
	struct finishing *finishing = context;
	(void)segment;
	finishing->bytes += segment_bytes;
	return 0;
}

static int count_payload(void *context, const void *payload, size_t payload_bytes)
{
	struct finishing *finishing = context;
	(void)payload;
	finishing->bytes += payload_bytes + SPARE_BYTES;
	return 0;
}

static int make_room(struct finishing *finishing, size_t bytes)
{
	uint32_t cut = 0;
	int error = ft_writer_make_room(finishing->parts->file, bytes, &cut);
	if (!error)
		finishing->cut_segments += cut;
	return error;
}

static int write_own_segment(void *context, const void *segment, size_t segment_bytes)
{
	struct finishing *finishing = context;
	return ft_writer_segment(finishing->parts->file, segment, segment_bytes);
}

static int write_payload(struct finishing *finishing, enum ft_segment_kind kind,
			 const void *payload, size_t payload_bytes)
{
	int error = 0;
	for (int i = 0; i < ATTEMPTS; i++) {
		error = ft_writer_payload(finishing->parts->file, kind, payload, payload_bytes);
		if (!capture_finish_is_full(error) ||
		    make_room(finishing, payload_bytes + SPARE_BYTES))
			break;
	}
	return error;
}

static int write_symbols(void *context, const void *payload, size_t payload_bytes)
{
	return write_payload(context, FT_SEGMENT_SYMBOLS, payload, payload_bytes);
}

static int write_end(struct finishing *finishing)
{
	int error = 0;
	for (int i = 0; i < ATTEMPTS; i++) {
		error = ft_writer_end(finishing->parts->file);
		if (!capture_finish_is_full(error) || make_room(finishing, SPARE_BYTES))
			break;
	}
	return error;
}

static int write_parts(struct finishing *finishing)
{
	const struct capture_finish_parts *parts = finishing->parts;

	/* Make room for everything at once, deflated to half: a later cut could take the states that
	 * were written just before. */
	if (parts->disk_full)
		make_room(finishing, finishing->bytes / 2);
	int error = recorder_events_take(parts->own_events, write_own_segment, finishing);
	if (capture_finish_is_full(error) && !make_room(finishing, finishing->bytes / 2))
		error = recorder_events_take(parts->own_events, write_own_segment, finishing);
	/* Names are worth writing even without own events. */
	int first_error = error;
	error = ft_symbols_write(parts->symbols, write_symbols, finishing);
	first_error = first_error ? first_error : error;
	size_t facts_bytes;
	const void *facts = ft_facts_payload(parts->facts, &facts_bytes);
	error = write_payload(finishing, FT_SEGMENT_FACTS, facts, facts_bytes);
	first_error = first_error ? first_error : error;
	error = write_end(finishing);
	return first_error ? first_error : error;
}

int capture_finish(const struct capture_finish_parts *parts, uint32_t *ret_cut_segments)
{
	struct finishing finishing = { .parts = parts, .bytes = SPARE_BYTES };

	int error = recorder_events_each(parts->own_events, count_segment, &finishing);
	if (!error)
		error = ft_symbols_write(parts->symbols, count_payload, &finishing);
	int write_error = write_parts(&finishing);
	*ret_cut_segments = finishing.cut_segments;
	return write_error ? write_error : error;
}

/* Knows of no quota: a write will fail then. */
static uint64_t get_free_bytes(int fd)
{
	struct rlimit limit = { .rlim_cur = RLIM_INFINITY };
	uint64_t free_bytes = UINT64_MAX;
	struct statvfs status;

	if (!fstatvfs(fd, &status))
		free_bytes = (geteuid() ? status.f_bavail : status.f_bfree) * status.f_frsize;
	getrlimit(RLIMIT_FSIZE, &limit);
	return limit.rlim_cur < free_bytes ? limit.rlim_cur : free_bytes;
}

/* Return: bytes of segments that fit, counted before they are deflated. */
static uint64_t get_room_bytes(uint64_t free_bytes)
{
	uint64_t names_bytes = free_bytes / 4 < NAMES_BYTES ? free_bytes / 4 : NAMES_BYTES;

	return free_bytes > UINT64_MAX / DEFLATED ? UINT64_MAX
						  : (free_bytes - names_bytes) * DEFLATED;
}

/* Return: bytes of all segments from @cursor on. */
static uint64_t measure_segments(const struct segment_ring *slots, void *buffer,
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

void capture_finish_skip_history(int fd, const struct segment_ring *slots, void *buffer,
				 uint64_t more_ns, struct segment_ring_cursor *cursor,
				 struct skipped_history *ret_skipped)
{
	struct skipped_history skipped = { .free_bytes = get_free_bytes(fd) };
	uint64_t room = get_room_bytes(skipped.free_bytes), duration_ns, first_ns = 0;
	size_t bytes;

	*ret_skipped = skipped;
	if (room / AMPLE >= segment_ring_count(slots) * segment_ring_slot_bytes(slots))
		return;
	ret_skipped->scarce = skipped.scarce = true;
	uint64_t history_bytes = measure_segments(slots, buffer, *cursor, &duration_ns);
	uint64_t more_bytes =
		duration_ns
			? (uint64_t)((double)history_bytes * (double)more_ns / (double)duration_ns)
			: 0;
	uint64_t keep_bytes = more_bytes < room / 2 ? room - more_bytes : room / 2;
	while (history_bytes > keep_bytes && segment_ring_get(slots, cursor, buffer, &bytes)) {
		first_ns = first_ns ? first_ns : cursor->put_ns;
		history_bytes -= bytes < history_bytes ? bytes : history_bytes;
		skipped.segments++;
	}
	skipped.duration_ns = cursor->put_ns - first_ns;
	if (skipped.segments)
		*ret_skipped = skipped;
}
