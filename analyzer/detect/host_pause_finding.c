/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The finding host-paused.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>

#include "analyzer/detect/finding.h"
#include "analyzer/detect/detectors.h"
#include "analyzer/detect/host_pause.h"
#include "analyzer/util/span.h"

static int fill_evidence_of_all(const struct detect_context *context,
				const struct host_pause *silence, const struct model *model,
				struct model_finding *finding)
{
	int r = finding_evidence(finding,
				 "none of the %" PRIu32
				 " CPUs recorded an event from %s to %s, and no "
				 "loss was told there",
				 model->coverage.cpus,
				 model_time_text(model, silence->start_ns - context->start_ns).text,
				 model_time_text(model, silence->end_ns - context->start_ns).text);

	if (!r && silence->ran)
		r = finding_evidence(finding,
				     "CPU %" PRIu32 " ran thread %" PRId32
				     " (%s) before and after, which is "
				     "sampled many times a second, and not once meanwhile",
				     silence->cpu, silence->ran->tid, silence->ran->comm);
	if (!r && silence->recorder_missed)
		r = finding_evidence(
			finding,
			"the recorder's own thread, which wakes every 250 ms at least, did not");
	return r;
}

static int fill_evidence_of_one(const struct detect_context *context,
				const struct host_pause *silence, const struct model *model,
				struct model_finding *finding)
{
	int r = finding_evidence(finding,
				 "CPU %" PRIu32 " recorded no event from %s to %s, and no loss "
				 "was told there",
				 silence->cpu,
				 model_time_text(model, silence->start_ns - context->start_ns).text,
				 model_time_text(model, silence->end_ns - context->start_ns).text);

	if (!r)
		r = finding_evidence(
			finding,
			"it ran thread %" PRId32
			" (%s) before and after, which is sampled many times a second, "
			"and not once meanwhile",
			silence->ran->tid, silence->ran->comm);
	return r;
}

static int fill_evidence(const struct detect_context *context, const struct host_pause *silence,
			 const struct model *model, struct model_finding *finding)
{
	int r = silence->one_cpu ? fill_evidence_of_one(context, silence, model, finding)
				 : fill_evidence_of_all(context, silence, model, finding);

	if (!r && silence->count > 1)
		r = finding_evidence(finding, "this happened %" PRIu32 " times, for %s in all",
				     silence->count, human_duration(silence->total_ns).text);
	return r;
}

static int fill_summary(const struct host_pause *silence, struct model_finding *finding)
{
	const char *threads = finding->victim_count == 1 ? "thread" : "threads";
	struct human length = human_duration(silence->end_ns - silence->start_ns);

	if (!silence->one_cpu)
		return finding_text(
			&finding->summary,
			"The whole host stood still for %s: no CPU did anything, although there "
			"was something to do. %zu %s of the target wanted to run meanwhile.",
			length.text, finding->victim_count, threads);
	return finding_text(
		&finding->summary,
		"CPU %" PRIu32 " stood still for %s, in the middle of thread %" PRId32
		" (%s), while others went on. %zu %s of the target wanted to run on it.",
		silence->cpu, length.text, silence->ran->tid, silence->ran->comm,
		finding->victim_count, threads);
}

static int tell_host_pause(const struct detect_context *context, const struct host_pause *silence,
			   struct model *model)
{
	struct model_finding *finding = finding_append(model, FINDING_HOST_PAUSED);
	int r;

	if (!finding)
		return -ENOMEM;
	finding->grade = silence->ran && silence->recorder_missed ? GRADE_STRONG : GRADE_PLAUSIBLE;
	r = finding_victims(finding, silence->victims, silence->victim_count, context->start_ns);
	if (!r)
		r = fill_summary(silence, finding);
	if (!r)
		r = fill_evidence(context, silence, model, finding);
	if (!r && silence->one_cpu)
		r = finding_text(
			&finding->advice,
			"Look at the machine below: a virtual CPU that gets no time from its host "
			"(steal in /proc/stat). Or the kernel kept interrupts off there: then its "
			"log may tell of a lockup.");
	else if (!r)
		r = finding_text(
			&finding->advice,
			"Look at the machine below: a virtual machine that is saved, moved or "
			"stopped by its host, or gets no CPU from it (steal in /proc/stat), or "
			"firmware that takes all CPUs (SMI).");
	return r;
}

/* One CPU that stood still under somebody else's thread need not have held up the target's. */
static bool needs_no_victim(const struct host_pause *pause)
{
	return !pause->one_cpu || pause->of_target;
}

/* What threads lost while nothing could go on: those that wanted to run, and the waits that went on meanwhile. */
static uint64_t lost_in_pause_ns(const struct detect_context *in, const struct host_pause *pause)
{
	uint64_t lost_ns = 0;

	for (size_t i = 0; i < pause->victim_count; i++)
		lost_ns += pause->victims[i].blocked_ns;
	for (size_t i = 0; i < in->wait_count && !pause->one_cpu; i++) {
		uint64_t from_ns = later(in->waits[i].start_ns, pause->start_ns);
		uint64_t to_ns = earlier(in->waits[i].end_ns, pause->end_ns);

		if (to_ns > from_ns && in->waits[i].class != WAIT_CPU_RUNQUEUE &&
		    in->waits[i].class != WAIT_CPU_THROTTLED)
			lost_ns += to_ns - from_ns;
	}
	/* nobody gets on while the host stands still, whether it is noticed or not */
	return needs_no_victim(pause) ? later(lost_ns, pause->end_ns - pause->start_ns) : lost_ns;
}

static int find_host_pause(struct detect_context *in, struct candidates *out)
{
	struct host_pause *found = calloc(1, sizeof(*found));
	struct candidate candidate = { .named = true, .beside = true, .found = found };
	int r;

	if (!found)
		return -ENOMEM;
	r = host_pause_find(in->observations, found);
	candidate.evidence = needs_no_victim(found) ? EVIDENCE_STANDSTILL : EVIDENCE_SIGNS;
	candidate.lost_ns = found->found ? lost_in_pause_ns(in, found) : 0;
	candidate.stall = (struct stall){
		.found = true,
		.start_ns = found->start_ns,
		.end_ns = found->end_ns,
		.threads_max = (uint32_t)found->victim_count,
		.apart = detect_over_before(in, found->end_ns),
	};
	if (!r && found->found)
		r = candidates_append(out, &candidate);
	else
		candidate.found = NULL;
	in->paused = candidate.found && needs_no_victim(found) && !candidate.stall.apart &&
		     (found->end_ns - found->start_ns) * 2 >=
			     in->window->until_ns - in->window->since_ns;
	if (r || !candidate.found) {
		host_pause_free(found);
		free(found);
	}
	return r;
}

static int report_host_pause(const struct detect_context *in, const struct candidate *candidate)
{
	return tell_host_pause(in, candidate->found, in->model);
}

static void free_host_pause(void *found)
{
	host_pause_free(found);
	free(found);
}

const struct detector host_pause_detector = { "host-pause", find_host_pause, report_host_pause,
					      free_host_pause };
