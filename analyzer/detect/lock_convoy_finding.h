/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From examined suspects to findings that a stranger can read and check.
 */
#ifndef ANALYZER_DETECT_LOCK_CONVOY_FINDING_H
#define ANALYZER_DETECT_LOCK_CONVOY_FINDING_H

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
	const struct observations *observations;
	const struct stack_table *stacks;
	struct stack_infos *stackfacts;
	const struct large_calls *calls;
	const struct proc_locks *listed;
	uint64_t start_ns;	/* of the capture, on the clock of the events */
};

/**
 * lock_convoy_finding() - mmap-lock-convoy, futex-convoy or kernel-lock-convoy from @suspect.
 *
 * @model: its capture part is complete; gets the finding appended.
 *
 * Return: 0 or -ENOMEM.
 */
int lock_convoy_finding(const struct findings_context *context, const struct contended_lock *suspect,
		    struct model *model);

/* deadlock. @model: its coverage part is complete. Return: 0 or -ENOMEM. */
int deadlock_finding(const struct findings_context *context, const struct deadlock *deadlock,
		      struct model *model);

/* process-stopped. Return: 0 or -ENOMEM. */
int stopped_process_finding(const struct findings_context *context, const struct stopped_process *stopped,
		     struct model *model);

/* busy-thread, or slow-producer for one that slept. Return: 0 or -ENOMEM. */
int busy_thread_finding(const struct findings_context *context, const struct busy_thread *episode,
		     const struct trigger_window *window, struct model *model);

/* slow-producer, or busy-thread where its victims ask it to work. Return: 0 or -ENOMEM. */
int slow_producer_finding(const struct findings_context *context, const struct slow_producer *feeder,
		    struct model *model);

/* spin-contention. Return: 0 or -ENOMEM. */
int spin_finding(const struct findings_context *context, const struct spin *spin,
		  struct model *model);

/* host-paused. Return: 0 or -ENOMEM. */
int host_pause_finding(const struct findings_context *context, const struct host_pause *silence,
		     struct model *model);

/* no-stall, from the model's stall part. Return: 0 or -ENOMEM. */
int no_stall_finding(struct model *model);

#endif
