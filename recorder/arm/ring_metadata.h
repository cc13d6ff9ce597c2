/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes what the ring file holds besides events: facts, names of kernel functions, and own
 * events. With them it can be analyzed after its recorder was killed.
 */
#ifndef RECORDER_ARM_RING_METADATA_H
#define RECORDER_ARM_RING_METADATA_H

#include "recorder/record/engine.h"
#include "recorder/proc/target_finder.h"
#include "recorder/buffer/recorder_events.h"
#include "recorder/buffer/ring_map.h"

struct ring_metadata;

/* All arguments stay the caller's. Return: 0 or -ENOMEM. */
int ring_metadata_create(struct ring_map *ringmap, const struct engine *engine,
			 struct target_finder *finder, struct ring_metadata **ret_metadata);
void ring_metadata_destroy(struct ring_metadata *metadata);

/* Have the kernel frames of @stack named. Beyond 65536 addresses they get no names. */
void ring_metadata_add_stack(struct ring_metadata *metadata, const struct ft_stack *stack);

/* For the caller to add own events to. */
struct recorder_events *ring_metadata_own_events(struct ring_metadata *metadata);

/* Write what is new; the facts about once a second. */
void ring_metadata_write(struct ring_metadata *metadata, uint64_t now_ns);

#endif
