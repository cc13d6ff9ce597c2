/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The offset of mmap_lock in struct mm_struct. Hold events have the address of the mm, waits that of the
 * lock. A thread that has waited for a lock and then holds the mm tells the distance, which is one for a kernel.
 */
#ifndef ANALYZER_LOCKS_MMAP_LOCK_OFFSET_H
#define ANALYZER_LOCKS_MMAP_LOCK_OFFSET_H

#include <stdint.h>

#include "analyzer/trace/source.h"

struct mmap_lock_offset;

int mmap_lock_offset_create(struct mmap_lock_offset **ret_offset); /* 0 or -ENOMEM */
void mmap_lock_offset_destroy(struct mmap_lock_offset *offset);

/* Feed every event. 0 or -ENOMEM. */
int mmap_lock_offset_event(struct mmap_lock_offset *offset, const struct event *event);

/* In bytes; 0: not known. */
uint64_t mmap_lock_offset_found(const struct mmap_lock_offset *offset);

#endif
