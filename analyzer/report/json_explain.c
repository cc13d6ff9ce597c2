/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An explanation as JSON, schema freezetrap.explain/1: the chain is two lists
 * that refer to each other by number. Members may be added and are never renamed.
 */
#include "analyzer/explain/explain.h"
#include "analyzer/report/report_private.h"

static void put_thread(struct json *json, const char *key, const struct thread *thread)
{
	if (!thread) {
		json_field_null(json, key);
		return;
	}
	json_field_object(json, key);
	json_field_id(json, "tid", thread->tid);
	json_field_id(json, "tgid", thread->tgid);
	json_field_text(json, "comm", thread->comm);
	json_close_object(json);
}

static const char *excerpt_kind_name(enum excerpt_kind kind)
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

/* Only the members that the kind of event has are put. */
static void put_event(struct json *json, const struct explain_event *event)
{
	json_open_object(json);
	json_field_number(json, "at_ns", event->at_ns);
	if (event->cpu != FT_NO_CPU)
		json_field_number(json, "cpu", event->cpu);
	json_field_text(json, "kind", excerpt_kind_name(event->kind));
	if (event->other)
		put_thread(json, "other", event->other);
	if (event->kind == EXCERPT_WOKEN)
		json_field_flag(json, "in_interrupt", event->in_interrupt);
	if (event->kind == EXCERPT_LEAVES_CPU)
		json_field_text(json, "class", wait_class_name(event->class));
	if (event->kind == EXCERPT_LOCK_BEGIN || event->kind == EXCERPT_LOCK_ACQUIRED ||
	    event->kind == EXCERPT_LOCK_RELEASED)
		json_field_address(json, "address", event->address);
	if (event->kind == EXCERPT_CALL) {
		json_field_text(json, "call", event->call);
		if (event->wakes)
			json_field_flag(json, "wakes", true);
		if (event->address)
			json_field_address(json, "address", event->address);
		else
			json_field_number(json, "bytes", event->bytes);
	}
	if (event->stack.count)
		json_put_stack(json, "stack", &event->stack);
	json_close_object(json);
}

static void put_excerpt(struct json *json, const struct explain_excerpt *trail)
{
	json_field_number(json, "events_left_out", trail->left_out);
	json_field_array(json, "events");
	for (size_t i = 0; i < trail->count; i++)
		put_event(json, &trail->events[i]);
	json_close_array(json);
}

static void put_pieces(struct json *json, const struct explain_wait *wait)
{
	json_field_array(json, "pieces");
	for (size_t i = 0; i < wait->piece_count; i++) {
		const struct explain_piece *piece = &wait->pieces[i];

		json_open_object(json);
		put_thread(json, "owner", piece->owner);
		json_field_text(json, "grade", grade_name(piece->grade));
		if (piece->owner) {
			json_field_number(json, "start_ns", piece->start_ns);
			json_field_number(json, "end_ns", piece->end_ns);
		}
		json_field_number(json, "charged_ns", piece->end_ns - piece->start_ns);
		json_close_object(json);
	}
	json_close_array(json);
	json_field_number(json, "pieces_left_out", wait->left_out);
	json_field_number(json, "pieces_left_out_ns", wait->left_out_ns);
}

static void put_wait(struct json *json, const struct explain_wait *wait)
{
	json_open_object(json);
	if (wait->actor == EXPLAIN_NONE)
		json_field_null(json, "actor");
	else
		json_field_number(json, "actor", wait->actor);
	put_thread(json, "thread", wait->thread);
	json_field_flag(json, "hop", wait->hop);
	json_field_text(json, "class", wait_class_name(wait->class));
	json_field_text(json, "operation", *wait->operation ? wait->operation : NULL);
	json_field_flag(json, "for_cpu", wait->for_cpu);
	json_field_number(json, "start_ns", wait->start_ns);
	json_field_number(json, "end_ns", wait->end_ns);
	json_field_number(json, "waited_ns", wait->waited_ns);
	json_field_number(json, "within_ns", wait->within_ns);
	json_field_number(json, "sleeps", wait->sleeps);
	json_field_flag(json, "began_before", wait->began_before);
	json_field_flag(json, "still_open", wait->still_open);
	json_field_flag(json, "begin_inferred", wait->begin_inferred);
	json_field_flag(json, "end_inferred", wait->end_inferred);
	json_field_number(json, "gaps", wait->gaps);
	json_field_number(json, "lost_events", wait->lost_events);
	json_field_address(json, "lock_address", wait->is_lock ? wait->lock_address : 0);
	json_field_text(json, "object", *wait->object.text ? wait->object.text : NULL);
	json_field_text(json, "object_peers", *wait->peers.text ? wait->peers.text : NULL);
	put_pieces(json, wait);
	json_field_text(json, "root", explain_root_name(wait->root));
	json_put_stack(json, "stack", &wait->stack);
	put_excerpt(json, &wait->excerpt);
	json_close_object(json);
}

