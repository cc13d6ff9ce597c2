/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ring file holds besides the events, so that it can be read when its
 * recorder was killed: facts, names of the kernel's functions, own events.
 */
#ifndef RECORDER_RINGKEEPER_H
#define RECORDER_RINGKEEPER_H

#include "recorder/record/engine.h"
#include "recorder/proc/target_finder.h"
#include "recorder/buffer/recorder_events.h"
#include "recorder/buffer/ring_map.h"

struct ringkeeper;

/* All arguments stay the caller's. Return: 0 or -ENOMEM. */
int ringkeeper_create(struct ringmap *ringmap, const struct engine *engine, struct finder *finder,
		      struct ringkeeper **ret_keeper);
void ringkeeper_destroy(struct ringkeeper *keeper);

/* The kernel's frames of @stack will need names. What there is no memory for has none. */
void ringkeeper_add_stack(struct ringkeeper *keeper, const struct ft_stack *stack);

/* For events of the recorder itself. */
struct ownlog *ringkeeper_ownlog(struct ringkeeper *keeper);

/* Write what is new; the facts about once a second. */
void ringkeeper_write(struct ringkeeper *keeper, uint64_t now_ns);

#endif
