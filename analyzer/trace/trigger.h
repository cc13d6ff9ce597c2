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
	bool since_said;	/* the reason, or a note, gives the duration; else it is the shortest a stall has */
	bool noted;		/* a note does */
	uint64_t since_ns, until_ns;	/* clock of the events */
	uint64_t trigger_ns;
	uint64_t about_ns;	/* the freeze was not over then, roughly; 0: there was no trigger */
};

/**
 * trigger_nearness() - how much of what was lost from @start_ns to @end_ns counts, where one of
 * several such spans is to be the one that the trigger tells of.
 *
 * A watchdog is a second late, a person is later: what ended a second before has to be twice as bad
 * as what was still there.
 *
 * Return: from 1, where somebody waited then, or there was no trigger, down to 0.
 */
double trigger_nearness(const struct trigger_window *window, uint64_t start_ns, uint64_t end_ns);

/**
 * trigger_window_note() - a note of the recorder that may tell since when a probe waited.
 *
 * It counts where the trigger itself does not say since when, and the probe waited in the time that
 * the trigger may be about. Of several the last one counts: give them in order of time.
 */
void trigger_window_note(struct trigger_window *window, uint64_t at_ns, const char *text);

/* Read the facts on the trigger; proves is false where there is no trigger that proves it. */
struct trigger_window trigger_window_read(const struct ft_facts *facts);

#endif
