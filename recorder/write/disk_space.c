/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/write/disk_space.h"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define NAMES_BYTES (2u << 20) /* of the room, a quarter at most */
#define DEFLATED    2 /* segments become so many times shorter, at least */
#define AMPLE	    4 /* so many times the slots: no need to look into them */

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
