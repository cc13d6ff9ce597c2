/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring file of an armed recorder, mapped and locked into memory: what is
 * put there outlives the recorder.
 *
 * Somebody may truncate or remove the file: recording goes on in memory, and ring_map_state()
 * says so.
 * One ring file a process.
 */
#ifndef RECORDER_BUFFER_RING_MAP_H
#define RECORDER_BUFFER_RING_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/facts.h"
#include "capture/ringfile.h"
#include "recorder/base/diagnostic.h"
#include "recorder/buffer/segment_ring.h"

#define RINGMAP_BYTES	   (64u << 20)
#define RINGMAP_SLOT_BYTES (64u << 10)

struct ring_map;

struct ring_map_options {
	const char *path;	/* NULL: ring_path_default() */
	uint64_t bytes;		/* at most; 0: RINGMAP_BYTES */
	uint32_t slot_bytes;	/* 0: RINGMAP_SLOT_BYTES */
};

/**
 * ring_map_open() - make the ring file, with all the memory it needs.
 *
 * Return: 0, or a negative errno with the words in @ret_refusal: those of ring_path_open(), -EINVAL
 * (impossible size), -ENOSPC, -ENOMEM ...
 */
int ring_map_open(const struct ring_map_options *options, struct ring_map **ret_ringmap,
		 struct diagnostic *ret_refusal);

/* @keep: the file stays, for analyze. Not while anybody uses the memory. */
void ring_map_close(struct ring_map *ringmap, bool keep);

const char *ring_map_path(const struct ring_map *ringmap);
const struct ft_ringfile *ring_map_layout(const struct ring_map *ringmap);

/* What a person should know from the start: a sentence for each @place up from 0, then NULL. */
const char *ring_map_note(const struct ring_map *ringmap, size_t place);

/* The path of what is kept of a recorder that was killed, as ring_path_kept(). From any thread. */
bool ring_map_kept(const struct ring_map *ringmap, size_t index, char *ret_path, size_t path_bytes);

/* Slots in the file, for the recording path; to be destroyed before the ringmap is closed. Return:
 * as segment_ring_create(). */
int ring_map_slots(struct ring_map *ringmap, struct segment_ring **ret_slots);

/*
 * The rest is for one thread, and not for that of the recording path.
 */

/* Return: 0, -EMSGSIZE (they do not fit: the older ones stay), -ENOMEM. */
int ring_map_put_facts(struct ring_map *ringmap, const struct ft_facts *facts);

/* @ringmap: a struct ring_map, for this to be the emit() of ft_symbols_write(). Return: 0, -ENOSPC
 * (full), -ENOMEM. */
int ring_map_put_names(void *ringmap, const void *payload, size_t payload_bytes);

/* A sealed segment of FT_NO_CPU. @ringmap: for this to be the visit() of recorder_events_take(). Return: 0,
 * -EMSGSIZE (longer than a slot). */
int ring_map_put_own(void *ringmap, const void *segment, size_t segment_bytes);

enum ring_map_state {
	RINGMAP_WHOLE,
	RINGMAP_REMOVED,	/* the file has no name any more: gone when the recorder ends */
	RINGMAP_CUT,		/* truncated: what lay behind its end is only in memory */
};

enum ring_map_state ring_map_state(const struct ring_map *ringmap);
const char *ring_map_state_text(enum ring_map_state state);	/* "whole", "removed", "cut" */

#endif
