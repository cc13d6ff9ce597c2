/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report as JSON, schema freezetrap.report/1. Members may be added to it
 * and are never renamed, nor do they change their meaning.
 */
#include "config.h"

#include "analyzer/render.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "analyzer/frame_text.h"
#include "analyzer/human.h"
#include "analyzer/json.h"

struct report {
	struct json json;
	int error;
};

static void put_text(struct report *report, const char *key, const char *text)
{
	json_put_key(&report->json, key);
	json_put_string(&report->json, text);
}

static void put_number(struct report *report, const char *key, uint64_t value)
{
	json_put_key(&report->json, key);
	json_put_uint(&report->json, value);
}

static void put_id(struct report *report, const char *key, int32_t value)
{
	json_put_key(&report->json, key);
	json_put_int(&report->json, value);
}

static void put_flag(struct report *report, const char *key, bool value)
{
	json_put_key(&report->json, key);
	json_put_bool(&report->json, value);
}

static void put_nothing(struct report *report, const char *key)
{
	json_put_key(&report->json, key);
	json_put_null(&report->json);
}

static void open_object(struct report *report, const char *key)
{
	json_put_key(&report->json, key);
	json_open_object(&report->json);
}

static void open_array(struct report *report, const char *key)
{
	json_put_key(&report->json, key);
	json_open_array(&report->json);
}

/* As text: addresses do not fit into the numbers of many a JSON reader. 0: null. */
static void put_address(struct report *report, uint64_t address)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, address);
	put_text(report, "address", address ? text : NULL);
}

static void put_stack(struct report *report, const char *key, const struct model_stack *stack)
{
	open_array(report, key);
	for (size_t i = 0; i < stack->count; i++) {
		char *text = frame_text_exact(&stack->frames[i]);

		if (!text)
			report->error = -ENOMEM;
		json_put_string(&report->json, text);
		free(text);
	}
	json_close_array(&report->json);
}

