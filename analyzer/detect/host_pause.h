/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times in which no CPU of the host did anything at all, although something was due: the host itself was
 * paused, as a virtual machine is by the one it runs on. Or one of its CPUs was.
 *
 * A quiet host is silent too. What was due is told by a CPU that ran one thread before and after, and would have
 * been sampled meanwhile; and by the recorder's own thread, which wakes at least every 250 ms.
 */
#ifndef ANALYZER_DETECT_HOST_PAUSE_H
#define ANALYZER_DETECT_HOST_PAUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/source.h"
#include "analyzer/timeline/stack_info.h"
#include "analyzer/blame/contended_lock.h"
#include "analyzer/trace/target.h"

struct host_pauses;

/* @start_ns: of the recording. @recorder_tgid: 0: not known. @sampled_within_ns: as timeline_samples() has it. */
int host_pauses_create(uint64_t start_ns, int32_t recorder_tgid, uint64_t sampled_within_ns,
		    struct host_pauses **ret_silences);
void host_pauses_destroy(struct host_pauses *silences);

/* Feed every event. 0 or -ENOMEM. */
int host_pauses_event(struct host_pauses *silences, const struct event *event);

struct host_pause {
	bool found;
	uint64_t start_ns, end_ns;	/* the longest one */
	const struct thread *ran;	/* was running before and after, and not sampled between; NULL */
	uint32_t cpu;			/* where it ran */
	bool one_cpu;			/* that one alone was silent, the others went on */
	bool of_target;			/* it is one of the target's */
	bool recorder_missed;		/* the recorder's own wake-ups are missing, too */
	uint32_t count;			/* of all such silences in the capture ... */
	uint64_t total_ns;		/* ... and how long they are together */
	struct victim *victims;		/* threads of the target that wanted to run meanwhile */
	size_t victim_count;
};

/**
 * host_pauses_find() - the longest silence, after the last event.
 *
 * One that a loss of events touches is none. Reads the source again where there is one. Return: 0, -ENOMEM, -EIO. Free with host_pause_free().
 */
int host_pauses_find(struct host_pauses *silences, struct source *source,
		  struct stack_infos *stackfacts, struct target *target, struct host_pause *ret_silence);
void host_pause_free(struct host_pause *silence);

#endif
