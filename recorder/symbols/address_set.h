/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the recorded segments tell for the time when the capture is sealed:
 * which addresses need names, and which mappings came and went.
 */
#ifndef RECORDER_SEEN_H
#define RECORDER_SEEN_H

#include <stddef.h>
#include <stdint.h>

#include "recorder/symbols/mappings.h"
#include "recorder/symbols/symbolize.h"

struct seen;

int seen_create(struct seen **ret_seen);	/* 0 or -ENOMEM */
void seen_destroy(struct seen *seen);

/**
 * seen_segment() - look through a sealed segment of events.
 *
 * Return: 0, -EBADMSG (the events before the damage were looked at), -ENOMEM.
 */
int seen_segment(struct seen *seen, const void *segment, size_t segment_bytes);

/* Bring @mappings, the same each time, up to date in the order of time. Return: 0 or -ENOMEM. */
int seen_apply_mappings(struct seen *seen, struct mappings *mappings);

/* Every (process, address) once, the kernel's with FT_KERNEL_TGID, in the order they were first seen.
 * Borrowed until the next segment. */
const struct names_address *seen_addresses(const struct seen *seen, size_t *ret_count);

/* Numbers of the system calls in thread states, ascending, malloc'ed. Return: 0 or -ENOMEM. */
int seen_syscalls(const struct seen *seen, int64_t **ret_numbers, size_t *ret_count);

#endif
