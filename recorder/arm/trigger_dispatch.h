/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which triggers become captures: one at a time, a second one extends it or
 * waits for the next, too many are suppressed. Tells those who wait for one. For one thread.
 */
#ifndef RECORDER_ARM_TRIGGER_DISPATCH_H
#define RECORDER_ARM_TRIGGER_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "recorder/arm/capture_hook.h"
#include "recorder/arm/status.h"
#include "recorder/arm/control_server.h"
#include "recorder/arm/triggered_capture.h"
#include "recorder/trigger/trigger_queue.h"

struct trigger_dispatch;

struct trigger_dispatch_options {
	struct triggered_capture_options capture; /* of each */
	struct trigger_queue *triggers;
	struct control *control;
	struct capture_hook *hook;	/* NULL: nothing is run */
	const char *dir;	/* of the captures, for messages */
	uint64_t cooldown_ns;
	bool quiet;
};

int trigger_dispatch_create(const struct trigger_dispatch_options *options, struct trigger_dispatch **ret_dispatch);
void trigger_dispatch_destroy(struct trigger_dispatch *dispatch);

void trigger_dispatch_trigger(struct trigger_dispatch *dispatch, const struct trigger *trigger);

/* A question CONTROL_TRIGGER. */
void trigger_dispatch_request(struct trigger_dispatch *dispatch, const struct control_request *request);

/* To be called when options.incident.done_fd is readable. */
void trigger_dispatch_look(struct trigger_dispatch *dispatch);

/* No more captures; the one under way ends now, with what there is. Its command and those that run
 * have some seconds. */
void trigger_dispatch_end(struct trigger_dispatch *dispatch);

/* Is a capture under way, or when it has ended, a command? */
bool trigger_dispatch_busy(const struct trigger_dispatch *dispatch);

/* Fills in triggers, capturing and captures; its texts are borrowed until the next call of any of these. */
void trigger_dispatch_status(struct trigger_dispatch *dispatch, struct status *status);

#endif
