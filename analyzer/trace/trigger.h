/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a trigger says about time: somebody waited for the target since then.
 */
#ifndef ANALYZER_TRACE_TRIGGER_H
#define ANALYZER_TRACE_TRIGGER_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/facts.h"

struct trigger_window {
	bool proves;		/* someone asked the target and had to wait */
	bool failed_at_once;	/* the probe's answers were bad, not late: nobody waited */
	bool probed;		/* it was the recorder's own probe that asked; else we were told */
	bool since_said;	/* the reason says for how long; else the window is the least that makes a stall */
	uint64_t since_ns, until_ns;	/* clock of the events */
	uint64_t about_ns;	/* what it is about was not over then, give or take; 0: there was no trigger */
};

/* From the capture's facts on its trigger; proves is false where there is no such trigger. */
struct trigger_window trigger_window_read(const struct ft_facts *facts);

#endif
