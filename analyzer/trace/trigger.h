/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time span that a capture's trigger is about: somebody waited for the target from then to
 * then.
 */
#ifndef ANALYZER_TRACE_TRIGGER_H
#define ANALYZER_TRACE_TRIGGER_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/facts.h"

struct trigger_window {
	bool proves;		/* somebody asked the target and had to wait */
	bool failed_at_once;	/* the probe got errors, not late answers: nobody waited */
	bool probed;		/* the recorder's own probe asked; else somebody else reports it */
	bool since_said;	/* the reason gives the duration; else it is the shortest a stall has */
	uint64_t since_ns, until_ns;	/* clock of the events */
	uint64_t about_ns;	/* the freeze was not over then, roughly; 0: there was no trigger */
};

/* Read the facts on the trigger; proves is false where there is no trigger that proves it. */
struct trigger_window trigger_window_read(const struct ft_facts *facts);

#endif
