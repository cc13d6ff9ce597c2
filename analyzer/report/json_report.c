/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report as JSON, schema freezetrap.report/1. Members may be added to it
 * and are never renamed, nor do they change their meaning.
 */
#include "config.h"

#include "analyzer/report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "analyzer/util/human.h"
#include "analyzer/report/json_fields.h"
#include "analyzer/report/json_cause.h"

/* Beside a stack: "file:line" of each frame, or null. */
static void put_lines(struct json_fields *report, const char *key, const struct model_stack *stack)
{
	json_field_array(report, key);
	for (size_t i = 0; i < stack->count; i++) {
		const struct frame *frame = &stack->frames[i];
		char *text = NULL;

		if (frame->file && asprintf(&text, "%s:%" PRIu32, frame->file, frame->line) < 0) {
			text = NULL;
			report->error = -ENOMEM;
		}
		json_put_string(&report->json, text);
		free(text);
	}
	json_close_array(&report->json);
}

static void put_texts(struct json_fields *report, const char *key, char *const *texts, size_t count)
{
	json_field_array(report, key);
	for (size_t i = 0; i < count; i++)
		json_put_string(&report->json, texts[i]);
	json_close_array(&report->json);
}

static void put_ids(struct json_fields *report, const char *key, const int32_t *ids, size_t count)
{
	json_field_array(report, key);
	for (size_t i = 0; i < count; i++)
		json_put_int(&report->json, ids[i]);
	json_close_array(&report->json);
}

static void put_numbers(struct json_fields *report, const char *key, const uint64_t *numbers,
			size_t count)
{
	json_field_array(report, key);
	for (size_t i = 0; i < count; i++)
		json_put_uint(&report->json, numbers[i]);
	json_close_array(&report->json);
}

static void put_trigger(struct json_fields *report, const struct model *model)
{
	const char *source = model->capture.trigger_source, *reason = model->capture.trigger_reason;

	if (!(source && *source) && !(reason && *reason)) {
		json_field_null(report, "trigger");
		return;
	}
	json_field_object(report, "trigger");
	json_field_text(report, "source", source);
	json_field_text(report, "reason", reason);
	json_field_number(report, "at_ns", model->capture.trigger_at_ns);
	json_close_object(&report->json);
}

static void put_capture(struct json_fields *report, const struct model *model)
{
	const int64_t start_ns = model->capture.start_realtime_ns;

	json_field_object(report, "capture");
	json_field_text(report, "host", model->capture.host);
	json_field_text(report, "kernel", model->capture.kernel);
	json_field_text(report, "arch", model->capture.arch);
	json_field_text(report, "tier", model->capture.tier);
	put_ids(report, "target", model->capture.target, model->capture.target_count);
	json_field_text(report, "target_comm", model->capture.target_comm);
	json_field_number(report, "target_threads", model->capture.target_threads);
	put_trigger(report, model);
	json_field_text(report, "start",
			start_ns ? human_rfc3339(start_ns, model->capture.utc_offset_s).text
				 : NULL);
	json_field_number(report, "start_monotonic_ns", model->capture.start_ns);
	json_field_number(report, "duration_ns", model->capture.duration_ns);
	json_field_number(report, "events", model->capture.events);
	json_field_text(report, "ring", model->capture.ring);
	json_field_flag(report, "complete", model->capture.complete);
	json_field_text(report, "damage", model->capture.damage);
	json_close_object(&report->json);
}

static void put_gap(struct json_fields *report, const struct model_gap *gap)
{
	json_open_object(&report->json);
	json_field_number(report, "cpu", gap->cpu);
	json_field_number(report, "start_ns", gap->start_ns);
	json_field_number(report, "end_ns", gap->end_ns);
	if (gap->records)
		json_field_number(report, "records", gap->records);
	else
		json_field_null(report, "records");
	json_close_object(&report->json);
}

static void put_note(struct json_fields *report, const struct model_note *note)
{
	json_open_object(&report->json);
	json_field_number(report, "at_ns", note->at_ns);
	json_field_text(report, "text", note->text);
	json_close_object(&report->json);
}

static void put_extra(struct json_fields *report, const struct event_count *extra)
{
	json_open_object(&report->json);
	json_field_text(report, "event", extra->name);
	json_field_number(report, "count", extra->count);
	json_field_number(report, "of_target", extra->of_target);
	json_close_object(&report->json);
}

static void put_coverage(struct json_fields *report, const struct model *model)
{
	json_field_object(report, "coverage");
	json_field_number(report, "lost_events", model->coverage.lost_events);
	json_field_array(report, "gaps");
	for (size_t i = 0; i < model->coverage.gap_count; i++)
		put_gap(report, &model->coverage.gaps[i]);
	json_close_array(&report->json);
	json_field_number(report, "unknown_ns", model->coverage.unknown_ns);
	json_field_number(report, "recorder_delay_max_ns", model->coverage.recorder_delay_max_ns);
	json_field_number(report, "cpus", model->coverage.cpus);
	json_field_array(report, "events_asked_for");
	for (size_t i = 0; i < model->coverage.extras.count; i++)
		put_extra(report, &model->coverage.extras.list[i]);
	json_close_array(&report->json);
	json_field_array(report, "notes");
	for (size_t i = 0; i < model->coverage.note_count; i++)
		put_note(report, &model->coverage.notes[i]);
	json_close_array(&report->json);
	put_texts(report, "cannot_say", model->coverage.cannot_say,
		  model->coverage.cannot_say_count);
	json_close_object(&report->json);
}

