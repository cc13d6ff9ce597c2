/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/detect/cpu_starvation.h"

#include <inttypes.h>
#include <stdio.h>

#include "analyzer/detect/finding.h"
#include "analyzer/detect/thresholds.h"

/* By where they lost the CPU; older kernels do not tell. */
static bool quota_took_it(const struct cpu_starvation *starvation)
{
	return starvation->quota_ns &&
	       starvation->quota_ns * 100 >= starvation->waited_ns * STARVED_MOST_PERCENT;
}

/* With a CPU that does nothing meanwhile, a quota holds them back, or it is not theirs to use. */
static bool was_idle(const struct cpu_starvation *starvation)
{
	return starvation->idle_ns &&
	       starvation->idle_ns * 100 >= starvation->queued_ns * STARVED_MOST_PERCENT;
}

static bool one_is_to_blame(const struct cpu_starvation *starvation)
{
	return starvation->top[0].thread &&
	       starvation->top[0].ns * 100 >= starvation->queued_ns * STARVED_MOST_PERCENT;
}

/* Its threads together, none of them alone; most of them is named as the culprit. */
static bool process_is_to_blame(const struct cpu_starvation *starvation)
{
	return starvation->tgid && starvation->top[0].thread &&
	       starvation->top[0].thread->tgid == starvation->tgid &&
	       starvation->tgid_ns * 100 >= starvation->queued_ns * STARVED_MOST_PERCENT;
}

/* It did not share the CPU by the usual rules. */
static bool never_gave_way(const struct cpu_starvation *starvation)
{
	return starvation->top[0].to_ns - starvation->top[0].from_ns >= NEVER_GIVES_WAY_NS;
}

/*
 * Where threads share the CPUs by the usual rules it may also be a quota that an older kernel
 * does not show: others run in its place then.
 */
static enum grade grade_starvation(const struct cpu_starvation *starvation,
				   const struct model *model, bool throttled)
{
	bool sure = throttled ? quota_took_it(starvation) && was_idle(starvation)
			      : one_is_to_blame(starvation) && never_gave_way(starvation);

	return sure && !model->coverage.gap_count ? GRADE_STRONG : GRADE_PLAUSIBLE;
}

/* " Thread 5 (hog) ran there instead for 99.8 % of that time." */
static void append_instead(const struct cpu_starvation *starvation, bool throttled, FILE *out)
{
	const struct cpu_starvation_runner *runner = &starvation->top[0];

	if (throttled && quota_took_it(starvation))
		fprintf(out, " Their CPU quota had run out for %s of that time.",
			human_share(starvation->quota_ns, starvation->waited_ns).text);
	else if (throttled)
		fprintf(out,
			" Their CPUs had nothing to do for %s of that time, as where a quota holds "
			"threads back.",
			human_share(starvation->idle_ns, starvation->queued_ns).text);
	else if (one_is_to_blame(starvation))
		fprintf(out, " Thread %" PRId32 " (%s) ran there instead for %s of that time.",
			runner->thread->tid, runner->thread->comm,
			human_share(runner->ns, starvation->queued_ns).text);
	else if (process_is_to_blame(starvation))
		fprintf(out,
			" Process %" PRId32
			" ran there instead for %s of that time, most of all its "
			"thread %" PRId32 " (%s).",
			starvation->tgid,
			human_share(starvation->tgid_ns, starvation->queued_ns).text,
			runner->thread->tid, runner->thread->comm);
	else if (starvation->runners)
		fprintf(out,
			" %" PRIu32 " threads shared their CPUs, and none had half of that time.",
			starvation->runners);
}

static void tell_runners(const struct cpu_starvation *starvation, struct model_finding *finding)
{
	const struct cpu_starvation_runner *top = starvation->top;
	char text[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < STARVED_TOP && top[i].thread && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%sthread %" PRId32 " (%.15s) %s", used ? ", " : "",
					 top[i].thread->tid, top[i].thread->comm,
					 human_share(top[i].ns, starvation->queued_ns).text);
	if (!used)
		return;
	finding_evidence(finding, "what ran on the CPUs they waited for, while they did: %s%s",
			 text, starvation->runners > STARVED_TOP ? " ..." : "");
	if (never_gave_way(starvation))
		finding_evidence(finding,
				 "thread %" PRId32 " (%s) ran for %s in one go on CPU %" PRIu32
				 " and gave way to none of them, as a real-time thread does",
				 top[0].thread->tid, top[0].thread->comm,
				 human_duration(top[0].to_ns - top[0].from_ns).text, top[0].cpu);
}

static void tell_quota(const struct cpu_starvation *starvation, struct model_finding *finding)
{
	if (starvation->quota_ns)
		finding_evidence(
			finding,
			"%s of it began in the work that the kernel does before it returns to user "
			"space, where it stops threads whose quota is used up",
			human_share(starvation->quota_ns, starvation->waited_ns).text);
	if (starvation->idle_ns)
		finding_evidence(finding, "for %s of it the CPUs they waited for were idle",
				 human_share(starvation->idle_ns, starvation->queued_ns).text);
}

static const char *choose_advice(const struct cpu_starvation *starvation, bool throttled)
{
	if (throttled)
		return "Raise the CPU quota of the control group (cpu.max; nr_throttled in "
		       "cpu.stat counts how often it ran out), or lower the number of threads that "
		       "share it.";
	if (one_is_to_blame(starvation) && never_gave_way(starvation))
		return "Take the real-time priority from that thread (chrt -p shows it), or keep "
		       "it to a CPU that the service does not use.";
	return "Give the service more CPU, or take it from what ran instead: other processes, "
	       "real-time threads, a quota of its control group (nr_throttled in cpu.stat).";
}

static void fill_summary(const struct cpu_starvation *starvation, bool throttled,
			 struct model_finding *finding)
{
	size_t bytes;
	FILE *out = open_memstream(&finding->summary, &bytes);

	finding->incomplete |= !out;
	if (!out)
		return;
	fprintf(out, "%zu thread%s waited %s for a CPU, the longest %s at a time.",
		finding->victim_count, finding_plural(finding->victim_count),
		human_duration(finding->blocked_ns).text,
		human_duration(starvation->longest->blocked_ns).text);
	append_instead(starvation, throttled, out);
	finding->incomplete |= fclose(out) != 0;
}

void cpu_starvation_report(const struct detect_context *in, const void *found,
			   struct model_finding *finding)
{
	const struct cpu_starvation *starvation = found;
	const struct cpu_starvation_runner *top = &starvation->top[0];
	const struct span_summary *did = &starvation->did;
	bool throttled = quota_took_it(starvation) || was_idle(starvation);

	finding->kind = throttled ? FINDING_CPU_THROTTLED : FINDING_CPU_STARVED;
	finding->grade = grade_starvation(starvation, in->model, throttled);
	finding_victims(in, starvation->victims, starvation->victim_count, finding);
	if (!throttled && (one_is_to_blame(starvation) || process_is_to_blame(starvation))) {
		finding_culprit(in, top->thread, top->from_ns, top->to_ns, did->state_ns,
				did->stack_id, finding);
		finding->culprit.samples = did->samples;
		finding->culprit.samples_in_stack = did->samples_under;
	}
	fill_summary(starvation, throttled, finding);
	finding_longest_wait(in, starvation->longest, finding);
	if (throttled)
		tell_quota(starvation, finding);
	else
		tell_runners(starvation, finding);
	finding_text(&finding->advice, "%s", choose_advice(starvation, throttled));
}
