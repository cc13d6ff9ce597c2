/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The finding host-paused.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "analyzer/detect/finding.h"
#include "analyzer/detect/lock_convoy_finding.h"

static int fill_evidence_of_all(const struct findings_context *context,
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

static int fill_evidence_of_one(const struct findings_context *context,
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

static int fill_evidence(const struct findings_context *context, const struct host_pause *silence,
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

int host_pause_finding(const struct findings_context *context, const struct host_pause *silence,
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
