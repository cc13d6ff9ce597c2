/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An explanation as JSON, schema freezetrap.explain/1: the chain as two lists
 * that refer to each other by number. Members may be added and are never renamed.
 */
#include "analyzer/explain/explain.h"
#include "analyzer/report/json_fields.h"
#include "analyzer/report/report.h"

static void thread(struct json_fields *fields, const char *key, const struct thread *thread)
{
	if (!thread) {
		json_field_null(fields, key);
		return;
	}
	json_field_object(fields, key);
	json_field_id(fields, "tid", thread->tid);
	json_field_id(fields, "tgid", thread->tgid);
	json_field_text(fields, "comm", thread->comm);
	json_close_object(&fields->json);
}

static const char *kind_name(enum excerpt_kind kind)
{
	static const char *const names[] = {
		[EXCERPT_GETS_CPU] = "gets-cpu",
		[EXCERPT_LEAVES_CPU] = "leaves-cpu",
		[EXCERPT_WOKEN] = "woken",
		[EXCERPT_WAKES] = "wakes",
		[EXCERPT_LOCK_BEGIN] = "lock-begin",
		[EXCERPT_LOCK_ACQUIRED] = "lock-acquired",
		[EXCERPT_LOCK_RELEASED] = "lock-released",
		[EXCERPT_CALL] = "call",
		[EXCERPT_SAMPLE] = "sample",
		[EXCERPT_SNAPSHOT] = "snapshot",
		[EXCERPT_HAS_RUN] = "has-run",
	};

	return names[kind];
}

/* What the event's kind has to say; the rest is left out. */
static void event(struct json_fields *fields, const struct explain_event *event)
{
	json_open_object(&fields->json);
	json_field_number(fields, "at_ns", event->at_ns);
	if (event->cpu != FT_NO_CPU)
		json_field_number(fields, "cpu", event->cpu);
	json_field_text(fields, "kind", kind_name(event->kind));
	if (event->other)
		thread(fields, "other", event->other);
	if (event->kind == EXCERPT_WOKEN)
		json_field_flag(fields, "in_interrupt", event->in_interrupt);
	if (event->kind == EXCERPT_LEAVES_CPU)
		json_field_text(fields, "class", wait_class_name(event->class));
	if (event->kind == EXCERPT_LOCK_BEGIN || event->kind == EXCERPT_LOCK_ACQUIRED ||
	    event->kind == EXCERPT_LOCK_RELEASED)
		json_field_address(fields, "address", event->address);
	if (event->kind == EXCERPT_CALL) {
		json_field_text(fields, "call", event->call);
		if (event->wakes)
			json_field_flag(fields, "wakes", true);
		if (event->address)
			json_field_address(fields, "address", event->address);
		else
			json_field_number(fields, "bytes", event->bytes);
	}
	if (event->stack.count)
		json_field_stack(fields, "stack", &event->stack);
	json_close_object(&fields->json);
}

static void trail(struct json_fields *fields, const struct explain_excerpt *trail)
{
	json_field_number(fields, "events_left_out", trail->left_out);
	json_field_array(fields, "events");
	for (size_t i = 0; i < trail->count; i++)
		event(fields, &trail->events[i]);
	json_close_array(&fields->json);
}

static void pieces(struct json_fields *fields, const struct explain_wait *wait)
{
	json_field_array(fields, "pieces");
	for (size_t i = 0; i < wait->piece_count; i++) {
		const struct explain_piece *piece = &wait->pieces[i];

		json_open_object(&fields->json);
		thread(fields, "owner", piece->owner);
		json_field_text(fields, "grade", grade_name(piece->grade));
		if (piece->owner) {
			json_field_number(fields, "start_ns", piece->start_ns);
			json_field_number(fields, "end_ns", piece->end_ns);
		}
		json_field_number(fields, "charged_ns", piece->end_ns - piece->start_ns);
		json_close_object(&fields->json);
	}
	json_close_array(&fields->json);
	json_field_number(fields, "pieces_left_out", wait->left_out);
	json_field_number(fields, "pieces_left_out_ns", wait->left_out_ns);
}