static void put_stall(struct json_fields *report, const struct model *model)
{
	const uint32_t room = sizeof(model->stall.other) / sizeof(model->stall.other[0]);

	if (!model->stall.found) {
		json_field_null(report, "stall");
		return;
	}
	json_field_object(report, "stall");
	json_field_number(report, "start_ns", model->stall.start_ns);
	json_field_number(report, "end_ns", model->stall.end_ns);
	json_field_number(report, "threads_blocked_max", model->stall.threads_blocked_max);
	json_field_flag(report, "over_before_trigger", model->stall.apart);
	json_field_flag(report, "began_before", model->stall.began_before);
	json_field_flag(report, "still_open", model->stall.still_open);
	json_field_flag(report, "end_lost", model->stall.end_lost);
	json_field_flag(report, "end_doubtful", model->stall.end_doubtful);
	json_field_array(report, "others");
	for (uint32_t i = 0; i < model->stall.others && i < room; i++) {
		json_open_object(&report->json);
		json_field_number(report, "start_ns", model->stall.other[i].start_ns);
		json_field_number(report, "end_ns", model->stall.other[i].end_ns);
		json_close_object(&report->json);
	}
	json_close_array(&report->json);
	json_close_object(&report->json);
}

/* Somebody waited for an answer, and why was not found. */
static void put_unexplained(struct json_fields *report, const struct model *model)
{
	json_field_flag(report, "unexplained", !model->stall.found && model->stall.unexplained);
}

/* Only where nothing froze. */
static void put_longest_wait(struct json_fields *report, const struct model *model)
{
	if (model->stall.found || model->stall.longest_ns == 0) {
		json_field_null(report, "longest_wait");
		return;
	}
	json_field_object(report, "longest_wait");
	json_field_number(report, "blocked_ns", model->stall.longest_ns);
	json_field_text(report, "class", wait_class_name(model->stall.longest_class));
	json_field_id(report, "tid", model->stall.longest_tid);
	json_field_text(report, "comm", model->stall.longest_comm);
	json_close_object(&report->json);
}

static void put_culprit(struct json_fields *report, const struct model_culprit *culprit)
{
	json_field_object(report, "culprit");
	json_field_id(report, "tid", culprit->tid);
	json_field_id(report, "tgid", culprit->tgid);
	json_field_text(report, "comm", culprit->comm);
	json_field_number(report, "hold_start_ns", culprit->hold_start_ns);
	json_field_number(report, "hold_ns", culprit->hold_ns);
	json_field_flag(report, "hold_began_before", culprit->hold_began_before);
	json_field_flag(report, "hold_still_open", culprit->hold_still_open);
	json_field_number(report, "running_ns", culprit->running_ns);
	json_field_number(report, "runnable_ns", culprit->runnable_ns);
	json_field_number(report, "blocked_ns", culprit->blocked_ns);
	json_field_number(report, "samples", culprit->samples);
	json_field_number(report, "samples_in_stack", culprit->samples_in_stack);
	json_culprit_why(report, culprit);
	json_field_stack(report, "stack", &culprit->stack);
	json_field_stack(report, "user_stack", &culprit->user_stack);
	put_lines(report, "user_lines", &culprit->user_stack);
	json_close_object(&report->json);
}

static const char *mode_name(enum lock_mode mode)
{
	switch (mode) {
	case LOCK_MODE_READ:
		return "read";
	case LOCK_MODE_WRITE:
		return "write";
	case LOCK_MODE_NONE:
		break;
	}
	return NULL;
}

static void put_lock_ref(struct json_fields *report, const struct model_lock_ref *lock)
{
	json_field_object(report, "lock");
	json_field_text(report, "class", wait_class_name(lock->class));
	json_field_address(report, "address", lock->address);
	json_field_id(report, "tgid", lock->tgid);
	json_field_text(report, "mode", mode_name(lock->mode));
	json_close_object(&report->json);
}

static void put_allocation(struct json_fields *report, const struct model_allocation *allocation)
{
	json_field_object(report, "allocation");
	json_field_text(report, "syscall", allocation->syscall);
	json_field_number(report, "bytes", allocation->bytes);
	json_field_number(report, "at_ns", allocation->at_ns);
	json_close_object(&report->json);
}

