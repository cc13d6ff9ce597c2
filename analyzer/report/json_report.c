/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report as JSON, schema freezetrap.report/1. Members may be added to it
 * and are never renamed, nor do they change their meaning.
 */
#include "config.h"

#include "analyzer/report/report_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "analyzer/trace/frame_name.h"

void json_put_stack(struct json *json, const char *key, const struct model_stack *stack)
{
	json_field_array(json, key);
	for (size_t i = 0; i < stack->count; i++) {
		char *text = frame_name_exact(&stack->frames[i]);

		if (!text)
			json->error = -ENOMEM;
		json_put_string(json, text);
		free(text);
	}
	json_close_array(json);
}

/* Put "file:line" of each frame of @stack, or null. */
static void put_lines(struct json *json, const char *key, const struct model_stack *stack)
{
	json_field_array(json, key);
	for (size_t i = 0; i < stack->count; i++) {
		const struct frame *frame = &stack->frames[i];
		char *text = NULL;

		if (frame->file && asprintf(&text, "%s:%" PRIu32, frame->file, frame->line) < 0) {
			text = NULL;
			json->error = -ENOMEM;
		}
		json_put_string(json, text);
		free(text);
	}
	json_close_array(json);
}

static void put_texts(struct json *json, const char *key, char *const *texts, size_t count)
{
	json_field_array(json, key);
	for (size_t i = 0; i < count; i++)
		json_put_string(json, texts[i]);
	json_close_array(json);
}

static void put_ids(struct json *json, const char *key, const int32_t *ids, size_t count)
{
	json_field_array(json, key);
	for (size_t i = 0; i < count; i++)
		json_put_int(json, ids[i]);
	json_close_array(json);
}

static void put_numbers(struct json *json, const char *key, const uint64_t *numbers, size_t count)
{
	json_field_array(json, key);
	for (size_t i = 0; i < count; i++)
		json_put_uint(json, numbers[i]);
	json_close_array(json);
}

static void put_trigger(struct json *json, const struct model *model)
{
	const char *source = model->capture.trigger_source, *reason = model->capture.trigger_reason;

	if (!(source && *source) && !(reason && *reason)) {
		json_field_null(json, "trigger");
		return;
	}
	json_field_object(json, "trigger");
	json_field_text(json, "source", source);
	json_field_text(json, "reason", reason);
	json_field_number(json, "at_ns", model->capture.trigger_at_ns);
	json_close_object(json);
}

static void put_capture(struct json *json, const struct model *model)
{
	const int64_t start_ns = model->capture.start_realtime_ns;

	json_field_object(json, "capture");
	json_field_text(json, "host", model->capture.host);
	json_field_text(json, "kernel", model->capture.kernel);
	json_field_text(json, "arch", model->capture.arch);
	json_field_text(json, "tier", model->capture.tier);
	put_ids(json, "target", model->capture.target, model->capture.target_count);
	json_field_text(json, "target_comm", model->capture.target_comm);
	json_field_number(json, "target_threads", model->capture.target_threads);
	put_trigger(json, model);
	json_field_text(json, "start",
			start_ns ? human_rfc3339(start_ns, model->capture.utc_offset_s).text
				 : NULL);
	json_field_number(json, "start_monotonic_ns", model->capture.start_ns);
	json_field_number(json, "duration_ns", model->capture.duration_ns);
	json_field_number(json, "events", model->capture.events);
	json_field_text(json, "ring", model->capture.ring);
	json_field_flag(json, "complete", model->capture.complete);
	json_field_text(json, "damage", model->capture.damage);
	json_close_object(json);
}

static void put_gap(struct json *json, const struct model_gap *gap)
{
	json_open_object(json);
	json_field_number(json, "cpu", gap->cpu);
	json_field_number(json, "start_ns", gap->start_ns);
	json_field_number(json, "end_ns", gap->end_ns);
	if (gap->records)
		json_field_number(json, "records", gap->records);
	else
		json_field_null(json, "records");
	json_close_object(json);
}

static void put_note(struct json *json, const struct model_note *note)
{
	json_open_object(json);
	json_field_number(json, "at_ns", note->at_ns);
	json_field_text(json, "text", note->text);
	json_close_object(json);
}

static void put_extra(struct json *json, const struct event_count *extra)
{
	json_open_object(json);
	json_field_text(json, "event", extra->name);
	json_field_number(json, "count", extra->count);
	json_field_number(json, "of_target", extra->of_target);
	json_close_object(json);
}

