/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns triggers into captures, one at a time. A trigger during a capture extends it, or waits for
 * the next one; after a capture triggers are suppressed for the cooldown. Clients that wait for a
 * capture get their answer. All functions are for one thread.
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
	struct triggered_capture_options capture; /* of each capture */
	struct trigger_queue *triggers;
	struct control *control;
	struct capture_hook *hook;	/* NULL: nothing is run */
	const char *dir;	/* of the captures, for messages */
	uint64_t cooldown_ns;
	bool quiet;
};

int trigger_dispatch_create(const struct trigger_dispatch_options *options,
			    struct trigger_dispatch **ret_dispatch);
void trigger_dispatch_destroy(struct trigger_dispatch *dispatch);

void trigger_dispatch_trigger(struct trigger_dispatch *dispatch, const struct trigger *trigger);

/* @request: CONTROL_TRIGGER. */
void trigger_dispatch_request(struct trigger_dispatch *dispatch,
			      const struct control_request *request);

/* Call it when options.capture.done_fd is readable. */
void trigger_dispatch_look(struct trigger_dispatch *dispatch);

/* What the current capture, if any, was triggered for goes on: see triggered_capture_hold(). */
void trigger_dispatch_hold(struct trigger_dispatch *dispatch, uint64_t until_ns);

/* Start no more captures and end the current one now. Its command, and those that run, have some
 * seconds more. */
void trigger_dispatch_end(struct trigger_dispatch *dispatch);

/* Does a capture run? After trigger_dispatch_end(): or a command? */
bool trigger_dispatch_busy(const struct trigger_dispatch *dispatch);

/* Fills in triggers, last_failure, capturing and captures. Texts are borrowed until the next
 * call of any of these functions. */
void trigger_dispatch_status(struct trigger_dispatch *dispatch, struct status *status);

#endif
