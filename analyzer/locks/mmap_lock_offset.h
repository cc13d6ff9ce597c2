/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in its mm the mmap_lock lies. Hold events name the mm, waits for the lock its address; a thread
 * that has waited for the one and then holds the other tells the distance, the same for all of a kernel.
 */
#ifndef ANALYZER_MM_OFFSET_H
#define ANALYZER_MM_OFFSET_H

#include <stdint.h>

#include "analyzer/trace/source.h"

struct mm_offset;

int mm_offset_create(struct mm_offset **ret_offset); /* 0 or -ENOMEM */
void mm_offset_destroy(struct mm_offset *offset);

/* Feed every event. 0 or -ENOMEM. */
int mm_offset_event(struct mm_offset *offset, const struct event *event);

/* In bytes; 0: not known. */
uint64_t mm_offset_found(const struct mm_offset *offset);

#endif
