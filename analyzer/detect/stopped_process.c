/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The finding process-stopped.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/detect/finding.h"
#include "analyzer/detect/detectors.h"
#include "analyzer/detect/stopped_process.h"
#include "analyzer/detect/thresholds.h"
#include "analyzer/util/span.h"

static void fill_culprit(const struct detect_context *context,
			 const struct stopped_process *stopped, struct model_finding *finding)
{
	const struct thread *stopper = stopped->stopper;

	if (!stopper)
		return;
	finding->has_culprit = true;
	finding->culprit = (struct model_culprit){
		.tid = stopper->tid,
		.tgid = stopper->tgid,
		.comm = stopper->comm,
		.stack = finding_stack(context->stacks, stopped->stopper_stack_id, true),
		.user_stack = finding_stack(context->stacks, stopped->stopper_stack_id, false),
	};
}

static int fill_summary(const struct stopped_process *stopped, struct model_finding *finding)
{
	const char *by = "";

	if (stopped->detail)
		by = strcmp(stopped->detail, "traced") ? stopped->detail : "a debugger or tracer";
	return finding_text(&finding->summary,
			    "Process %" PRId32
			    " (%s) was stopped%s%s for %s%s: %zu of its %zu threads. "
			    "It could not answer anybody meanwhile.",
			    stopped->tgid, stopped->comm, *by ? " by " : "", by,
			    stopped->still_open || stopped->began_before ? "at least " : "",
			    human_duration(stopped->end_ns - stopped->start_ns).text,
			    stopped->victim_count, stopped->thread_count);
}

static int fill_evidence(const struct detect_context *context,
			 const struct stopped_process *stopped, const struct model *model,
			 struct model_finding *finding)
{
	int r = finding_evidence(finding,
				 "the kernel recorded its threads as stopped from %s to %s",
				 model_time_text(model, stopped->start_ns - context->start_ns).text,
				 model_time_text(model, stopped->end_ns - context->start_ns).text);

	if (!r && stopped->stopper)
		r = finding_evidence(finding, "thread %" PRId32 " (%s) woke it %s",
				     stopped->stopper->tid, stopped->stopper->comm,
				     stopped->stopper_stack_id != STACK_NONE
					     ? "with a signal right before"
					     : "right before, and it did nothing but stop");
	else if (!r)
		r = finding_evidence(finding, "who stopped it was not seen");
	if (!r && stopped->waker)
		r = finding_evidence(finding, "thread %" PRId32 " (%s) let it go on",
				     stopped->waker->tid, stopped->waker->comm);
	return r;
}

static int tell_stopped_process(const struct detect_context *context,
				const struct stopped_process *stopped, struct model *model)
{
	struct model_finding *finding = finding_append(model, FINDING_PROCESS_STOPPED);
	int r;

	if (!finding)
		return -ENOMEM;
	finding->grade = stopped->doubtful ? GRADE_STRONG : GRADE_EXACT;
	fill_culprit(context, stopped, finding);
	r = finding_victims(finding, stopped->victims, stopped->victim_count, context->start_ns);
	if (!r)
		r = fill_summary(stopped, finding);
	if (!r)
		r = fill_evidence(context, stopped, model, finding);
	if (!r)
		r = finding_text(&finding->advice,
				 "%s: a script that sends SIGSTOP, a debugger or a "
				 "dump of its "
				 "memory, a frozen control group (backup, migration), job control. "
				 "kill -CONT %" PRId32 " lets it go on after SIGSTOP.",
				 stopped->stopper ? "Find out what the one who woke it stops it for"
						  : "Find who stops it",
				 stopped->tgid);
	return r;
}

static int find_stopped_process(struct detect_context *in, struct candidates *out)
{
	struct candidate candidate = {
		.stall = *in->stall,
		.evidence = EVIDENCE_STANDSTILL,
		.named = true,
		.of_waits = true,
		.beside = true,
	};
	struct stopped_process *found;
	int r;

	if (!in->stall->found)
		return 0;
	found = calloc(1, sizeof(*found));
	if (!found)
		return -ENOMEM;
	r = stopped_process_find(in->observations, in->stall, found);
	candidate.found = found;
	candidate.lost_ns = found->stopped_ns;
	if (!r && found->tgid && share_at_least(found->stopped_ns, found->total_ns, BESIDE_PERCENT))
		r = candidates_append(out, &candidate);
	else
		candidate.found = NULL;
	if (r || !candidate.found) {
		stopped_process_free(found);
		free(found);
	}
	return r;
}

static int report_stopped_process(const struct detect_context *in,
				  const struct candidate *candidate)
{
	return tell_stopped_process(in, candidate->found, in->model);
}

static void free_stopped_process(void *found)
{
	stopped_process_free(found);
	free(found);
}

const struct detector stopped_process_detector = { "stopped-process", find_stopped_process,
						   report_stopped_process, free_stopped_process };
