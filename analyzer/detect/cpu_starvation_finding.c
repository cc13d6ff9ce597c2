/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The findings cpu-starved and cpu-throttled: threads wanted a CPU, and what ran instead.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyzer/detect/finding.h"
#include "analyzer/activity/wait_stats.h"
#include "analyzer/detect/detectors.h"
#include "analyzer/detect/cpu_starvation.h"

/* Whoever had more than half of the CPU time that others waited for is to blame for it. */
#define MOST_PERCENT 50u

/* Threads that share a CPU by the usual rules give way long before. */
#define NEVER_GIVES_WAY_NS 100000000u

/* By where they lost the CPU; older kernels do not tell. */
static bool quota_took_it(const struct cpu_starvation *starved)
{
	return starved->quota_ns && starved->quota_ns * 100 >= starved->waited_ns * MOST_PERCENT;
}

/* With a CPU that does nothing meanwhile, a quota holds them back, or it is not theirs to use. */
static bool was_idle(const struct cpu_starvation *starved)
{
	return starved->idle_ns && starved->idle_ns * 100 >= starved->queued_ns * MOST_PERCENT;
}

static bool one_is_to_blame(const struct cpu_starvation *starved)
{
	return starved->top[0].thread &&
	       starved->top[0].ns * 100 >= starved->queued_ns * MOST_PERCENT;
}

/* Its threads together, none of them alone; most of them is named as the culprit. */
static bool process_is_to_blame(const struct cpu_starvation *starved)
{
	return starved->tgid && starved->top[0].thread &&
	       starved->top[0].thread->tgid == starved->tgid &&
	       starved->tgid_ns * 100 >= starved->queued_ns * MOST_PERCENT;
}

static void fill_culprit(const struct detect_context *context,
			 const struct cpu_starvation *starved, struct model_finding *finding)
{
	const struct cpu_starvation_runner *runner = &starved->top[0];
	const struct span_summary *story = &starved->story;

	finding->has_culprit = true;
	finding->culprit = (struct model_culprit){
		.tid = runner->thread->tid,
		.tgid = runner->thread->tgid,
		.comm = runner->thread->comm,
		.hold_start_ns = runner->from_ns - context->start_ns,
		.hold_ns = runner->to_ns - runner->from_ns,
		.running_ns = story->state_ns[THREAD_RUNNING],
		.runnable_ns = story->state_ns[THREAD_RUNNABLE],
		.blocked_ns = story->state_ns[THREAD_BLOCKED],
		.samples = story->samples,
		.samples_in_stack = story->samples_under,
		.stack = finding_stack(context->stacks, story->stack_id, true),
		.user_stack = finding_stack(context->stacks, story->stack_id, false),
	};
}

/* It did not share the CPU by the usual rules. */
static bool never_gave_way(const struct cpu_starvation *starved)
{
	return starved->top[0].to_ns - starved->top[0].from_ns >= NEVER_GIVES_WAY_NS;
}

/*
 * Where threads share the CPUs by the usual rules it may also be a quota that an older kernel
 * does not show: others run in its place then.
 */
static enum grade grade_of(const struct cpu_starvation *starved, const struct model *model,
			   bool throttled)
{
	bool sure = throttled ? quota_took_it(starved) && was_idle(starved)
			      : one_is_to_blame(starved) && never_gave_way(starved);

	return sure && !model->coverage.gap_count ? GRADE_STRONG : GRADE_PLAUSIBLE;
}

/* "Thread 5 (hog) of another process ran there for 99.8 % of that time." */
static int instead_text(const struct cpu_starvation *starved, bool throttled, char **ret_text)
{
	const struct cpu_starvation_runner *runner = &starved->top[0];

	if (throttled && quota_took_it(starved))
		return finding_text(ret_text, " Their CPU quota had run out for %s of that time.",
				    human_share(starved->quota_ns, starved->waited_ns).text);
	if (throttled)
		return finding_text(ret_text,
				    " Their CPUs had nothing to do for %s of that time, as where a "
				    "quota holds threads back.",
				    human_share(starved->idle_ns, starved->queued_ns).text);
	if (one_is_to_blame(starved))
		return finding_text(ret_text,
				    " Thread %" PRId32
				    " (%s) ran there instead for %s of that time.",
				    runner->thread->tid, runner->thread->comm,
				    human_share(runner->ns, starved->queued_ns).text);
	if (process_is_to_blame(starved))
		return finding_text(ret_text,
				    " Process %" PRId32
				    " ran there instead for %s of that time, most "
				    "of all its thread %" PRId32 " (%s).",
				    starved->tgid,
				    human_share(starved->tgid_ns, starved->queued_ns).text,
				    runner->thread->tid, runner->thread->comm);
	if (starved->runners)
		return finding_text(ret_text,
				    " %" PRIu32 " threads shared their CPUs, and none had half of "
				    "that time.",
				    starved->runners);
	return finding_text(ret_text, "%s", "");
}

static int runners_evidence(const struct cpu_starvation *starved, struct model_finding *finding)
{
	const struct cpu_starvation_runner *top = starved->top;
	char text[256] = "";
	size_t used = 0;
	int r;

	for (size_t i = 0; i < STARVED_TOP && top[i].thread && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%sthread %" PRId32 " (%.15s) %s", used ? ", " : "",
					 top[i].thread->tid, top[i].thread->comm,
					 human_share(top[i].ns, starved->queued_ns).text);
	if (!used)
		return 0;
	r = finding_evidence(finding, "what ran on the CPUs they waited for, while they did: %s%s",
			     text, starved->runners > STARVED_TOP ? " ..." : "");
	if (!r && never_gave_way(starved))
		r = finding_evidence(finding,
				     "thread %" PRId32 " (%s) ran for %s in one go on CPU %" PRIu32
				     " and gave way to none of them, as a real-time thread does",
				     top[0].thread->tid, top[0].thread->comm,
				     human_duration(top[0].to_ns - top[0].from_ns).text,
				     top[0].cpu);
	return r;
}

