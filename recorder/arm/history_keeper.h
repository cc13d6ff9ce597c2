/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Housekeeping of an armed recorder, in a thread of its own: what a capture
 * needs to know of the time before its trigger is kept up while there is none.
 */
#ifndef RECORDER_HOUSE_H
#define RECORDER_HOUSE_H

#include <stdint.h>

#include "recorder/record/engine.h"
#include "recorder/proc/target_finder.h"
#include "recorder/symbols/mappings.h"
#include "recorder/buffer/recorder_events.h"

struct house;

/* Reads the maps of all processes there are: before anything freezes. @ringmap: may be NULL. Return: 0 or
 * -ENOMEM. */
int house_create(struct engine *engine, struct finder *finder, struct ringmap *ringmap,
		 struct house **ret_house);
void house_destroy(struct house *house);	/* not while it runs */

int house_start(struct house *house);		/* 0 or the errno of pthread_create() */
void house_stop(struct house *house);

/* Those of all processes that the history in the slots may hold. Return: 0 or -ENOMEM. */
int house_copy_mappings(struct house *house, struct mappings **ret_mappings);

/* What could not be read when arming. */
void house_note_limits(const struct house *house, struct ownlog *ownlog);

/* An event of the recorder that belongs to the history: STATE or NOTE. @house: so that it can be the emit() of watch.h. */
void house_keep(void *house, const struct ft_event *event);

/* Those of @since_ns and later. */
void house_add_kept(struct house *house, uint64_t since_ns, struct ownlog *ownlog);

/* States of the target's threads when it was found, if that is since @since_ns. */
void house_add_states(struct house *house, uint64_t since_ns, struct ownlog *ownlog);

/**
 * house_add_unwound() - user stacks of large calls in the history, those that are new since the last
 * call with this @seen, at first 0.
 *
 * @mappings: with them what was not unwound yet is unwound now, before @deadline_ms. NULL: that is left for later.
 */
void house_add_unwound(struct house *house, const struct mappings *mappings, uint64_t *seen,
		       int deadline_ms, struct ownlog *ownlog);

#endif
