/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring file of an armed recorder, mapped and locked into memory. Its content outlives the
 * recorder.
 *
 * Where the file is truncated or removed, recording goes on in memory, and ring_map_state() says
 * so. A process has one ring file.
 */
#ifndef RECORDER_BUFFER_RING_MAP_H
#define RECORDER_BUFFER_RING_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct diagnostic;
struct ft_facts;
struct ft_ringfile;
struct segment_ring;

#define RING_MAP_BYTES	    (64u << 20)
#define RING_MAP_SLOT_BYTES (64u << 10)

struct ring_map;

struct ring_map_options {
	const char *path;	/* NULL: ring_path_default() */
	uint64_t bytes;		/* at most; 0: RING_MAP_BYTES */
	uint32_t slot_bytes;	/* 0: RING_MAP_SLOT_BYTES */
};

/**
 * ring_map_open() - make the ring file, with all the memory it needs.
 *
 * Return: 0, or a negative errno with the words in @ret_diagnostic: those of ring_path_open(),
 * -EINVAL (impossible size), -ENOSPC, -ENOMEM ...
 */
int ring_map_open(const struct ring_map_options *options, struct ring_map **ret_map,
		  struct diagnostic *ret_diagnostic);

/* @keep leaves the file for analyze. Nobody may use the memory any more. */
void ring_map_close(struct ring_map *map, bool keep);

const char *ring_map_path(const struct ring_map *map);
const struct ft_ringfile *ring_map_layout(const struct ring_map *map);

/* What a person should know from the start: a sentence for each @place from 0 up, then NULL. */
const char *ring_map_note(const struct ring_map *map, size_t place);

/* As ring_path_kept(), with the whole path. From any thread. */
bool ring_map_kept(const struct ring_map *map, size_t index, char *ret_path, size_t path_bytes);

/* The slots in the file, as by segment_ring_create(). Destroy them before the map is closed. */
int ring_map_slots(struct ring_map *map, struct segment_ring **ret_slots);

/*
 * The rest is for one thread, which is not that of the recording path.
 */

/* Return: 0, -EMSGSIZE (they do not fit; the older facts stay), -ENOMEM. */
int ring_map_put_facts(struct ring_map *map, const struct ft_facts *facts);

/* @map is a struct ring_map, so that this can be the emit() of ft_symbols_write(). Return: 0,
 * -ENOSPC (full), -ENOMEM. */
int ring_map_put_names(void *map, const void *payload, size_t payload_bytes);

/* Put a sealed segment of FT_NO_CPU. @map is a struct ring_map, so that this can be the visit() of
 * recorder_events_take(). Return: 0, -EMSGSIZE (longer than a slot). */
int ring_map_put_own(void *map, const void *segment, size_t segment_bytes);

enum ring_map_state {
	RING_MAP_WHOLE,
	RING_MAP_REMOVED,	/* the file has no name, and goes when the recorder ends */
	RING_MAP_CUT,		/* truncated: what lay behind its end is only in memory */
};

enum ring_map_state ring_map_state(const struct ring_map *map);
const char *ring_map_state_text(enum ring_map_state state);	/* "whole", "removed", "cut" */

#endif