static void put_coverage(struct json *json, const struct model *model)
{
	json_field_object(json, "coverage");
	json_field_number(json, "lost_events", model->coverage.lost_events);
	json_field_array(json, "gaps");
	for (size_t i = 0; i < model->coverage.gap_count; i++)
		put_gap(json, &model->coverage.gaps[i]);
	json_close_array(json);
	json_field_number(json, "unknown_ns", model->coverage.unknown_ns);
	json_field_number(json, "recorder_delay_max_ns", model->coverage.recorder_delay_max_ns);
	json_field_text(json, "stacks", model->coverage.stacks);
	json_field_text(json, "waker_stacks", model->coverage.waker_stacks);
	json_field_number(json, "cpus", model->coverage.cpus);
	json_field_array(json, "events_asked_for");
	for (size_t i = 0; i < model->coverage.extras.count; i++)
		put_extra(json, &model->coverage.extras.list[i]);
	json_close_array(json);
	json_field_array(json, "notes");
	for (size_t i = 0; i < model->coverage.note_count; i++)
		put_note(json, &model->coverage.notes[i]);
	json_close_array(json);
	put_texts(json, "cannot_say", model->coverage.cannot_say, model->coverage.cannot_say_count);
	json_close_object(json);
}

static void put_stall(struct json *json, const struct model *model)
{
	const uint32_t room = sizeof(model->stall.other) / sizeof(model->stall.other[0]);

	if (!model->stall.found) {
		json_field_null(json, "stall");
		return;
	}
	json_field_object(json, "stall");
	json_field_number(json, "start_ns", model->stall.start_ns);
	json_field_number(json, "end_ns", model->stall.end_ns);
	json_field_number(json, "threads_blocked_max", model->stall.threads_blocked_max);
	json_field_flag(json, "over_before_trigger", model->stall.apart);
	json_field_flag(json, "began_before", model->stall.began_before);
	json_field_flag(json, "still_open", model->stall.still_open);
	json_field_flag(json, "end_lost", model->stall.end_lost);
	json_field_flag(json, "end_doubtful", model->stall.end_doubtful);
	json_field_array(json, "others");
	for (uint32_t i = 0; i < model->stall.others && i < room; i++) {
		json_open_object(json);
		json_field_number(json, "start_ns", model->stall.other[i].start_ns);
		json_field_number(json, "end_ns", model->stall.other[i].end_ns);
		json_close_object(json);
	}
	json_close_array(json);
	json_close_object(json);
}

static void put_unexplained(struct json *json, const struct model *model)
{
	json_field_flag(json, "unexplained", !model->stall.found && model->stall.unexplained);
}

/* The longest wait is told only where nothing froze. */
static void put_longest_wait(struct json *json, const struct model *model)
{
	if (model->stall.found || model->stall.longest_ns == 0) {
		json_field_null(json, "longest_wait");
		return;
	}
	json_field_object(json, "longest_wait");
	json_field_number(json, "blocked_ns", model->stall.longest_ns);
	json_field_text(json, "class", wait_class_name(model->stall.longest_class));
	json_field_id(json, "tid", model->stall.longest_tid);
	json_field_text(json, "comm", model->stall.longest_comm);
	json_close_object(json);
}

static void put_because(struct json *json, const struct model_because *wait)
{
	json_open_object(json);
	json_field_text(json, "class", wait_class_name(wait->class));
	json_field_text(json, "operation", wait->operation);
	json_field_number(json, "waited_ns", wait->waited_ns);
	json_field_number(json, "longest_ns", wait->longest_ns);
	json_field_number(json, "count", wait->count);
	json_field_text(json, "ended_by", wait->ended_by);
	json_field_id(json, "by_tid", wait->by_tid);
	json_field_text(json, "by_comm", wait->by_comm);
	json_field_text(json, "root", wait->root);
	json_field_id(json, "root_tid", wait->root_tid);
	json_field_text(json, "root_comm", wait->root_comm);
	json_close_object(json);
}

static void put_shares(struct json *json, const char *key, const char *time,
		       const struct model_share *shares, size_t count)
{
	json_field_array(json, key);
	for (size_t i = 0; i < count; i++) {
		json_open_object(json);
		json_field_id(json, "tid", shares[i].tid);
		json_field_id(json, "tgid", shares[i].tgid);
		json_field_text(json, "comm", shares[i].comm);
		json_field_number(json, time, shares[i].ns);
		json_close_object(json);
	}
	json_close_array(json);
}

static void put_culprit_cause(struct json *json, const struct model_culprit *culprit)
{
	json_field_text(json, "why", culprit->why);
	json_field_array(json, "because");
	for (size_t i = 0; i < culprit->because_count; i++)
		put_because(json, &culprit->because[i]);
	json_close_array(json);
	put_shares(json, "instead", "ran_ns", culprit->instead, culprit->instead_count);
}