/* Beside a stack: "file:line" of each frame, or null. */
static void put_lines(struct report *report, const char *key, const struct model_stack *stack)
{
	open_array(report, key);
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

static void put_texts(struct report *report, const char *key, char *const *texts, size_t count)
{
	open_array(report, key);
	for (size_t i = 0; i < count; i++)
		json_put_string(&report->json, texts[i]);
	json_close_array(&report->json);
}

static void put_ids(struct report *report, const char *key, const int32_t *ids, size_t count)
{
	open_array(report, key);
	for (size_t i = 0; i < count; i++)
		json_put_int(&report->json, ids[i]);
	json_close_array(&report->json);
}

static void put_numbers(struct report *report, const char *key, const uint64_t *numbers,
			size_t count)
{
	open_array(report, key);
	for (size_t i = 0; i < count; i++)
		json_put_uint(&report->json, numbers[i]);
	json_close_array(&report->json);
}

static void put_trigger(struct report *report, const struct model *model)
{
	const char *source = model->capture.trigger_source, *reason = model->capture.trigger_reason;

	if (!(source && *source) && !(reason && *reason)) {
		put_nothing(report, "trigger");
		return;
	}
	open_object(report, "trigger");
	put_text(report, "source", source);
	put_text(report, "reason", reason);
	put_number(report, "at_ns", model->capture.trigger_at_ns);
	json_close_object(&report->json);
}

static void put_capture(struct report *report, const struct model *model)
{
	const int64_t start_ns = model->capture.start_realtime_ns;

	open_object(report, "capture");
	put_text(report, "host", model->capture.host);
	put_text(report, "kernel", model->capture.kernel);
	put_text(report, "arch", model->capture.arch);
	put_text(report, "tier", model->capture.tier);
	put_ids(report, "target", model->capture.target, model->capture.target_count);
	put_text(report, "target_comm", model->capture.target_comm);
	put_number(report, "target_threads", model->capture.target_threads);
	put_trigger(report, model);
	put_text(report, "start",
		 start_ns ? human_rfc3339(start_ns, model->capture.utc_offset_s).text : NULL);
	put_number(report, "start_monotonic_ns", model->capture.start_ns);
	put_number(report, "duration_ns", model->capture.duration_ns);
	put_number(report, "events", model->capture.events);
	put_text(report, "ring", model->capture.ring);
	put_flag(report, "complete", model->capture.complete);
	put_text(report, "damage", model->capture.damage);
	json_close_object(&report->json);
}

static void put_gap(struct report *report, const struct model_gap *gap)
{
	json_open_object(&report->json);
	put_number(report, "cpu", gap->cpu);
	put_number(report, "start_ns", gap->start_ns);
	put_number(report, "end_ns", gap->end_ns);
	if (gap->records)
		put_number(report, "records", gap->records);
	else
		put_nothing(report, "records");
	json_close_object(&report->json);
}

static void put_note(struct report *report, const struct model_note *note)
{
	json_open_object(&report->json);
	put_number(report, "at_ns", note->at_ns);
	put_text(report, "text", note->text);
	json_close_object(&report->json);
}

static void put_coverage(struct report *report, const struct model *model)
{
	open_object(report, "coverage");
	put_number(report, "lost_events", model->coverage.lost_events);
	open_array(report, "gaps");
	for (size_t i = 0; i < model->coverage.gap_count; i++)
		put_gap(report, &model->coverage.gaps[i]);
	json_close_array(&report->json);
	put_number(report, "unknown_ns", model->coverage.unknown_ns);
	put_number(report, "recorder_delay_max_ns", model->coverage.recorder_delay_max_ns);
	put_number(report, "cpus", model->coverage.cpus);
	open_array(report, "notes");
	for (size_t i = 0; i < model->coverage.note_count; i++)
		put_note(report, &model->coverage.notes[i]);
	json_close_array(&report->json);
	put_texts(report, "cannot_say", model->coverage.cannot_say,
		  model->coverage.cannot_say_count);
	json_close_object(&report->json);
}

static void put_stall(struct report *report, const struct model *model)
{
	const uint32_t room = sizeof(model->stall.other) / sizeof(model->stall.other[0]);

	if (!model->stall.found) {
		put_nothing(report, "stall");
		return;
	}
	open_object(report, "stall");
	put_number(report, "start_ns", model->stall.start_ns);
	put_number(report, "end_ns", model->stall.end_ns);
	put_number(report, "threads_blocked_max", model->stall.threads_blocked_max);
	put_flag(report, "over_before_trigger", model->stall.apart);
	put_flag(report, "began_before", model->stall.began_before);
	put_flag(report, "still_open", model->stall.still_open);
	open_array(report, "others");
	for (uint32_t i = 0; i < model->stall.others && i < room; i++) {
		json_open_object(&report->json);
		put_number(report, "start_ns", model->stall.other[i].start_ns);
		put_number(report, "end_ns", model->stall.other[i].end_ns);
		json_close_object(&report->json);
	}
	json_close_array(&report->json);
	json_close_object(&report->json);
}

/* Only where nothing froze. */
static void put_longest_wait(struct report *report, const struct model *model)
{
	if (model->stall.found || model->stall.longest_ns == 0) {
		put_nothing(report, "longest_wait");
		return;
	}
	open_object(report, "longest_wait");
	put_number(report, "blocked_ns", model->stall.longest_ns);
	put_text(report, "class", wait_class_name(model->stall.longest_class));
	put_id(report, "tid", model->stall.longest_tid);
	put_text(report, "comm", model->stall.longest_comm);
	json_close_object(&report->json);
}

static void put_culprit(struct report *report, const struct model_culprit *culprit)
{
	open_object(report, "culprit");
	put_id(report, "tid", culprit->tid);
	put_id(report, "tgid", culprit->tgid);
	put_text(report, "comm", culprit->comm);
	put_number(report, "hold_start_ns", culprit->hold_start_ns);
	put_number(report, "hold_ns", culprit->hold_ns);
	put_number(report, "running_ns", culprit->running_ns);
	put_number(report, "runnable_ns", culprit->runnable_ns);
	put_number(report, "blocked_ns", culprit->blocked_ns);
	put_number(report, "samples", culprit->samples);
	put_number(report, "samples_in_stack", culprit->samples_in_stack);
	put_stack(report, "stack", &culprit->stack);
	put_stack(report, "user_stack", &culprit->user_stack);
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

static void put_lock_ref(struct report *report, const struct model_lock_ref *lock)
{
	open_object(report, "lock");
	put_text(report, "class", wait_class_name(lock->class));
	put_address(report, lock->address);
	put_id(report, "tgid", lock->tgid);
	put_text(report, "mode", mode_name(lock->mode));
	json_close_object(&report->json);
}

static void put_allocation(struct report *report, const struct model_allocation *allocation)
{
	open_object(report, "allocation");
	put_text(report, "syscall", allocation->syscall);
	put_number(report, "bytes", allocation->bytes);
	put_number(report, "at_ns", allocation->at_ns);
	json_close_object(&report->json);
}

static void put_finding(struct report *report, const struct model_finding *finding)
{
	json_open_object(&report->json);
	put_text(report, "kind", finding_kind_name(finding->kind));
	put_text(report, "grade", grade_name(finding->grade));
	put_text(report, "summary", finding->summary);
	put_number(report, "blocked_ns", finding->blocked_ns);
	put_ids(report, "victims", finding->victims, finding->victim_count);
	put_numbers(report, "victims_since_ns", finding->victims_since_ns,
		    finding->victims_since_ns ? finding->victim_count : 0);
	if (finding->has_culprit)
		put_culprit(report, &finding->culprit);
	else
		put_nothing(report, "culprit");
	if (finding->has_lock)
		put_lock_ref(report, &finding->lock);
	else
		put_nothing(report, "lock");
	if (finding->has_allocation)
		put_allocation(report, &finding->allocation);
	else
		put_nothing(report, "allocation");
	put_texts(report, "evidence", finding->evidence, finding->evidence_count);
	put_text(report, "pattern", finding->pattern);
	put_text(report, "advice", finding->advice);
	json_close_object(&report->json);
}

static void put_owner(struct report *report, const struct model_owner *owner)
{
	json_open_object(&report->json);
	put_id(report, "tid", owner->tid);
	put_text(report, "comm", owner->comm);
	put_text(report, "grade", grade_name(owner->grade));
	put_number(report, "blamed_ns", owner->blamed_ns);
	put_number(report, "longest_hold_ns", owner->longest_hold_ns);
	put_stack(report, "stack", &owner->stack);
	json_close_object(&report->json);
}

static void put_lock(struct report *report, const struct model_lock *lock)
{
	json_open_object(&report->json);
	put_text(report, "class", wait_class_name(lock->class));
	put_address(report, lock->address);
	put_id(report, "tgid", lock->tgid);
	put_number(report, "wait_ns", lock->wait_ns);
	put_number(report, "waits", lock->waits);
	put_number(report, "max_wait_ns", lock->max_wait_ns);
	open_array(report, "owners");
	for (size_t i = 0; i < lock->owner_count; i++)
		put_owner(report, &lock->owners[i]);
	json_close_array(&report->json);
	json_close_object(&report->json);
}

static void put_wait(struct report *report, const struct model_wait *wait)
{
	json_open_object(&report->json);
	put_text(report, "class", wait_class_name(wait->class));
	put_flag(report, "idle", wait->idle);
	put_text(report, "operation", wait->operation);
	put_text(report, "detail", wait->detail);
	put_number(report, "blocked_ns", wait->blocked_ns);
	put_number(report, "runnable_ns", wait->runnable_ns);
	put_number(report, "count", wait->count);
	put_number(report, "max_ns", wait->max_ns);
	put_number(report, "threads", wait->threads);
	put_stack(report, "stack", &wait->stack);
	json_close_object(&report->json);
}

static void put_thread(struct report *report, const struct model_thread *thread)
{
	json_open_object(&report->json);
	put_id(report, "tid", thread->tid);
	put_id(report, "tgid", thread->tgid);
	put_text(report, "comm", thread->comm);
	put_flag(report, "target", thread->target);
	put_number(report, "observed_ns", thread->observed_ns);
	put_number(report, "running_ns", thread->running_ns);
	put_number(report, "runnable_ns", thread->runnable_ns);
	put_number(report, "blocked_ns", thread->blocked_ns);
	put_number(report, "unknown_ns", thread->unknown_ns);
	open_object(report, "classes");
	for (enum wait_class class = 0; class < WAIT_CLASSES; class ++)
		if (thread->class_ns[class])
			put_number(report, wait_class_name(class), thread->class_ns[class]);
	json_close_object(&report->json);
	json_close_object(&report->json);
}

int render_json(const struct model *model, FILE *out)
{
	struct report report = { .error = 0 };
	int error;

	json_start(&report.json, out);
	json_open_object(&report.json);
	put_text(&report, "schema", "freezetrap.report/1");
	put_capture(&report, model);
	put_coverage(&report, model);
	put_stall(&report, model);
	put_longest_wait(&report, model);
	open_array(&report, "findings");
	for (size_t i = 0; i < model->finding_count; i++)
		put_finding(&report, &model->findings[i]);
	json_close_array(&report.json);
	open_array(&report, "locks");
	for (size_t i = 0; i < model->lock_count; i++)
		put_lock(&report, &model->locks[i]);
	json_close_array(&report.json);
	open_array(&report, "waits");
	for (size_t i = 0; i < model->wait_count; i++)
		put_wait(&report, &model->waits[i]);
	json_close_array(&report.json);
	open_array(&report, "threads");
	for (size_t i = 0; i < model->thread_count; i++)
		put_thread(&report, &model->threads[i]);
	json_close_array(&report.json);
	json_close_object(&report.json);
	error = json_finish(&report.json);
	return error ? error : report.error;
}
