/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the recorded segments tell for the time when the capture is sealed:
 * which addresses need names, and which mappings came and went.
 */
#ifndef RECORDER_SYMBOLS_ADDRESS_SET_H
#define RECORDER_SYMBOLS_ADDRESS_SET_H

#include <stddef.h>
#include <stdint.h>

#include "recorder/symbols/mappings.h"
#include "recorder/symbols/symbolize.h"

struct address_set;

int address_set_create(struct address_set **ret_seen);	/* 0 or -ENOMEM */
void address_set_destroy(struct address_set *seen);

/**
 * address_set_segment() - look through a sealed segment of events.
 *
 * Return: 0, -EBADMSG (the events before the damage were looked at), -ENOMEM.
 */
int address_set_segment(struct address_set *seen, const void *segment, size_t segment_bytes);

/* Bring @mappings, the same each time, up to date in the order of time. Return: 0 or -ENOMEM. */
int address_set_apply_mappings(struct address_set *seen, struct mappings *mappings);

/* Every (process, address) once, the kernel's with FT_KERNEL_TGID, in the order they were first seen.
 * Borrowed until the next segment. */
const struct names_address *address_set_addresses(const struct address_set *seen, size_t *ret_count);

/* Numbers of the system calls in thread states, ascending, malloc'ed. Return: 0 or -ENOMEM. */
int address_set_syscalls(const struct address_set *seen, int64_t **ret_numbers, size_t *ret_count);

#endif