static void put_culprit(struct json *json, const struct model_culprit *culprit)
{
	json_field_object(json, "culprit");
	json_field_id(json, "tid", culprit->tid);
	json_field_id(json, "tgid", culprit->tgid);
	json_field_text(json, "comm", culprit->comm);
	json_field_number(json, "hold_start_ns", culprit->hold_start_ns);
	json_field_number(json, "hold_ns", culprit->hold_ns);
	json_field_flag(json, "hold_began_before", culprit->hold_began_before);
	json_field_flag(json, "hold_still_open", culprit->hold_still_open);
	json_field_number(json, "running_ns", culprit->running_ns);
	json_field_number(json, "runnable_ns", culprit->runnable_ns);
	json_field_number(json, "blocked_ns", culprit->blocked_ns);
	json_field_number(json, "samples", culprit->samples);
	json_field_number(json, "samples_in_stack", culprit->samples_in_stack);
	put_culprit_cause(json, culprit);
	json_put_stack(json, "stack", &culprit->stack);
	json_put_stack(json, "user_stack", &culprit->user_stack);
	put_lines(json, "user_lines", &culprit->user_stack);
	json_close_object(json);
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

static void put_lock_ref(struct json *json, const struct model_lock_ref *lock)
{
	json_field_object(json, "lock");
	json_field_text(json, "class", wait_class_name(lock->class));
	json_field_address(json, "address", lock->address);
	json_field_id(json, "tgid", lock->tgid);
	json_field_text(json, "mode", mode_name(lock->mode));
	json_close_object(json);
}

static void put_allocation(struct json *json, const struct model_allocation *allocation)
{
	json_field_object(json, "allocation");
	json_field_text(json, "syscall", allocation->syscall);
	json_field_number(json, "bytes", allocation->bytes);
	json_field_number(json, "at_ns", allocation->at_ns);
	json_close_object(json);
}

static void put_links(struct json *json, const struct model_finding *finding)
{
	json_field_array(json, "chain");
	for (size_t i = 0; i < finding->link_count; i++) {
		json_open_object(json);
		json_field_id(json, "tid", finding->links[i].tid);
		json_field_text(json, "comm", finding->links[i].comm);
		json_field_text(json, "class", wait_class_name(finding->links[i].class));
		json_field_number(json, "waited_ns", finding->links[i].waited_ns);
		json_close_object(json);
	}
	json_close_array(json);
}

static void put_pivot(struct json *json, const struct model_finding *finding)
{
	const struct model_pivot *pivot = &finding->pivot;

	if (!finding->has_pivot) {
		json_field_null(json, "pivot");
		return;
	}
	json_field_object(json, "pivot");
	json_field_id(json, "tid", pivot->tid);
	json_field_text(json, "comm", pivot->comm);
	json_field_number(json, "at_ns", pivot->at_ns);
	json_field_number(json, "readers", pivot->readers);
	json_field_number(json, "behind_ns", pivot->behind_ns);
	json_close_object(json);
}

static void put_finding_cause(struct json *json, const struct model_finding *finding)
{
	put_shares(json, "outsiders", "blocked_ns", finding->outsiders, finding->outsider_count);
	put_links(json, finding);
	put_pivot(json, finding);
}

static void put_finding(struct json *json, const struct model_finding *finding)
{
	json_open_object(json);
	json_field_text(json, "kind", finding_kind_name(finding->kind));
	json_field_text(json, "grade", grade_name(finding->grade));
	json_field_text(json, "summary", finding->summary);
	json_field_number(json, "blocked_ns", finding->blocked_ns);
	put_ids(json, "victims", finding->victims, finding->victim_count);
	put_numbers(json, "victims_since_ns", finding->victims_since_ns,
		    finding->victims_since_ns ? finding->victim_count : 0);
	put_finding_cause(json, finding);
	if (finding->has_culprit)
		put_culprit(json, &finding->culprit);
	else
		json_field_null(json, "culprit");
	if (finding->has_lock)
		put_lock_ref(json, &finding->lock);
	else
		json_field_null(json, "lock");
	if (finding->has_allocation)
		put_allocation(json, &finding->allocation);
	else
		json_field_null(json, "allocation");
	put_texts(json, "evidence", finding->evidence, finding->evidence_count);
	json_field_text(json, "pattern", finding->pattern);
	json_field_text(json, "advice", finding->advice);
	json_close_object(json);
}

static void put_blame(struct json *json, const struct model *model)
{
	json_field_array(json, "blame");
	for (size_t i = 0; i < model->blame_count; i++) {
		const struct model_blame *blame = &model->blame[i];

		json_open_object(json);
		json_field_text(json, "root", blame->root);
		json_field_id(json, "tid", blame->tid);
		json_field_text(json, "comm", blame->comm);
		json_field_text(json, "class", blame->class);
		json_field_text(json, "grade", grade_name(blame->grade));
		json_field_number(json, "blocked_ns", blame->blocked_ns);
		json_field_number(json, "victims", blame->victims);
		json_close_object(json);
	}
	json_close_array(json);
}

static void put_owner(struct json *json, const struct model_owner *owner)
{
	json_open_object(json);
	json_field_id(json, "tid", owner->tid);
	json_field_text(json, "comm", owner->comm);
	json_field_text(json, "grade", grade_name(owner->grade));
	json_field_number(json, "blamed_ns", owner->blamed_ns);
	json_field_number(json, "longest_hold_ns", owner->longest_hold_ns);
	json_put_stack(json, "stack", &owner->stack);
	json_close_object(json);
}

static void put_lock(struct json *json, const struct model_lock *lock)
{
	json_open_object(json);
	json_field_text(json, "class", wait_class_name(lock->class));
	json_field_address(json, "address", lock->address);
	json_field_id(json, "tgid", lock->tgid);
	json_field_number(json, "wait_ns", lock->wait_ns);
	json_field_number(json, "waits", lock->waits);
	json_field_number(json, "max_wait_ns", lock->max_wait_ns);
	json_field_array(json, "owners");
	for (size_t i = 0; i < lock->owner_count; i++)
		put_owner(json, &lock->owners[i]);
	json_close_array(json);
	json_close_object(json);
}

static void put_wait(struct json *json, const struct model_wait *wait)
{
	json_open_object(json);
	json_field_text(json, "class", wait_class_name(wait->class));
	json_field_flag(json, "idle", wait->idle);
	json_field_text(json, "operation", wait->operation);
	json_field_text(json, "detail", wait->detail);
	json_field_number(json, "blocked_ns", wait->blocked_ns);
	json_field_number(json, "runnable_ns", wait->runnable_ns);
	json_field_number(json, "count", wait->count);
	json_field_number(json, "max_ns", wait->max_ns);
	json_field_number(json, "threads", wait->threads);
	json_field_number(json, "estimated_ns", wait->estimated_ns);
	json_field_number(json, "estimated_count", wait->estimated_count);
	json_put_stack(json, "stack", &wait->stack);
	json_close_object(json);
}

static void put_thread(struct json *json, const struct model_thread *thread)
{
	json_open_object(json);
	json_field_id(json, "tid", thread->tid);
	json_field_id(json, "tgid", thread->tgid);
	json_field_text(json, "comm", thread->comm);
	json_field_flag(json, "target", thread->target);
	json_field_number(json, "observed_ns", thread->observed_ns);
	json_field_number(json, "running_ns", thread->running_ns);
	json_field_number(json, "runnable_ns", thread->runnable_ns);
	json_field_number(json, "blocked_ns", thread->blocked_ns);
	json_field_number(json, "unknown_ns", thread->unknown_ns);
	json_field_number(json, "estimated_ns", thread->estimated_ns);
	json_field_object(json, "classes");
	for (enum wait_class class = 0; class < WAIT_CLASSES; class ++)
		if (thread->class_ns[class])
			json_field_number(json, wait_class_name(class), thread->class_ns[class]);
	json_close_object(json);
	json_close_object(json);
}

static void put_verdict(struct json *json, const struct model *model)
{
	json_field_text(json, "verdict", verdict_name(model_verdict(model)));
	json_field_text(json, "verdict_grade",
			model->finding_count ? grade_name(model->findings[0].grade)
					     : grade_name(GRADE_UNKNOWN));
}

int report_json(const struct model *model, const struct report_options *options, FILE *out)
{
	struct json json;

	(void)options;
	json_start(&json, out);
	json_open_object(&json);
	json_field_text(&json, "schema", "freezetrap.report/1");
	put_verdict(&json, model);
	put_capture(&json, model);
	put_coverage(&json, model);
	put_stall(&json, model);
	put_unexplained(&json, model);
	put_longest_wait(&json, model);
	json_field_array(&json, "findings");
	for (size_t i = 0; i < model->finding_count; i++)
		put_finding(&json, &model->findings[i]);
	json_close_array(&json);
	put_blame(&json, model);
	json_field_array(&json, "locks");
	for (size_t i = 0; i < model->lock_count; i++)
		put_lock(&json, &model->locks[i]);
	json_close_array(&json);
	json_field_array(&json, "waits");
	for (size_t i = 0; i < model->wait_count; i++)
		put_wait(&json, &model->waits[i]);
	json_close_array(&json);
	json_field_array(&json, "threads");
	for (size_t i = 0; i < model->thread_count; i++)
		put_thread(&json, &model->threads[i]);
	json_close_array(&json);
	json_close_object(&json);
	return json_finish(&json);
}
