/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host itself was paused, as a virtual machine is by the one it runs on, or one of its CPUs was: what the gaps in
 * all events (cpu_gaps.h) come to, and who was held up by it.
 */
#ifndef ANALYZER_DETECT_HOST_PAUSE_H
#define ANALYZER_DETECT_HOST_PAUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/observations.h"
#include "analyzer/activity/victims.h"

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

/* The longest pause, if there was one. Return: 0 or -ENOMEM. Free with host_pause_free(). */
int host_pause_find(const struct observations *observations, struct host_pause *ret_pause);
void host_pause_free(struct host_pause *silence);

#endif
