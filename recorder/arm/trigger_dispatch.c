/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/arm/trigger_dispatch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/base/clock.h"
#include "recorder/base/message.h"

#define WAITING_MAX 64
/* Time for commands of --on-capture when the recorder ends. Who stops it has to wait for so long. */
#define HOOK_END_NS   10000000000ull
#define PATH_BYTES    (PATH_MAX + CAPTURE_NAME_BYTES)
#define FAILURE_BYTES 160

/* A client that waits for the capture of its trigger. */
struct waiting {
	int client;
	uint64_t number; /* of the trigger */
	enum { NOT_TAKEN, IN_PRESENT, IN_NEXT } stage;
};

/* A finished or failed capture. */
struct past {
	char path[PATH_BYTES], reason[TRIGGER_SOURCE_BYTES + TRIGGER_REASON_BYTES + 2];
	uint64_t bytes;
	int64_t at_ns;
	bool removed; /* to make room for later ones */
};

struct trigger_dispatch {
	struct trigger_dispatch_options options;
	struct triggered_capture *present;
	struct trigger next; /* number 0: none */
	uint64_t last_end_ns; /* 0: there was no capture yet */
	bool ending;
	struct waiting waiting[WAITING_MAX];
	size_t waiting_count;
	uint64_t seen, captured, suppressed, joined, failed;
	struct past failure; /* the last one; has no bytes */
	char failure_text[FAILURE_BYTES];
	struct past past[STATUS_CAPTURES_MAX]; /* number n is at n % STATUS_CAPTURES_MAX */
	char path[PATH_BYTES]; /* of the current capture, for status */
};

int trigger_dispatch_create(const struct trigger_dispatch_options *options,
			    struct trigger_dispatch **ret_dispatch)
{
	struct trigger_dispatch *dispatch = calloc(1, sizeof(*dispatch));
	if (!dispatch)
		return -ENOMEM;
	dispatch->options = *options;
	*ret_dispatch = dispatch;
	return 0;
}

void trigger_dispatch_destroy(struct trigger_dispatch *dispatch)
{
	free(dispatch);
}

/* Clients that wait. */

static void set_stage(struct trigger_dispatch *dispatch, uint64_t number, int stage)
{
	for (size_t i = 0; i < dispatch->waiting_count; i++)
		if (dispatch->waiting[i].number == number)
			dispatch->waiting[i].stage = stage;
}

/* @file: NULL if there is none, because of @error. */
static void answer_waiting(struct trigger_dispatch *dispatch, int stage, const char *file,
			   const char *error)
{
	struct control *control = dispatch->options.control;
	size_t kept = 0;
	for (size_t i = 0; i < dispatch->waiting_count; i++) {
		const struct waiting *waiting = &dispatch->waiting[i];
		if ((int)waiting->stage != stage)
			dispatch->waiting[kept++] = *waiting;
		else if (file)
			control_answer_trigger(control, waiting->client, waiting->number, file);
		else
			control_answer_error(control, waiting->client, error);
	}
	dispatch->waiting_count = kept;
}

void trigger_dispatch_request(struct trigger_dispatch *dispatch,
			      const struct control_request *request)
{
	struct control *control = dispatch->options.control;
	if (dispatch->ending) {
		control_answer_error(control, request->client, "the recorder is ending");
		return;
	}
	if (request->wait && dispatch->waiting_count == WAITING_MAX) {
		control_answer_error(control, request->client, "too many wait already");
		return;
	}
	uint64_t number =
		trigger_queue_post(dispatch->options.triggers, "socket", 0, "%s", request->reason);
	if (!number)
		control_answer_error(control, request->client, "too many triggers wait already");
	else if (!request->wait)
		control_answer_trigger(control, request->client, number, NULL);
	else
		dispatch->waiting[dispatch->waiting_count++] = (struct waiting){
			.client = request->client,
			.number = number,
			.stage = NOT_TAKEN,
		};
}

/* Failures. */

/* @error: positive errno. Adds what helps against it, if that is known. */
static void describe_failure(int error, char ret_text[FAILURE_BYTES])
{
	char why[64];
	bool full = error == ENOSPC || error == EDQUOT;

	snprintf(ret_text, FAILURE_BYTES, "%s%s", strerror_r(error, why, sizeof(why)),
		 full ? ": free some in the directory of the captures, or arm with -o on another "
			"disk"
		      : "");
}

static void fill_past(struct past *past, const struct trigger *trigger, const char *path)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(past->path, sizeof(past->path), "%s", path);
	snprintf(past->reason, sizeof(past->reason), "%s: %s", trigger->source, trigger->reason);
	past->at_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec -
		      (int64_t)(clock_now_ns() - trigger->time_ns);
}

