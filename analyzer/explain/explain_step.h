/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step of an explanation: one reading of the source that watches some
 * waits and some actors.
 */
#ifndef ANALYZER_EXPLAIN_EXPLAIN_STEP_H
#define ANALYZER_EXPLAIN_EXPLAIN_STEP_H

#include "analyzer/activity/cpu_occupants.h"
#include "analyzer/activity/thread_waits.h"
#include "analyzer/explain/explain.h"
#include "analyzer/explain/explain_view.h"

struct explain_step;

/* Watch the waits and actors of @explanation from these numbers on; of the actors those that go
 * on. @context must outlive it. Return: 0 or -ENOMEM. */
int explain_step_create(const struct explain_context *context,
			const struct explanation *explanation, size_t waits_from,
			size_t actors_from, struct explain_step **ret_step);
void explain_step_destroy(struct explain_step *step);

/* Return: 0, -ENOMEM, -EIO. */
int explain_step_run(struct explain_step *step, struct source *source);

/* What was seen, by the numbers of the explanation. Each returns 0 or -ENOMEM; what was written is
 * the caller's to free, also on failure. */
int explain_step_wait_trail(const struct explain_step *step, size_t wait,
			    struct explain_trail *ret_trail);
int explain_step_actor(const struct explain_step *step, size_t actor,
		       struct deeds_story *ret_story, struct explain_trail *ret_trail);

/* Who had the CPU that a wait was for. Return: how many. */
size_t explain_step_occupants(const struct explain_step *step, size_t wait,
			      struct cpu_occupant *ret_occupants, size_t room);

#endif
