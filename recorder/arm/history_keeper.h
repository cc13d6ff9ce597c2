/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps what captures need to know about the history in the segment ring: mappings, unwound
 * stacks, states of the target, and the recorder's own events. A thread of its own does it while
 * the recorder is armed.
 */
#ifndef RECORDER_ARM_HISTORY_KEEPER_H
#define RECORDER_ARM_HISTORY_KEEPER_H

#include <stdint.h>

#include "recorder/record/engine.h"
#include "recorder/proc/target_finder.h"
#include "recorder/symbols/mappings.h"
#include "recorder/buffer/recorder_events.h"

struct history_keeper;

/* Reads the maps of all processes, before anything freezes. @ringmap: may be NULL. Return: 0 or
 * -ENOMEM. */
int history_keeper_create(struct engine *engine, struct target_finder *finder,
			  struct ring_map *ringmap, struct history_keeper **ret_keeper);
void history_keeper_destroy(struct history_keeper *keeper);	/* not while it runs */

int history_keeper_start(struct history_keeper *keeper);		/* 0 or the errno of pthread_create() */
void history_keeper_stop(struct history_keeper *keeper);

/* Copy the mappings of all processes in the history. Return: 0 or -ENOMEM. */
int history_keeper_copy_mappings(struct history_keeper *keeper, struct mappings **ret_mappings);

/* Note what could not be read when arming. */
void history_keeper_note_limits(const struct history_keeper *keeper,
				struct recorder_events *own_events);

/* A capture begins: read again at what the target's threads wait. From any thread. */
void history_keeper_refresh_objects(struct history_keeper *keeper);

/* Add an event of the recorder, see event_list_add(). @keeper is void so that this can be an emit()
 * callback. */
void history_keeper_add_event(void *keeper, const struct ft_event *event);

/* Copy these events, from @since_ns on. */
void history_keeper_copy_events(struct history_keeper *keeper, uint64_t since_ns,
				struct recorder_events *own_events);

/* Copy the states that the target's threads had when it was found, if that was after @since_ns. */
void history_keeper_copy_states(struct history_keeper *keeper, uint64_t since_ns,
				struct recorder_events *own_events);

/**
 * history_keeper_copy_unwound() - copy the unwound stacks of large calls.
 *
 * @mappings: used to unwind the remaining dumps now, before @deadline_ms. NULL: they are left for later.
 * @seen:     at first 0; only stacks that are new since the last call with it are copied.
 */
void history_keeper_copy_unwound(struct history_keeper *keeper, const struct mappings *mappings,
				 uint64_t *seen, int deadline_ms,
				 struct recorder_events *own_events);

#endif
