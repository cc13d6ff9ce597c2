/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The findings busy-thread and, for a thread that slept, slow-producer: a
 * trigger says that somebody waited, and one thread of the target is why.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>

#include "analyzer/detect/finding.h"
#include "analyzer/detect/busy_thread.h"
#include "analyzer/detect/detectors.h"

/* A sleep says only that its thread did nothing else; a run is what the others had to wait for. */
static enum grade grade_of(const struct busy_thread *episode, const struct trigger_window *window)
{
	if (episode->kind == EPISODE_BUSY && window->probed && window->since_said &&
	    episode->began_with_it && !episode->others)
		return GRADE_STRONG;
	return GRADE_PLAUSIBLE;
}

static void fill_culprit(const struct detect_context *context, const struct busy_thread *episode,
			 struct model_finding *finding)
{
	uint32_t stack_id =
		episode->kind == EPISODE_BUSY ? episode->profile.stack_id : episode->stack_id;
	const struct cpu_profile *profile = &episode->profile;

	finding->has_culprit = true;
	finding->culprit = (struct model_culprit){
		.tid = episode->thread->tid,
		.tgid = episode->thread->tgid,
		.comm = episode->thread->comm,
		.hold_start_ns = episode->start_ns - context->start_ns,
		.hold_ns = episode->end_ns - episode->start_ns,
		.running_ns = episode->state_ns[THREAD_RUNNING],
		.runnable_ns = episode->state_ns[THREAD_RUNNABLE],
		.blocked_ns = episode->state_ns[THREAD_BLOCKED],
		.samples = profile->samples,
		.samples_in_stack = profile->top_count ? profile->top[0].samples : 0,
		.stack = finding_stack(context->stacks, stack_id, true),
		.user_stack = finding_stack(context->stacks, stack_id, false),
	};
}

static const char *whose(const struct busy_thread *episode)
{
	return episode->earlier ? "some time before somebody was said to wait for an answer"
				: "while somebody waited for an answer";
}

static int fill_summary(const struct detect_context *context, const struct busy_thread *episode,
			struct model_finding *finding)
{
	const struct stack_info *fact = stack_infos_get(context->stack_infos, episode->stack_id);
	const char *at_least = episode->began_before || episode->still_open ? "at least " : "";
	struct human length = human_duration(episode->end_ns - episode->start_ns);
	const struct thread *thread = episode->thread;

	if (!fact)
		return -ENOMEM;
	if (episode->kind == EPISODE_BUSY)
		return finding_text(&finding->summary,
				    "Thread %" PRId32
				    " (%s) ran for %s%s without waiting for anything, "
				    "and did nothing else, %s.",
				    thread->tid, thread->comm, at_least, length.text, whose(episode));
	return finding_text(&finding->summary,
			    "Thread %" PRId32 " (%s) slept for %s%s (%s%s%s) %s.",
			    thread->tid, thread->comm, at_least, length.text,
			    wait_class_name(episode->class), *fact->operation ? ", in " : "",
			    fact->operation, whose(episode));
}

static int fill_evidence(const struct detect_context *context, const struct busy_thread *episode,
			 const struct trigger_window *window, const struct model *model,
			 struct model_finding *finding)
{
	int r = finding_evidence(finding, "somebody waited: %s: %s", model->capture.trigger_source,
				 model->capture.trigger_reason);

	if (!r)
		r = finding_evidence(
			finding, "it was like that from %s to %s%s",
			model_time_text(model, episode->start_ns - context->start_ns).text,
			model_time_text(model, episode->end_ns - context->start_ns).text,
			episode->kind == EPISODE_BUSY
				? ""
				: ", and not for so long at any other time in the capture");
	if (!r && episode->earlier)
		r = finding_evidence(finding,
				     "the trigger, at %s, does not say since when somebody waited; nothing "
				     "like this went on right before it",
				     model_time_text(model, window->until_ns - context->start_ns).text);
	if (!r)
		r = finding_profile(finding, &episode->profile);
	if (!r && !episode->began_with_it)
		r = finding_evidence(finding,
				     "it was like that already %s before the waiting "
				     "began, when answers still came",
				     human_duration(window->since_ns - episode->start_ns).text);
	if (!r && episode->others)
		r = finding_evidence(finding,
				     "the like is true of %" PRIu32 " other thread%s of the target",
				     episode->others, episode->others == 1 ? "" : "s");
	return r;
}

static int tell_busy_thread(const struct detect_context *context, const struct busy_thread *episode,
			    const struct trigger_window *window, struct model *model)
{
	bool busy = episode->kind == EPISODE_BUSY;
	struct model_finding *finding;
	int r;

	finding = finding_append(model, busy ? FINDING_BUSY_THREAD : FINDING_SLOW_PRODUCER);
	if (!finding)
		return -ENOMEM;
	finding->grade = grade_of(episode, window);
	finding->blocked_ns = window->since_said ? window->until_ns - window->since_ns : 0;
	fill_culprit(context, episode, finding);
	r = fill_summary(context, episode, finding);
	if (!r)
		r = fill_evidence(context, episode, window, model, finding);
	if (!r)
		r = finding_text(
			&finding->advice, "%s",
			busy ? "Find the request that takes so long; the profile shows the code. "
			       "Do it in "
			       "slices, or in a thread that nobody waits for."
			     : "A thread that serves must not sleep: look for a command that asks "
			       "for it "
			       "(DEBUG SLEEP, pg_sleep), a retry with a pause, or a rate limit.");
	return r;
}

/* No wait that hurts, and yet somebody waited for an answer: then it is a thread that did not serve. */
static int find_busy_thread(struct detect_context *in, struct candidates *out)
{
	const struct trigger_window *window = in->window;
	struct candidate candidate = { .evidence = EVIDENCE_SIGNS, .named = true };
	struct busy_thread *found;
	int r;

	if (!window->proves || in->paused || detect_covers_window(window, in->stall))
		return 0;
	found = calloc(1, sizeof(*found));
	if (!found)
		return -ENOMEM;
	r = busy_thread_find(in->observations, window, found);
	if (!r && found->kind != EPISODE_NONE) {
		candidate.found = found;
		candidate.lost_ns = window->since_said ? window->until_ns - window->since_ns
						       : found->end_ns - found->start_ns;
		candidate.stall = (struct stall){
			.found = true,
			.began_before = found->began_before,
			.still_open = found->still_open,
			.start_ns = found->start_ns,
			.end_ns = found->end_ns,
			.threads_max = found->kind == EPISODE_ASLEEP,
		};
		r = candidates_append(out, &candidate);
	}
	if (r || !candidate.found) {
		cpu_profile_free(&found->profile);
		free(found);
	}
	return r;
}

static int report_busy_thread(const struct detect_context *in, const struct candidate *candidate)
{
	return tell_busy_thread(in, candidate->found, in->window, in->model);
}

static void free_busy_thread(void *found)
{
	cpu_profile_free(&((struct busy_thread *)found)->profile);
	free(found);
}

const struct detector busy_thread_detector = { "busy-thread", find_busy_thread, report_busy_thread,
					       free_busy_thread };