static int throttled_evidence(const struct cpu_starvation *starved, struct model_finding *finding)
{
	int r = 0;

	if (starved->quota_ns)
		r = finding_evidence(
			finding,
			"%s of it began in the work that the kernel does before it returns to "
			"user space, where it stops threads whose quota is used up",
			human_share(starved->quota_ns, starved->waited_ns).text);
	if (!r && starved->idle_ns)
		r = finding_evidence(finding, "for %s of it the CPUs they waited for were idle",
				     human_share(starved->idle_ns, starved->queued_ns).text);
	return r;
}

static const char *advice(const struct cpu_starvation *starved, bool throttled)
{
	if (throttled)
		return "Raise the CPU quota of the control group (cpu.max; nr_throttled in "
		       "cpu.stat counts how "
		       "often it ran out), or lower the number of threads that share it.";
	if (one_is_to_blame(starved) && never_gave_way(starved))
		return "Take the real-time priority from that thread (chrt -p shows it), or keep "
		       "it to a CPU "
		       "that the service does not use.";
	return "Give the service more CPU, or take it from what ran instead: other processes, "
	       "real-time "
	       "threads, a quota of its control group (nr_throttled in cpu.stat).";
}

static int fill(const struct detect_context *context, const struct cpu_starvation *starved,
		const struct long_wait *longest, bool throttled, struct model_finding *finding)
{
	const struct stack_info *fact = stack_infos_get(context->stack_infos, longest->stack_id);
	char *instead = NULL;
	int r;

	if (!fact)
		return -ENOMEM;
	r = instead_text(starved, throttled, &instead);
	if (!r)
		r = finding_text(&finding->summary,
				 "%zu %s waited %s for a CPU, the longest %s at a time.%s",
				 finding->victim_count,
				 finding->victim_count == 1 ? "thread" : "threads",
				 human_duration(finding->blocked_ns).text,
				 human_duration(longest->blocked_ns).text, instead);
	free(instead);
	if (!r)
		r = finding_evidence(finding,
				     "thread %" PRId32
				     " (%s) waited longest%s%s; its wait is of class %s",
				     longest->thread->tid, longest->thread->comm,
				     !*fact->operation			   ? ""
				     : longest->flags & INTERVAL_PREEMPTED ? ", in "
									   : ", after ",
				     fact->operation, wait_class_name(longest->class));
	if (!r && throttled)
		r = throttled_evidence(starved, finding);
	if (!r && !throttled)
		r = runners_evidence(starved, finding);
	if (!r)
		r = finding_text(&finding->advice, "%s", advice(starved, throttled));
	return r;
}

/* What is found, with the longest wait. */
struct starvation_finding {
	struct long_wait longest;
	struct cpu_starvation starved;
};

/* The longest wait for a CPU in the stall; NULL. */
static const struct long_wait *longest_wait(const struct detect_context *in)
{
	const struct long_wait *longest = NULL;

	for (size_t i = 0; i < in->wait_count; i++) {
		const struct long_wait *wait = &in->waits[i];

		if ((wait->class == WAIT_CPU_RUNQUEUE || wait->class == WAIT_CPU_THROTTLED) &&
		    wait->start_ns >= in->stall->start_ns && wait->end_ns <= in->stall->end_ns &&
		    (!longest || wait->blocked_ns > longest->blocked_ns))
			longest = wait;
	}
	return longest;
}

static int find_cpu_starvation(struct detect_context *in, struct candidates *out)
{
	struct candidate candidate = {
		.stall = *in->stall,
		.evidence = EVIDENCE_SIGNS,
		.named = true,
		.of_waits = true,
	};
	const struct long_wait *longest = in->stall->found ? longest_wait(in) : NULL;
	struct starvation_finding *found;
	int r;

	if (!longest)
		return 0;
	found = calloc(1, sizeof(*found));
	if (!found)
		return -ENOMEM;
	found->longest = *longest;
	r = cpu_starvation_examine(in->observations, in->stall, &found->starved);
	if (!r && found->starved.victim_count) {
		candidate.found = found;
		candidate.lost_ns = found->starved.waited_ns;
		r = candidates_append(out, &candidate);
	}
	if (r || !candidate.found) {
		cpu_starvation_free(&found->starved);
		free(found);
	}
	return r;
}

static int report_cpu_starvation(const struct detect_context *in, const struct candidate *candidate)
{
	const struct starvation_finding *found = candidate->found;
	const struct cpu_starvation *starved = &found->starved;
	bool throttled = quota_took_it(starved) || was_idle(starved);
	struct model_finding *finding =
		finding_append(in->model, throttled ? FINDING_CPU_THROTTLED : FINDING_CPU_STARVED);
	int r;

	if (!finding)
		return -ENOMEM;
	r = finding_victims(finding, starved->victims, starved->victim_count, in->start_ns);
	if (r)
		return r;
	finding->grade = grade_of(starved, in->model, throttled);
	if (!throttled && (one_is_to_blame(starved) || process_is_to_blame(starved)))
		fill_culprit(in, starved, finding);
	return fill(in, starved, &found->longest, throttled, finding);
}

static void free_cpu_starvation(void *found)
{
	cpu_starvation_free(&((struct starvation_finding *)found)->starved);
	free(found);
}

const struct detector cpu_starvation_detector = { "cpu-starvation", find_cpu_starvation,
						  report_cpu_starvation, free_cpu_starvation };
