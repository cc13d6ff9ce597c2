/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/locks/mmap_lock_offset.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/trace/per_thread.h"

/* An mm_struct without its CPU masks is smaller; a lock outside it is another one. */
#define MM_BYTES_MAX 4096u
#define PLACES	     (MM_BYTES_MAX / sizeof(uint64_t))

struct mmap_lock_offset {
	struct per_thread
		awaited; /* uint64_t: address of the lock whose slow path it entered last */
	uint32_t votes[PLACES];
};

int mmap_lock_offset_create(struct mmap_lock_offset **ret_offset)
{
	struct mmap_lock_offset *offset = calloc(1, sizeof(*offset));

	if (!offset)
		return -ENOMEM;
	offset->awaited.entry_bytes = sizeof(uint64_t);
	*ret_offset = offset;
	return 0;
}

void mmap_lock_offset_destroy(struct mmap_lock_offset *offset)
{
	if (!offset)
		return;
	per_thread_free(&offset->awaited);
	free(offset);
}

int mmap_lock_offset_event(struct mmap_lock_offset *offset, const struct event *event)
{
	const struct ft_event *raw = &event->raw;
	uint64_t *awaited, distance;

	if (raw->kind != FT_EVENT_LOCK_BEGIN && raw->kind != FT_EVENT_LOCK_HOLD)
		return 0;
	awaited = per_thread_get(&offset->awaited, event->thread);
	if (!awaited)
		return -ENOMEM;
	if (raw->kind == FT_EVENT_LOCK_BEGIN) {
		*awaited = raw->lock_begin.address;
		return 0;
	}
	if (!(raw->lock_hold.flags & FT_HOLD_ACQUIRED) || !(raw->lock_hold.flags & FT_HOLD_OF_MM))
		return 0;
	distance = *awaited - raw->lock_hold.address;
	if (*awaited && distance && distance < MM_BYTES_MAX)
		offset->votes[distance / sizeof(uint64_t)]++;
	*awaited = 0;
	return 0;
}

uint64_t mmap_lock_offset_found(const struct mmap_lock_offset *offset)
{
	size_t best = 0;

	for (size_t i = 1; i < PLACES; i++)
		if (offset->votes[i] > offset->votes[best])
			best = i;
	return offset->votes[best] ? best * sizeof(uint64_t) : 0;
}
