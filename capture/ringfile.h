/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring file of an armed recorder: a file of fixed size, mapped into memory,
 * which a reader understands at any moment, above all after its recorder was killed.
 *
 * A header page, then the areas: facts (two copies in turn), names (appended), own (slots for
 * segments of FT_NO_CPU), events (slots for segments of CPUs). Each place holds one whole
 * segment or begins with 8 zero bytes. doc/FORMAT.md, "Ring file".
 *
 * The memory may be changed by others: nothing here relies on what it reads from it.
 */
#ifndef FT_CAPTURE_RINGFILE_H
#define FT_CAPTURE_RINGFILE_H

#include <stddef.h>
#include <stdint.h>

#include "capture/format.h"

#define FT_RINGFILE_MAGIC "\x89" "FTR\r\n\x1a\n"
#define FT_RINGFILE_VERSION 1
#define FT_RINGFILE_HEADER_BYTES 64
#define FT_RINGFILE_FEATURES_INCOMPATIBLE FT_FEATURES_INCOMPATIBLE
#define FT_RINGFILE_FEATURES_COMPATIBLE 0
#define FT_RINGFILE_PAGE_BYTES 4096	/* the areas begin behind it */
#define FT_RINGFILE_PUT_AT 4064		/* in it: see ft_ringfile_put_count() */
#define FT_RINGFILE_SINCE_AT 4080	/* in it: see ft_ringfile_since() */
#define FT_RINGFILE_PLACE_BYTES_MIN 4096	/* of a slot, a copy of the facts, the names */
#define FT_RINGFILE_PLACE_BYTES_MAX 16777216
#define FT_RINGFILE_BYTES_MAX 17179869184	/* of the file */
/* A CPU's segment is put no later than this after its first event. */
#define FT_RINGFILE_UNPUT_NS_MAX 3000000000

struct ft_ringfile {
	/* What the header says. All are multiples of 8. */
	uint32_t slot_bytes;	/* of each slot, for both sorts */
	uint32_t facts_bytes;	/* of each of the two copies */
	uint32_t names_bytes;
	uint32_t own_slots, event_slots;	/* one at least */
	/* What follows from it. */
	uint64_t facts_at, names_at, own_at, events_at;
	uint64_t bytes;		/* of the file */
};

/**
 * ft_ringfile_place() - compute the second half of @ring from the first.
 *
 * Return: 0, -EINVAL (a size out of bounds).
 */
int ft_ringfile_place(struct ft_ringfile *ring);

/**
 * ft_ringfile_plan() - the layout for a file of at most @bytes.
 *
 * Return: 0, -EINVAL (no room for a few slots of each sort, or above the limits).
 */
int ft_ringfile_plan(uint64_t bytes, uint32_t slot_bytes, struct ft_ringfile *ret_ring);

/* Make @page, FT_RINGFILE_PAGE_BYTES of zeros, the first page of a ring file; zeros behind it are the rest. */
void ft_ringfile_begin(const struct ft_ringfile *ring, void *page);

/**
 * ft_ringfile_decode() - what a header says.
 *
 * @buf, @ret_missing_feature: as for ft_header_check().
 *
 * Return: as ft_header_check(); -EBADMSG also for sizes out of bounds.
 */
int ft_ringfile_decode(const void *buf, size_t buf_bytes, struct ft_ringfile *ret_ring,
		       int *ret_missing_feature);

/**
 * ft_ringfile_put() - a sealed segment into a place.
 *
 * @place: aligned to 8 bytes; begins with zeros while it is written, so that being killed at any
 *         moment leaves it empty or whole.
 * @segment_bytes: at least 8.
 */
void ft_ringfile_put(void *place, const void *segment, size_t segment_bytes);

/**
 * ft_ringfile_put_facts() - replace the older copy.
 *
 * @number: counts the calls.
 *
 * Return: 0, -EMSGSIZE (@payload is longer than the place), -ENOMEM.
 */
int ft_ringfile_put_facts(const struct ft_ringfile *ring, void *memory, uint64_t number,
			  const void *payload, size_t payload_bytes);

/**
 * ft_ringfile_put_names() - append a payload of symbols.
 *
 * @used_bytes: of the area, at first 0; the caller keeps it.
 *
 * Return: 0, -ENOSPC (the area is full), -ENOMEM.
 */
int ft_ringfile_put_names(const struct ft_ringfile *ring, void *memory, uint32_t *used_bytes,
			  const void *payload, size_t payload_bytes);

/**
 * ft_ringfile_put_own() - a sealed segment of FT_NO_CPU, over the oldest one.
 *
 * @number: counts the calls, from 0.
 *
 * Return: 0 or -EMSGSIZE.
 */
int ft_ringfile_put_own(const struct ft_ringfile *ring, void *memory, uint64_t number,
			const void *segment, size_t segment_bytes);

/* Not known: damaged, or written at this moment. */
#define FT_RINGFILE_SINCE_UNKNOWN UINT64_MAX
#define FT_RINGFILE_PUT_UNKNOWN UINT64_MAX

/* So many segments were put into the event slots, in turn; 0: none yet. */
uint64_t ft_ringfile_put_count(const void *page);

/* @put: the 2 words at FT_RINGFILE_PUT_AT. After a segment was put. */
void ft_ringfile_set_put_count(uint64_t put[2], uint64_t count);

/* Every event later than this that was put is still there; 0: nothing was overwritten yet. */
uint64_t ft_ringfile_since(const void *page);

/* @since: the 2 words at FT_RINGFILE_SINCE_AT. Before a segment put at @time_ns is overwritten. */
void ft_ringfile_set_since(uint64_t since[2], uint64_t time_ns);

#endif
