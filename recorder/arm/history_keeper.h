/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Housekeeping of an armed recorder, in a thread of its own: what a capture
 * needs to know of the time before its trigger is kept up while there is none.
 */
#ifndef RECORDER_ARM_HISTORY_KEEPER_H
#define RECORDER_ARM_HISTORY_KEEPER_H

#include <stdint.h>

#include "recorder/record/engine.h"
#include "recorder/proc/target_finder.h"
#include "recorder/symbols/mappings.h"
#include "recorder/buffer/recorder_events.h"

struct history_keeper;

/* Reads the maps of all processes there are: before anything freezes. @ringmap: may be NULL. Return: 0 or
 * -ENOMEM. */
int history_keeper_create(struct engine *engine, struct target_finder *finder, struct ring_map *ringmap,
		 struct history_keeper **ret_keeper);
void history_keeper_destroy(struct history_keeper *keeper);	/* not while it runs */

int history_keeper_start(struct history_keeper *keeper);		/* 0 or the errno of pthread_create() */
void history_keeper_stop(struct history_keeper *keeper);

/* Those of all processes that the history in the slots may hold. Return: 0 or -ENOMEM. */
int history_keeper_copy_mappings(struct history_keeper *keeper, struct mappings **ret_mappings);

/* What could not be read when arming. */
void history_keeper_note_limits(const struct history_keeper *keeper, struct recorder_events *own_events);

/* An event of the recorder that belongs to the history: STATE or NOTE. @house: so that it can be the emit() of watch.h. */
void history_keeper_add_event(void *keeper, const struct ft_event *event);

/* Those of @since_ns and later. */
void history_keeper_copy_events(struct history_keeper *keeper, uint64_t since_ns, struct recorder_events *own_events);

/* States of the target's threads when it was found, if that is since @since_ns. */
void history_keeper_copy_states(struct history_keeper *keeper, uint64_t since_ns, struct recorder_events *own_events);

/**
 * history_keeper_copy_unwound() - user stacks of large calls in the history, those that are new since the last
 * call with this @seen, at first 0.
 *
 * @mappings: with them what was not unwound yet is unwound now, before @deadline_ms. NULL: that is left for later.
 */
void history_keeper_copy_unwound(struct history_keeper *keeper, const struct mappings *mappings, uint64_t *seen,
		       int deadline_ms, struct recorder_events *own_events);

#endif