static void put_profile(struct json *json, const struct cpu_profile *profile)
{
	json_field_number(json, "samples", profile->samples);
	json_field_number(json, "kernel_samples", profile->kernel_samples);
	json_field_array(json, "functions");
	for (size_t i = 0; i < profile->top_count; i++) {
		json_open_object(json);
		json_field_text(json, "name", profile->top[i].name);
		json_field_number(json, "samples", profile->top[i].samples);
		json_close_object(json);
	}
	json_close_array(json);
}

static void put_actor(struct json *json, const struct explain_actor *actor)
{
	static const char *const roles[] = {
		[EXPLAIN_HOLDER] = "holder",
		[EXPLAIN_WAKER] = "waker",
		[EXPLAIN_OCCUPANT] = "occupant",
	};

	json_open_object(json);
	json_field_number(json, "wait", actor->wait);
	put_thread(json, "thread", actor->thread);
	json_field_text(json, "role", roles[actor->role]);
	json_field_text(json, "grade", grade_name(actor->grade));
	json_field_number(json, "start_ns", actor->start_ns);
	json_field_number(json, "end_ns", actor->end_ns);
	json_field_number(json, "running_ns", actor->state_ns[THREAD_RUNNING]);
	json_field_number(json, "runnable_ns", actor->state_ns[THREAD_RUNNABLE]);
	json_field_number(json, "blocked_ns", actor->state_ns[THREAD_BLOCKED]);
	json_field_number(json, "unknown_ns", actor->state_ns[THREAD_UNKNOWN]);
	json_field_text(json, "root", explain_root_name(actor->root));
	if (actor->root == EXPLAIN_TOLD)
		json_field_number(json, "told_by_actor", actor->told);
	if (actor->root == EXPLAIN_CYCLE)
		json_field_number(json, "back_at_wait", actor->told);
	put_profile(json, &actor->profile);
	json_put_stack(json, "stack", &actor->stack);
	put_excerpt(json, &actor->excerpt);
	json_close_object(json);
}

int report_explanation_json(const struct explanation *explanation, const struct model *model,
			    const struct report_options *options, FILE *out)
{
	static const char *const choices[] = {
		[EXPLAIN_BY_TIME] = "time",	   [EXPLAIN_LONGEST_HURTING] = "longest-hurting",
		[EXPLAIN_LONGEST] = "longest",	   [EXPLAIN_OF_FINDING] = "of-finding",
		[EXPLAIN_OF_VICTIM] = "of-victim",
	};
	struct json json;

	(void)options;
	json_start(&json, out);
	json_open_object(&json);
	json_field_text(&json, "schema", "freezetrap.explain/1");
	json_field_text(&json, "path", model->capture.path);
	json_field_text(&json, "choice", choices[explanation->choice]);
	if (explanation->choice == EXPLAIN_OF_VICTIM)
		json_field_id(&json, "culprit_tid", explanation->culprit_tid);
	json_field_array(&json, "waits");
	for (size_t i = 0; i < explanation->wait_count; i++)
		put_wait(&json, &explanation->waits[i]);
	json_close_array(&json);
	json_field_array(&json, "actors");
	for (size_t i = 0; i < explanation->actor_count; i++)
		put_actor(&json, &explanation->actors[i]);
	json_close_array(&json);
	json_close_object(&json);
	return json_finish(&json);
}
