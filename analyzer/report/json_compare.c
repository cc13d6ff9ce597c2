/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A comparison as JSON, schema freezetrap.comparison/1. Members may be added to
 * it and are never renamed, nor do they change their meaning.
 */
#include "analyzer/compare/compare.h"
#include "analyzer/util/human.h"
#include "analyzer/report/report_private.h"

static void put_capture(struct json *json, const char *key, const struct model *model)
{
	const int64_t start_ns = model->capture.start_realtime_ns;

	json_field_object(json, key);
	json_field_text(json, "path", model->capture.path);
	json_field_text(json, "host", model->capture.host);
	json_field_text(json, "kernel", model->capture.kernel);
	json_field_text(json, "tier", model->capture.tier);
	json_field_text(json, "target_comm", model->capture.target_comm);
	json_field_number(json, "target_threads", model->capture.target_threads);
	json_field_text(json, "start",
			start_ns ? human_rfc3339(start_ns, model->capture.utc_offset_s).text
				 : NULL);
	json_field_number(json, "duration_ns", model->capture.duration_ns);
	json_field_number(json, "events", model->capture.events);
	json_field_number(json, "lost_events", model->coverage.lost_events);
	json_field_flag(json, "complete", model->capture.complete);
	json_field_text(json, "no_verdict", model->no_verdict);
	json_field_flag(json, "froze", model_verdict(model) == VERDICT_FROZEN);
	json_field_text(json, "verdict", verdict_name(model_verdict(model)));
	json_close_object(json);
}

static void put_finding_side(struct json *json, const char *key,
			     const struct model_finding *finding)
{
	if (!finding) {
		json_field_null(json, key);
		return;
	}
	json_field_object(json, key);
	json_field_text(json, "grade", grade_name(finding->grade));
	json_field_text(json, "summary", finding->summary);
	json_field_number(json, "blocked_ns", finding->blocked_ns);
	json_field_number(json, "victims", finding->victim_count);
	json_close_object(json);
}

static void put_findings(struct json *json, const struct comparison *comparison)
{
	json_field_array(json, "findings");
	for (size_t i = 0; i < comparison->finding_count; i++) {
		const struct compare_finding *row = &comparison->findings[i];

		json_open_object(json);
		json_field_text(json, "change", compare_change_name(row->change));
		json_field_text(json, "kind", finding_kind_name(row->kind));
		json_field_text(json, "culprit", *row->culprit ? row->culprit : NULL);
		put_finding_side(json, "before", row->before);
		put_finding_side(json, "after", row->after);
		json_close_object(json);
	}
	json_close_array(json);
}

static void put_side(struct json *json, const char *key, const struct compare_side *side,
		     bool with_stack)
{
	json_field_object(json, key);
	json_field_number(json, "share_ppm", side->share);
	json_field_number(json, "time_ns", side->time_ns);
	json_field_number(json, "count", side->count);
	json_field_number(json, "max_ns", side->max_ns);
	if (with_stack)
		json_put_stack(json, "stack", &side->stack);
	json_close_object(json);
}

static void put_waits(struct json *json, const struct comparison *comparison)
{
	json_field_number(json, "waits_alike", comparison->waits_alike);
	json_field_array(json, "waits");
	for (size_t i = 0; i < comparison->wait_count; i++) {
		const struct compare_wait *wait = &comparison->waits[i];

		json_open_object(json);
		json_field_text(json, "change", compare_change_name(wait->change));
		json_field_text(json, "class", wait_class_name(wait->class));
		json_field_flag(json, "idle", wait->idle);
		json_field_text(json, "operation", *wait->operation ? wait->operation : NULL);
		put_side(json, "before", &wait->before, true);
		put_side(json, "after", &wait->after, true);
		json_close_object(json);
	}
	json_close_array(json);
}

static void put_locks(struct json *json, const struct comparison *comparison)
{
	json_field_number(json, "locks_alike", comparison->locks_alike);
	json_field_array(json, "locks");
	for (size_t i = 0; i < comparison->lock_count; i++) {
		const struct compare_lock *lock = &comparison->locks[i];

		json_open_object(json);
		json_field_text(json, "change", compare_change_name(lock->change));
		json_field_text(json, "class", wait_class_name(lock->class));
		json_field_text(json, "detail", *lock->detail ? lock->detail : NULL);
		json_field_text(json, "process", *lock->process ? lock->process : NULL);
		put_side(json, "before", &lock->before, false);
		put_side(json, "after", &lock->after, false);
		json_field_text(json, "owner_before",
				*lock->owner_before ? lock->owner_before : NULL);
		json_field_text(json, "owner_after", *lock->owner_after ? lock->owner_after : NULL);
		json_close_object(json);
	}
	json_close_array(json);
}

static void put_thread_side(struct json *json, const char *key,
			    const struct compare_thread_side *side)
{
	json_field_object(json, key);
	json_field_number(json, "threads", side->threads);
	json_field_number(json, "running_ns", side->running_ns);
	json_field_number(json, "runnable_ns", side->runnable_ns);
	json_field_number(json, "hurt_ns", side->hurt_ns);
	json_field_number(json, "running_ppm", side->running);
	json_field_number(json, "runnable_ppm", side->runnable);
	json_field_number(json, "hurt_ppm", side->hurt);
	json_close_object(json);
}

static void put_threads(struct json *json, const struct comparison *comparison)
{
	json_field_number(json, "threads_alike", comparison->threads_alike);
	json_field_array(json, "threads");
	for (size_t i = 0; i < comparison->thread_count; i++) {
		const struct compare_thread *thread = &comparison->threads[i];

		json_open_object(json);
		json_field_text(json, "change", compare_change_name(thread->change));
		json_field_text(json, "process", *thread->process ? thread->process : NULL);
		json_field_text(json, "comm", thread->comm);
		json_field_flag(json, "target", thread->target);
		put_thread_side(json, "before", &thread->before);
		put_thread_side(json, "after", &thread->after);
		json_close_object(json);
	}
	json_close_array(json);
}

int report_comparison_json(const struct comparison *comparison,
			   const struct report_options *options, FILE *out)
{
	struct json json;

	(void)options;
	json_start(&json, out);
	json_open_object(&json);
	json_field_text(&json, "schema", "freezetrap.comparison/1");
	put_capture(&json, "before", comparison->before);
	put_capture(&json, "after", comparison->after);
	json_field_text(&json, "verdict", comparison->verdict);
	json_field_array(&json, "warnings");
	for (size_t i = 0; i < comparison->warning_count; i++)
		json_put_string(&json, comparison->warnings[i]);
	json_close_array(&json);
	put_findings(&json, comparison);
	put_waits(&json, comparison);
	put_locks(&json, comparison);
	put_threads(&json, comparison);
	json_close_object(&json);
	return json_finish(&json);
}