static void wait(struct json_fields *fields, const struct explain_wait *wait)
{
	json_open_object(&fields->json);
	if (wait->actor == EXPLAIN_NONE)
		json_field_null(fields, "actor");
	else
		json_field_number(fields, "actor", wait->actor);
	thread(fields, "thread", wait->thread);
	json_field_flag(fields, "hop", wait->hop);
	json_field_text(fields, "class", wait_class_name(wait->class));
	json_field_text(fields, "operation", *wait->operation ? wait->operation : NULL);
	json_field_flag(fields, "for_cpu", wait->for_cpu);
	json_field_number(fields, "start_ns", wait->start_ns);
	json_field_number(fields, "end_ns", wait->end_ns);
	json_field_number(fields, "waited_ns", wait->waited_ns);
	json_field_number(fields, "within_ns", wait->within_ns);
	json_field_number(fields, "sleeps", wait->sleeps);
	json_field_flag(fields, "began_before", wait->began_before);
	json_field_flag(fields, "still_open", wait->still_open);
	json_field_flag(fields, "begin_inferred", wait->begin_inferred);
	json_field_flag(fields, "end_inferred", wait->end_inferred);
	json_field_number(fields, "gaps", wait->gaps);
	json_field_number(fields, "lost_events", wait->lost_events);
	json_field_address(fields, "lock_address", wait->is_lock ? wait->lock_address : 0);
	pieces(fields, wait);
	json_field_text(fields, "root", explain_root_name(wait->root));
	json_field_stack(fields, "stack", &wait->stack);
	trail(fields, &wait->excerpt);
	json_close_object(&fields->json);
}

static void profile(struct json_fields *fields, const struct cpu_profile *profile)
{
	json_field_number(fields, "samples", profile->samples);
	json_field_number(fields, "kernel_samples", profile->kernel_samples);
	json_field_array(fields, "functions");
	for (size_t i = 0; i < profile->top_count; i++) {
		json_open_object(&fields->json);
		json_field_text(fields, "name", profile->top[i].name);
		json_field_number(fields, "samples", profile->top[i].samples);
		json_close_object(&fields->json);
	}
	json_close_array(&fields->json);
}

static void actor(struct json_fields *fields, const struct explain_actor *actor)
{
	static const char *const roles[] = {
		[EXPLAIN_HOLDER] = "holder",
		[EXPLAIN_WAKER] = "waker",
		[EXPLAIN_OCCUPANT] = "occupant",
	};

	json_open_object(&fields->json);
	json_field_number(fields, "wait", actor->wait);
	thread(fields, "thread", actor->thread);
	json_field_text(fields, "role", roles[actor->role]);
	json_field_text(fields, "grade", grade_name(actor->grade));
	json_field_number(fields, "start_ns", actor->start_ns);
	json_field_number(fields, "end_ns", actor->end_ns);
	json_field_number(fields, "running_ns", actor->state_ns[THREAD_RUNNING]);
	json_field_number(fields, "runnable_ns", actor->state_ns[THREAD_RUNNABLE]);
	json_field_number(fields, "blocked_ns", actor->state_ns[THREAD_BLOCKED]);
	json_field_number(fields, "unknown_ns", actor->state_ns[THREAD_UNKNOWN]);
	json_field_text(fields, "root", explain_root_name(actor->root));
	if (actor->root == EXPLAIN_TOLD)
		json_field_number(fields, "told_by_actor", actor->told);
	if (actor->root == EXPLAIN_CYCLE)
		json_field_number(fields, "back_at_wait", actor->told);
	profile(fields, &actor->profile);
	json_field_stack(fields, "stack", &actor->stack);
	trail(fields, &actor->excerpt);
	json_close_object(&fields->json);
}

int report_explanation_json(const struct explanation *explanation, const struct model *model,
			    FILE *out)
{
	static const char *const choices[] = {
		[EXPLAIN_BY_TIME] = "time",	   [EXPLAIN_LONGEST_HURTING] = "longest-hurting",
		[EXPLAIN_LONGEST] = "longest",	   [EXPLAIN_OF_FINDING] = "of-finding",
		[EXPLAIN_OF_VICTIM] = "of-victim",
	};
	struct json_fields fields = { .error = 0 };
	int error;

	json_start(&fields.json, out);
	json_open_object(&fields.json);
	json_field_text(&fields, "schema", "freezetrap.explain/1");
	json_field_text(&fields, "path", model->capture.path);
	json_field_text(&fields, "choice", choices[explanation->choice]);
	if (explanation->choice == EXPLAIN_OF_VICTIM)
		json_field_id(&fields, "culprit_tid", explanation->culprit_tid);
	json_field_array(&fields, "waits");
	for (size_t i = 0; i < explanation->wait_count; i++)
		wait(&fields, &explanation->waits[i]);
	json_close_array(&fields.json);
	json_field_array(&fields, "actors");
	for (size_t i = 0; i < explanation->actor_count; i++)
		actor(&fields, &explanation->actors[i]);
	json_close_array(&fields.json);
	json_close_object(&fields.json);
	error = json_finish(&fields.json);
	return fields.error ? fields.error : error;
}