static void note_failure(struct trigger_dispatch *dispatch, const struct trigger *trigger,
			 const char *path, int error)
{
	dispatch->failed++;
	fill_past(&dispatch->failure, trigger, path);
	describe_failure(error, dispatch->failure_text);
	message_error("%s: no capture: %s.", path, dispatch->failure_text);
	answer_waiting(dispatch, IN_PRESENT, NULL, dispatch->failure_text);
}

/* Triggers. */

static void start_capture(struct trigger_dispatch *dispatch, const struct trigger *trigger)
{
	int error =
		triggered_capture_start(&dispatch->options.capture, trigger, &dispatch->present);

	set_stage(dispatch, trigger->number, IN_PRESENT);
	if (error)
		note_failure(dispatch, trigger, dispatch->options.dir, -error);
}

/* A capture that a person asks for is never suppressed. */
static bool is_asked_for(const struct trigger *trigger)
{
	return !strcmp(trigger->source, "socket") || !strcmp(trigger->source, "signal");
}

static bool is_cooling(const struct trigger_dispatch *dispatch)
{
	return dispatch->last_end_ns &&
	       clock_now_ns() - dispatch->last_end_ns < dispatch->options.cooldown_ns;
}

static void queue_trigger(struct trigger_dispatch *dispatch, const struct trigger *trigger)
{
	if (dispatch->next.number)
		dispatch->joined++;
	else
		dispatch->next = *trigger;
	set_stage(dispatch, trigger->number, IN_NEXT);
}

static void log_trigger(const struct trigger_dispatch *dispatch, const struct trigger *trigger,
			const char *what)
{
	if (!dispatch->options.quiet)
		message_event("%s: %s: %s.", trigger->source, trigger->reason, what);
}

void trigger_dispatch_trigger(struct trigger_dispatch *dispatch, const struct trigger *trigger)
{
	dispatch->seen++;
	if (dispatch->ending) {
		set_stage(dispatch, trigger->number, IN_NEXT);
		answer_waiting(dispatch, IN_NEXT, NULL, "the recorder is ending");
	} else if (dispatch->present && triggered_capture_extend(dispatch->present, trigger)) {
		dispatch->joined++;
		set_stage(dispatch, trigger->number, IN_PRESENT);
		log_trigger(dispatch, trigger, "the capture under way covers it");
	} else if (dispatch->present) {
		queue_trigger(dispatch, trigger);
		log_trigger(dispatch, trigger, "next, after the capture that is being sealed");
	} else if (!is_asked_for(trigger) && is_cooling(dispatch)) {
		dispatch->suppressed++;
		log_trigger(dispatch, trigger, "suppressed, so soon after the last capture");
	} else {
		log_trigger(dispatch, trigger, "capturing");
		start_capture(dispatch, trigger);
	}
}

/* Captures. */

static void add_past(struct trigger_dispatch *dispatch, const struct trigger *trigger,
		     const char *path, const struct triggered_capture_result *result)
{
	struct past *past = &dispatch->past[dispatch->captured++ % STATUS_CAPTURES_MAX];

	fill_past(past, trigger, path);
	past->bytes = result->file.bytes;
	past->removed = false;
}

/* Captures were removed to keep within --max-captures and --max-disk. */
static void note_removed(struct trigger_dispatch *dispatch,
			 const struct capture_dir_removed *removed)
{
	char path[PATH_BYTES];

	for (uint32_t i = 0; i < removed->count && i < CAPTURE_REMOVED_MAX; i++) {
		snprintf(path, sizeof(path), "%s/%s", dispatch->options.dir, removed->names[i]);
		if (!dispatch->options.quiet)
			message_event("%s was removed: --max-captures or --max-disk allow no more.",
				      path);
		for (size_t j = 0; j < STATUS_CAPTURES_MAX; j++)
			if (!strcmp(dispatch->past[j].path, path))
				dispatch->past[j].removed = true;
	}
	if (removed->count > CAPTURE_REMOVED_MAX && !dispatch->options.quiet)
		message_event("%s: %u more were removed.", dispatch->options.dir,
			      removed->count - CAPTURE_REMOVED_MAX);
}

static void log_result(const struct trigger_dispatch *dispatch, const char *path,
		       const struct triggered_capture_result *result)
{
	char lost[32] = "none";

	if (result->error)
		message_error("%s: writing ended early: %s. What was written until then is kept.",
			      path, strerror(-result->error));
	if (dispatch->options.quiet)
		return;
	if (result->file.lost)
		snprintf(lost, sizeof(lost), "%llu", (unsigned long long)result->file.lost);
	message_event("%s: %.1f MB, %.1f s, of them %.1f s before the trigger, %llu events, %s "
		      "lost; whole after %.0f ms.",
		      path, (double)result->file.bytes / 1e6, (double)result->duration_ns / 1e9,
		      (double)result->history_ns / 1e9, (unsigned long long)result->file.events,
		      lost, (double)result->sealed_ns / 1e6);
}

