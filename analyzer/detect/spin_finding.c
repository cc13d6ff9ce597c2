/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The finding spin-contention.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>

#include "analyzer/detect/finding.h"
#include "analyzer/detect/detectors.h"
#include "analyzer/detect/spin.h"

/* So many samples in the kernel's slow path are no accident. */
#define STRONG_SAMPLES 100u

/* In user space it is judged from outside: a loop may have another purpose. */
static enum grade grade_of(const struct spin *spin, const struct model *model)
{
	return spin->in_kernel && spin->spinning >= STRONG_SAMPLES && !model->coverage.gap_count
		       ? GRADE_STRONG
		       : GRADE_PLAUSIBLE;
}

static void fill_culprit(const struct detect_context *context, const struct spin *spin,
			 struct model_finding *finding)
{
	const struct spin_sleep *sleep = &spin->sleep;

	if (!spin->sleeper)
		return;
	finding->has_culprit = true;
	finding->culprit = (struct model_culprit){
		.tid = spin->sleeper->tid,
		.tgid = spin->sleeper->tgid,
		.comm = spin->sleeper->comm,
		.hold_start_ns = sleep->start_ns - context->start_ns,
		.hold_ns = sleep->end_ns - sleep->start_ns,
		.blocked_ns = sleep->end_ns - sleep->start_ns,
		.stack = finding_stack(context->stacks, sleep->stack_id, true),
		.user_stack = finding_stack(context->stacks, sleep->stack_id, false),
	};
}

static int fill_summary(const struct spin *spin, struct model_finding *finding)
{
	const char *function = spin->function ? spin->function : "a function without a name";

	if (spin->in_kernel)
		return finding_text(
			&finding->summary,
			"%zu threads ran for up to %s and spent %s of it spinning for a lock "
			"of the kernel that %s takes. Who held it a capture cannot tell.",
			finding->victim_count, human_duration(spin->victims[0].longest_ns).text,
			human_share(spin->spinning, spin->samples).text, function);
	if (!spin->sleeper)
		return finding_text(
			&finding->summary,
			"%zu threads ran for up to %s in one loop of %s and got nowhere. Who they "
			"waited for was not seen.",
			finding->victim_count, human_duration(spin->victims[0].longest_ns).text,
			function);
	return finding_text(
		&finding->summary,
		"%zu threads ran for up to %s in one loop of %s and got nowhere, until thread "
		"%" PRId32 " (%s) of the same process, which had slept for %s, woke up: it "
		"seems to have held what they wanted.",
		finding->victim_count, human_duration(spin->victims[0].longest_ns).text, function,
		spin->sleeper->tid, spin->sleeper->comm,
		human_duration(spin->sleep.end_ns - spin->sleep.start_ns).text);
}

static int fill_evidence(const struct detect_context *context, const struct spin *spin,
			 const struct model *model, struct model_finding *finding)
{
	const struct stack_info *fact = stack_infos_get(context->stack_infos, spin->sleep.stack_id);
	int r;

	if (!fact)
		return -ENOMEM;
	if (spin->in_kernel)
		return finding_evidence(finding,
					"%" PRIu32 " of %" PRIu32 " CPU samples of them are in the "
					"kernel's slow path of a spinlock",
					spin->spinning, spin->samples);
	r = finding_evidence(finding,
			     "%" PRIu32 " of %" PRIu32 " CPU samples of them are in the same few "
			     "instructions, and none of them slept meanwhile",
			     spin->spinning, spin->samples);
	if (!r && spin->sleeper)
		r = finding_evidence(
			finding,
			"thread %" PRId32
			" (%s) slept from %s%s%s, ran again at %s, and %s later the "
			"first of them went on; no other thread of the process did so",
			spin->sleeper->tid, spin->sleeper->comm,
			model_time_text(model, spin->sleep.start_ns - context->start_ns).text,
			*fact->operation ? " in " : "", fact->operation,
			model_time_text(model, spin->resumed_ns - context->start_ns).text,
			human_duration(spin->freed_ns - spin->resumed_ns).text);
	return r;
}

static int tell_spin(const struct detect_context *context, const struct spin *spin,
		     struct model *model)
{
	struct model_finding *finding = finding_append(model, FINDING_SPIN_CONTENTION);
	int r;

	if (!finding)
		return -ENOMEM;
	finding->grade = grade_of(spin, model);
	finding->has_lock = true;
	finding->lock = (struct model_lock_ref){ .class = WAIT_LOCK_SPIN,
						 .tgid = spin->victims[0].thread->tgid };
	fill_culprit(context, spin, finding);
	r = finding_victims(finding, spin->victims, spin->victim_count, context->start_ns);
	if (!r)
		r = fill_summary(spin, finding);
	if (!r)
		r = fill_evidence(context, spin, model, finding);
	if (!r)
		r = finding_text(&finding->advice, "%s",
				 spin->in_kernel
					 ? "Fewer threads at once in what takes the lock, or a "
					   "newer kernel: profile "
					   "(perf record -g) says which of them it is."
					 : "A lock that is spun for must not be held over a sleep, "
					   "a system call or a page "
					   "fault: make it a mutex, or let go of it before.");
	return r;
}

/* Threads that spin wait for no one as far as the scheduler knows, but they are as stuck. */
static int find_spin(struct detect_context *in, struct candidates *out)
{
	struct spin *found = calloc(1, sizeof(*found));
	struct candidate candidate = {
		.evidence = EVIDENCE_WAITS,
		.named = true,
		.beside = true,
		.found = found,
	};
	int r;

	if (!found)
		return -ENOMEM;
	r = spin_find(in->observations, in->long_ns, found);
	candidate.lost_ns = found->lost_ns;
	candidate.stall = (struct stall){
		.found = true,
		.began_before = found->began_before,
		.still_open = found->still_open,
		.start_ns = found->start_ns,
		.end_ns = found->end_ns,
		.threads_max = (uint32_t)found->victim_count,
		.apart = detect_over_before(in, found->end_ns),
	};
	/* A thread that others wait for, and that computes, does not spin. */
	if (!r && found->found && !in->producer)
		r = candidates_append(out, &candidate);
	else
		candidate.found = NULL;
	if (r || !candidate.found) {
		spin_free(found);
		free(found);
	}
	return r;
}

static int report_spin(const struct detect_context *in, const struct candidate *candidate)
{
	return tell_spin(in, candidate->found, in->model);
}

static void free_spin(void *found)
{
	spin_free(found);
	free(found);
}

const struct detector spin_detector = { "spin", find_spin, report_spin, free_spin };
