/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which triggers become captures: one at a time, a second one extends it or
 * waits for the next, too many are suppressed. Tells those who wait for one. For one thread.
 */
#ifndef RECORDER_DISPATCH_H
#define RECORDER_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "recorder/arm/capture_hook.h"
#include "recorder/arm/status.h"
#include "recorder/arm/control_server.h"
#include "recorder/arm/triggered_capture.h"
#include "recorder/trigger/trigger_queue.h"

struct dispatch;

struct dispatch_options {
	struct incident_options incident; /* of each */
	struct triggers *triggers;
	struct control *control;
	struct after *after;	/* NULL: nothing is run */
	const char *dir;	/* of the captures, for messages */
	uint64_t cooldown_ns;
	bool quiet;
};

int dispatch_create(const struct dispatch_options *options, struct dispatch **ret_dispatch);
void dispatch_destroy(struct dispatch *dispatch);

void dispatch_trigger(struct dispatch *dispatch, const struct trigger *trigger);

/* A question CONTROL_TRIGGER. */
void dispatch_request(struct dispatch *dispatch, const struct control_request *request);

/* To be called when options.incident.done_fd is readable. */
void dispatch_look(struct dispatch *dispatch);

/* No more captures; the one under way ends now, with what there is. Its command and those that run
 * have some seconds. */
void dispatch_end(struct dispatch *dispatch);

/* Is a capture under way, or when it has ended, a command? */
bool dispatch_busy(const struct dispatch *dispatch);

/* Fills in triggers, capturing and captures; its texts are borrowed until the next call of any of these. */
void dispatch_status(struct dispatch *dispatch, struct arm_status *status);

#endif
