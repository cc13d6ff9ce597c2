/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring file of an armed recorder, mapped and locked into memory: what is
 * put there outlives the recorder.
 *
 * Somebody may truncate or remove the file: recording goes on in memory, and ringmap_state()
 * says so.
 * One ring file a process.
 */
#ifndef RECORDER_RINGMAP_H
#define RECORDER_RINGMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/facts.h"
#include "capture/ringfile.h"
#include "recorder/perf/diagnostic.h"
#include "recorder/buffer/segment_ring.h"

#define RINGMAP_BYTES	   (64u << 20)
#define RINGMAP_SLOT_BYTES (64u << 10)

struct ringmap;

struct ringmap_options {
	const char *path;	/* NULL: ringplace_default() */
	uint64_t bytes;		/* at most; 0: RINGMAP_BYTES */
	uint32_t slot_bytes;	/* 0: RINGMAP_SLOT_BYTES */
};

/**
 * ringmap_open() - make the ring file, with all the memory it needs.
 *
 * Return: 0, or a negative errno with the words in @ret_refusal: those of ringplace_open(), -EINVAL
 * (impossible size), -ENOSPC, -ENOMEM ...
 */
int ringmap_open(const struct ringmap_options *options, struct ringmap **ret_ringmap,
		 struct refusal *ret_refusal);

/* @keep: the file stays, for analyze. Not while anybody uses the memory. */
void ringmap_close(struct ringmap *ringmap, bool keep);

const char *ringmap_path(const struct ringmap *ringmap);
const struct ft_ringfile *ringmap_layout(const struct ringmap *ringmap);

/* What a person should know from the start: a sentence for each @place up from 0, then NULL. */
const char *ringmap_note(const struct ringmap *ringmap, size_t place);

/* The path of what is kept of a recorder that was killed, as ringplace_kept(). From any thread. */
bool ringmap_kept(const struct ringmap *ringmap, size_t index, char *ret_path, size_t path_bytes);

/* Slots in the file, for the recording path; to be destroyed before the ringmap is closed. Return:
 * as slots_create(). */
int ringmap_slots(struct ringmap *ringmap, struct slots **ret_slots);

/*
 * The rest is for one thread, and not for that of the recording path.
 */

/* Return: 0, -EMSGSIZE (they do not fit: the older ones stay), -ENOMEM. */
int ringmap_put_facts(struct ringmap *ringmap, const struct ft_facts *facts);

/* @ringmap: a struct ringmap, for this to be the emit() of ft_symbols_write(). Return: 0, -ENOSPC
 * (full), -ENOMEM. */
int ringmap_put_names(void *ringmap, const void *payload, size_t payload_bytes);

/* A sealed segment of FT_NO_CPU. @ringmap: for this to be the visit() of ownlog_take(). Return: 0,
 * -EMSGSIZE (longer than a slot). */
int ringmap_put_own(void *ringmap, const void *segment, size_t segment_bytes);

enum ringmap_state {
	RINGMAP_WHOLE,
	RINGMAP_REMOVED,	/* the file has no name any more: gone when the recorder ends */
	RINGMAP_CUT,		/* truncated: what lay behind its end is only in memory */
};

enum ringmap_state ringmap_state(const struct ringmap *ringmap);
const char *ringmap_state_text(enum ringmap_state state);	/* "whole", "removed", "cut" */

#endif
