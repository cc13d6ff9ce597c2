/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A comparison as JSON, schema freezetrap.comparison/1. Members may be added to
 * it and are never renamed, nor do they change their meaning.
 */
#include "analyzer/compare/compare.h"
#include "analyzer/util/human.h"
#include "analyzer/report/json_fields.h"
#include "analyzer/report/report.h"

static void capture(struct json_fields *fields, const char *key, const struct model *model)
{
	const int64_t start_ns = model->capture.start_realtime_ns;

	json_field_object(fields, key);
	json_field_text(fields, "path", model->capture.path);
	json_field_text(fields, "host", model->capture.host);
	json_field_text(fields, "kernel", model->capture.kernel);
	json_field_text(fields, "tier", model->capture.tier);
	json_field_text(fields, "target_comm", model->capture.target_comm);
	json_field_number(fields, "target_threads", model->capture.target_threads);
	json_field_text(fields, "start",
			start_ns ? human_rfc3339(start_ns, model->capture.utc_offset_s).text
				 : NULL);
	json_field_number(fields, "duration_ns", model->capture.duration_ns);
	json_field_number(fields, "events", model->capture.events);
	json_field_number(fields, "lost_events", model->coverage.lost_events);
	json_field_flag(fields, "complete", model->capture.complete);
	json_field_text(fields, "no_verdict", model->no_verdict);
	json_field_flag(fields, "froze", model->stall.found);
	json_close_object(&fields->json);
}

static void finding_side(struct json_fields *fields, const char *key,
			 const struct model_finding *finding)
{
	if (!finding) {
		json_field_null(fields, key);
		return;
	}
	json_field_object(fields, key);
	json_field_text(fields, "grade", grade_name(finding->grade));
	json_field_text(fields, "summary", finding->summary);
	json_field_number(fields, "blocked_ns", finding->blocked_ns);
	json_field_number(fields, "victims", finding->victim_count);
	json_close_object(&fields->json);
}

static void findings(struct json_fields *fields, const struct comparison *comparison)
{
	json_field_array(fields, "findings");
	for (size_t i = 0; i < comparison->finding_count; i++) {
		const struct compare_finding *row = &comparison->findings[i];

		json_open_object(&fields->json);
		json_field_text(fields, "change", compare_change_name(row->change));
		json_field_text(fields, "kind", finding_kind_name(row->kind));
		json_field_text(fields, "culprit", *row->culprit ? row->culprit : NULL);
		finding_side(fields, "before", row->before);
		finding_side(fields, "after", row->after);
		json_close_object(&fields->json);
	}
	json_close_array(&fields->json);
}

static void side(struct json_fields *fields, const char *key, const struct compare_side *side,
		 bool with_stack)
{
	json_field_object(fields, key);
	json_field_number(fields, "share_ppm", side->share);
	json_field_number(fields, "time_ns", side->time_ns);
	json_field_number(fields, "count", side->count);
	json_field_number(fields, "max_ns", side->max_ns);
	if (with_stack)
		json_field_stack(fields, "stack", &side->stack);
	json_close_object(&fields->json);
}

static void waits(struct json_fields *fields, const struct comparison *comparison)
{
	json_field_number(fields, "waits_alike", comparison->waits_alike);
	json_field_array(fields, "waits");
	for (size_t i = 0; i < comparison->wait_count; i++) {
		const struct compare_wait *wait = &comparison->waits[i];

		json_open_object(&fields->json);
		json_field_text(fields, "change", compare_change_name(wait->change));
		json_field_text(fields, "class", wait_class_name(wait->class));
		json_field_flag(fields, "idle", wait->idle);
		json_field_text(fields, "operation", *wait->operation ? wait->operation : NULL);
		side(fields, "before", &wait->before, true);
		side(fields, "after", &wait->after, true);
		json_close_object(&fields->json);
	}
	json_close_array(&fields->json);
}

static void locks(struct json_fields *fields, const struct comparison *comparison)
{
	json_field_number(fields, "locks_alike", comparison->locks_alike);
	json_field_array(fields, "locks");
	for (size_t i = 0; i < comparison->lock_count; i++) {
		const struct compare_lock *lock = &comparison->locks[i];

		json_open_object(&fields->json);
		json_field_text(fields, "change", compare_change_name(lock->change));
		json_field_text(fields, "class", wait_class_name(lock->class));
		json_field_text(fields, "detail", *lock->detail ? lock->detail : NULL);
		json_field_text(fields, "process", *lock->process ? lock->process : NULL);
		side(fields, "before", &lock->before, false);
		side(fields, "after", &lock->after, false);
		json_field_text(fields, "owner_before",
				*lock->owner_before ? lock->owner_before : NULL);
		json_field_text(fields, "owner_after",
				*lock->owner_after ? lock->owner_after : NULL);
		json_close_object(&fields->json);
	}
	json_close_array(&fields->json);
}

static void thread_side(struct json_fields *fields, const char *key,
			const struct compare_thread_side *side)
{
	json_field_object(fields, key);
	json_field_number(fields, "threads", side->threads);
	json_field_number(fields, "running_ns", side->running_ns);
	json_field_number(fields, "runnable_ns", side->runnable_ns);
	json_field_number(fields, "hurt_ns", side->hurt_ns);
	json_field_number(fields, "running_ppm", side->running);
	json_field_number(fields, "runnable_ppm", side->runnable);
	json_field_number(fields, "hurt_ppm", side->hurt);
	json_close_object(&fields->json);
}

static void threads(struct json_fields *fields, const struct comparison *comparison)
{
	json_field_number(fields, "threads_alike", comparison->threads_alike);
	json_field_array(fields, "threads");
	for (size_t i = 0; i < comparison->thread_count; i++) {
		const struct compare_thread *thread = &comparison->threads[i];

		json_open_object(&fields->json);
		json_field_text(fields, "change", compare_change_name(thread->change));
		json_field_text(fields, "process", *thread->process ? thread->process : NULL);
		json_field_text(fields, "comm", thread->comm);
		json_field_flag(fields, "target", thread->target);
		thread_side(fields, "before", &thread->before);
		thread_side(fields, "after", &thread->after);
		json_close_object(&fields->json);
	}
	json_close_array(&fields->json);
}

int report_comparison_json(const struct comparison *comparison, FILE *out)
{
	struct json_fields fields = { .error = 0 };
	int error;

	json_start(&fields.json, out);
	json_open_object(&fields.json);
	json_field_text(&fields, "schema", "freezetrap.comparison/1");
	capture(&fields, "before", comparison->before);
	capture(&fields, "after", comparison->after);
	json_field_text(&fields, "verdict", comparison->verdict);
	json_field_array(&fields, "warnings");
	for (size_t i = 0; i < comparison->warning_count; i++)
		json_put_string(&fields.json, comparison->warnings[i]);
	json_close_array(&fields.json);
	findings(&fields, comparison);
	waits(&fields, comparison);
	locks(&fields, comparison);
	threads(&fields, comparison);
	json_close_object(&fields.json);
	error = json_finish(&fields.json);
	return fields.error ? fields.error : error;
}