/* The time of the commands begins at the end of the last capture. */
static void limit_hook(struct trigger_dispatch *dispatch)
{
	if (dispatch->ending && !dispatch->present && dispatch->options.hook)
		capture_hook_end(dispatch->options.hook, clock_now_ns() + HOOK_END_NS);
}

static void finish_present(struct trigger_dispatch *dispatch)
{
	struct trigger trigger = *triggered_capture_trigger(dispatch->present);
	struct triggered_capture_result result;
	char path[PATH_BYTES];

	triggered_capture_finish(dispatch->present, &result);
	dispatch->present = NULL;
	limit_hook(dispatch);
	dispatch->last_end_ns = clock_now_ns();
	snprintf(path, sizeof(path), "%s%s%s", dispatch->options.dir, *result.name ? "/" : "",
		 result.name);
	if (!result.whole) {
		note_failure(dispatch, &trigger, path, -result.error);
		return;
	}
	log_result(dispatch, path, &result);
	note_removed(dispatch, &result.removed);
	add_past(dispatch, &trigger, path, &result);
	answer_waiting(dispatch, IN_PRESENT, path, NULL);
	if (dispatch->options.hook)
		capture_hook_run(dispatch->options.hook, path, trigger.source, trigger.reason);
}

void trigger_dispatch_look(struct trigger_dispatch *dispatch)
{
	if (!dispatch->present || !triggered_capture_over(dispatch->present))
		return;
	finish_present(dispatch);
	if (!dispatch->next.number || dispatch->ending)
		return;
	for (size_t i = 0; i < dispatch->waiting_count; i++)
		if (dispatch->waiting[i].stage == IN_NEXT)
			dispatch->waiting[i].stage = IN_PRESENT;
	struct trigger next = dispatch->next;
	dispatch->next.number = 0;
	start_capture(dispatch, &next);
}

void trigger_dispatch_hold(struct trigger_dispatch *dispatch, uint64_t until_ns)
{
	if (dispatch->present && !dispatch->ending)
		triggered_capture_hold(dispatch->present, until_ns);
}

void trigger_dispatch_end(struct trigger_dispatch *dispatch)
{
	dispatch->ending = true;
	if (dispatch->present)
		triggered_capture_cut(dispatch->present);
	limit_hook(dispatch);
	answer_waiting(dispatch, IN_NEXT, NULL, "the recorder is ending");
}

bool trigger_dispatch_busy(const struct trigger_dispatch *dispatch)
{
	return dispatch->present || (dispatch->ending && dispatch->options.hook &&
				     capture_hook_busy(dispatch->options.hook));
}

void trigger_dispatch_status(struct trigger_dispatch *dispatch, struct status *status)
{
	status->triggers.seen = dispatch->seen;
	status->triggers.captured = dispatch->captured;
	status->triggers.suppressed = dispatch->suppressed;
	status->triggers.joined = dispatch->joined;
	status->triggers.failed = dispatch->failed;
	if (dispatch->failed) {
		status->last_failure.file = dispatch->failure.path;
		status->last_failure.reason = dispatch->failure.reason;
		status->last_failure.error = dispatch->failure_text;
		status->last_failure.at_ns = dispatch->failure.at_ns;
	}
	if (dispatch->present) {
		const struct trigger *trigger = triggered_capture_trigger(dispatch->present);
		char name[CAPTURE_NAME_BYTES];

		triggered_capture_name(dispatch->present, name);
		snprintf(dispatch->path, sizeof(dispatch->path), "%s/%s", dispatch->options.dir,
			 name);
		status->capturing.file = dispatch->path;
		status->capturing.reason = trigger->reason;
		status->capturing.since_ns = clock_now_ns() - trigger->time_ns;
	}
	for (uint64_t i = 1; i <= dispatch->captured && i <= STATUS_CAPTURES_MAX; i++) {
		const struct past *past =
			&dispatch->past[(dispatch->captured - i) % STATUS_CAPTURES_MAX];
		size_t place = status->capture_count;
		if (past->removed)
			continue;
		status->captures[place].file = past->path;
		status->captures[place].reason = past->reason;
		status->captures[place].bytes = past->bytes;
		status->captures[place].at_ns = past->at_ns;
		status->capture_count++;
	}
}
