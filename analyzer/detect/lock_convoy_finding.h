/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From examined suspects to findings that a stranger can read and check.
 */
#ifndef ANALYZER_FINDINGS_H
#define ANALYZER_FINDINGS_H

#include <stddef.h>

#include "analyzer/trace/large_calls.h"
#include "analyzer/detect/deadlock.h"
#include "analyzer/detect/busy_thread.h"
#include "analyzer/detect/slow_producer.h"
#include "analyzer/model.h"
#include "analyzer/detect/host_pause.h"
#include "analyzer/detect/spin.h"
#include "analyzer/timeline/stack_info.h"
#include "analyzer/detect/stopped_process.h"
#include "analyzer/blame/contended_lock.h"
#include "analyzer/trace/trigger.h"

struct findings_context {
	const struct stacks *stacks;
	struct stackfacts *stackfacts;
	const struct calls *calls;
	const struct listed *listed;
	uint64_t start_ns;	/* of the capture, on the clock of the events */
};

/**
 * findings_convoy() - mmap-lock-convoy, futex-convoy or kernel-lock-convoy from @suspect.
 *
 * @model: its capture part is complete; gets the finding appended.
 *
 * Return: 0 or -ENOMEM.
 */
int findings_convoy(const struct findings_context *context, const struct suspect *suspect,
		    struct model *model);

/* deadlock. @model: its coverage part is complete. Return: 0 or -ENOMEM. */
int findings_deadlock(const struct findings_context *context, const struct deadlock *deadlock,
		      struct model *model);

/* process-stopped. Return: 0 or -ENOMEM. */
int findings_stopped(const struct findings_context *context, const struct stopped *stopped,
		     struct model *model);

/* busy-thread, or slow-producer for one that slept. Return: 0 or -ENOMEM. */
int findings_episode(const struct findings_context *context, const struct episode *episode,
		     const struct trigger_window *window, struct model *model);

/* slow-producer, or busy-thread where its victims ask it to work. Return: 0 or -ENOMEM. */
int findings_feeder(const struct findings_context *context, const struct feeder *feeder,
		    struct model *model);

/* spin-contention. Return: 0 or -ENOMEM. */
int findings_spin(const struct findings_context *context, const struct spin *spin,
		  struct model *model);

/* host-paused. Return: 0 or -ENOMEM. */
int findings_silence(const struct findings_context *context, const struct silence *silence,
		     struct model *model);

/* no-stall, from the model's stall part. Return: 0 or -ENOMEM. */
int findings_no_stall(struct model *model);

#endif
