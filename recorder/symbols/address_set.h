/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The addresses in recorded segments that need names when the capture is finished, with the system
 * calls and the changes of mappings there.
 */
#ifndef RECORDER_SYMBOLS_ADDRESS_SET_H
#define RECORDER_SYMBOLS_ADDRESS_SET_H

#include <stddef.h>
#include <stdint.h>

struct address_set;
struct ft_event;
struct mappings;
struct symbolize_address;

int address_set_create(struct address_set **ret_set);	/* 0 or -ENOMEM */
void address_set_destroy(struct address_set *set);

/* From now on @watch gets each event of the segments, too: borrowed during the call. */
void address_set_watch(struct address_set *set,
		       void (*watch)(void *context, const struct ft_event *event), void *context);

/**
 * address_set_add_segment() - add what is in a sealed segment of events.
 *
 * Return: 0, -EBADMSG (the events before the damage were added), -ENOMEM.
 */
int address_set_add_segment(struct address_set *set, const void *segment, size_t segment_bytes);

/* Bring @mappings, the same each time, up to date. Return: 0 or -ENOMEM. */
int address_set_apply_mappings(struct address_set *set, struct mappings *mappings);

/*
 * Every (process, address) once, in the order of first use. The process of kernel addresses is
 * FT_KERNEL_TGID. Borrowed until the next segment.
 */
const struct symbolize_address *address_set_addresses(const struct address_set *set,
						      size_t *ret_count);

/* Numbers of the system calls in thread states, ascending; malloc'ed. Return: 0 or -ENOMEM. */
int address_set_syscalls(const struct address_set *set, int64_t **ret_numbers, size_t *ret_count);

#endif