static void put_finding(struct json_fields *report, const struct model_finding *finding)
{
	json_open_object(&report->json);
	json_field_text(report, "kind", finding_kind_name(finding->kind));
	json_field_text(report, "grade", grade_name(finding->grade));
	json_field_text(report, "summary", finding->summary);
	json_field_number(report, "blocked_ns", finding->blocked_ns);
	put_ids(report, "victims", finding->victims, finding->victim_count);
	put_numbers(report, "victims_since_ns", finding->victims_since_ns,
		    finding->victims_since_ns ? finding->victim_count : 0);
	json_finding_why(report, finding);
	if (finding->has_culprit)
		put_culprit(report, &finding->culprit);
	else
		json_field_null(report, "culprit");
	if (finding->has_lock)
		put_lock_ref(report, &finding->lock);
	else
		json_field_null(report, "lock");
	if (finding->has_allocation)
		put_allocation(report, &finding->allocation);
	else
		json_field_null(report, "allocation");
	put_texts(report, "evidence", finding->evidence, finding->evidence_count);
	json_field_text(report, "pattern", finding->pattern);
	json_field_text(report, "advice", finding->advice);
	json_close_object(&report->json);
}

static void put_owner(struct json_fields *report, const struct model_owner *owner)
{
	json_open_object(&report->json);
	json_field_id(report, "tid", owner->tid);
	json_field_text(report, "comm", owner->comm);
	json_field_text(report, "grade", grade_name(owner->grade));
	json_field_number(report, "blamed_ns", owner->blamed_ns);
	json_field_number(report, "longest_hold_ns", owner->longest_hold_ns);
	json_field_stack(report, "stack", &owner->stack);
	json_close_object(&report->json);
}

static void put_lock(struct json_fields *report, const struct model_lock *lock)
{
	json_open_object(&report->json);
	json_field_text(report, "class", wait_class_name(lock->class));
	json_field_address(report, "address", lock->address);
	json_field_id(report, "tgid", lock->tgid);
	json_field_number(report, "wait_ns", lock->wait_ns);
	json_field_number(report, "waits", lock->waits);
	json_field_number(report, "max_wait_ns", lock->max_wait_ns);
	json_field_array(report, "owners");
	for (size_t i = 0; i < lock->owner_count; i++)
		put_owner(report, &lock->owners[i]);
	json_close_array(&report->json);
	json_close_object(&report->json);
}

static void put_wait(struct json_fields *report, const struct model_wait *wait)
{
	json_open_object(&report->json);
	json_field_text(report, "class", wait_class_name(wait->class));
	json_field_flag(report, "idle", wait->idle);
	json_field_text(report, "operation", wait->operation);
	json_field_text(report, "detail", wait->detail);
	json_field_number(report, "blocked_ns", wait->blocked_ns);
	json_field_number(report, "runnable_ns", wait->runnable_ns);
	json_field_number(report, "count", wait->count);
	json_field_number(report, "max_ns", wait->max_ns);
	json_field_number(report, "threads", wait->threads);
	json_field_stack(report, "stack", &wait->stack);
	json_close_object(&report->json);
}

static void put_thread(struct json_fields *report, const struct model_thread *thread)
{
	json_open_object(&report->json);
	json_field_id(report, "tid", thread->tid);
	json_field_id(report, "tgid", thread->tgid);
	json_field_text(report, "comm", thread->comm);
	json_field_flag(report, "target", thread->target);
	json_field_number(report, "observed_ns", thread->observed_ns);
	json_field_number(report, "running_ns", thread->running_ns);
	json_field_number(report, "runnable_ns", thread->runnable_ns);
	json_field_number(report, "blocked_ns", thread->blocked_ns);
	json_field_number(report, "unknown_ns", thread->unknown_ns);
	json_field_object(report, "classes");
	for (enum wait_class class = 0; class < WAIT_CLASSES; class ++)
		if (thread->class_ns[class])
			json_field_number(report, wait_class_name(class), thread->class_ns[class]);
	json_close_object(&report->json);
	json_close_object(&report->json);
}

int report_json(const struct model *model, FILE *out)
{
	struct json_fields report = { .error = 0 };
	int error;

	json_start(&report.json, out);
	json_open_object(&report.json);
	json_field_text(&report, "schema", "freezetrap.report/1");
	put_capture(&report, model);
	put_coverage(&report, model);
	put_stall(&report, model);
	put_unexplained(&report, model);
	put_longest_wait(&report, model);
	json_field_array(&report, "findings");
	for (size_t i = 0; i < model->finding_count; i++)
		put_finding(&report, &model->findings[i]);
	json_close_array(&report.json);
	json_blame(&report, model);
	json_field_array(&report, "locks");
	for (size_t i = 0; i < model->lock_count; i++)
		put_lock(&report, &model->locks[i]);
	json_close_array(&report.json);
	json_field_array(&report, "waits");
	for (size_t i = 0; i < model->wait_count; i++)
		put_wait(&report, &model->waits[i]);
	json_close_array(&report.json);
	json_field_array(&report, "threads");
	for (size_t i = 0; i < model->thread_count; i++)
		put_thread(&report, &model->threads[i]);
	json_close_array(&report.json);
	json_close_object(&report.json);
	error = json_finish(&report.json);
	return error ? error : report.error;
}
