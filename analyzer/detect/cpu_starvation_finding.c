/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/detect/cpu_starvation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/detect/cpu_starvation_words.h"
#include "analyzer/detect/finding.h"
#include "analyzer/detect/thresholds.h"
#include "analyzer/util/span.h"

/* It did not share the CPU by the usual rules. */
static bool never_gave_way(const struct cpu_starvation *starvation)
{
	const struct cpu_runner *top = &starvation->top[0];

	return cpu_starvation_by_one(starvation) && top->to_ns - top->from_ns >= NEVER_GIVES_WAY_NS;
}

static bool is_real_time(const struct thread_rules *rules)
{
	return rules && thread_rules_real_time(rules);
}

/* Nothing but others can have kept them from the CPU. */
static bool is_quota_excluded(const struct cpu_starvation *starvation)
{
	return starvation->no_quota || (starvation->quota.group && starvation->quota.counted &&
					!starvation->quota.throttled_periods);
}

/* Where threads share the CPUs by the usual rules it may also be a quota that was not read and that an older kernel does
 * not show: others run in its place then. */
static bool others_are_sure(const struct cpu_starvation *starvation)
{
	if (!cpu_starvation_culprit(starvation))
		return cpu_starvation_is_bound(starvation);
	if (never_gave_way(starvation) && !starvation->top_rules)
		return false;
	return is_quota_excluded(starvation) || cpu_starvation_is_bound(starvation) ||
	       (never_gave_way(starvation) && is_real_time(starvation->top_rules));
}

/* One sign alone has other explanations. */
static bool quota_is_sure(const struct cpu_starvation *starvation)
{
	bool counted = starvation->limit.group && starvation->limit.throttled_periods;

	return cpu_starvation_quota_took_it(starvation) + cpu_starvation_was_idle(starvation) +
		       counted >=
	       2;
}

static enum grade grade_starvation(const struct cpu_starvation *starvation,
				   const struct model *model)
{
	bool sure = false;

	switch (starvation->cause) {
	case STARVED_BY_OTHERS:
		sure = others_are_sure(starvation);
		break;
	case STARVED_BY_QUOTA:
		sure = quota_is_sure(starvation);
		break;
	case STARVED_BY_REAL_TIME_LIMIT:
		sure = starvation->consumers.ns &&
		       share_at_least(starvation->consumers.ns, starvation->consumed_ns,
				      STARVED_MOST_PERCENT);
		break;
	}
	return sure && !model->coverage.gap_count ? GRADE_STRONG : GRADE_PLAUSIBLE;
}

static void append_party(const struct cpu_party *party, uint64_t of_ns, FILE *out)
{
	fprintf(out, " %s ran there instead for %s of that time.",
		starvation_party(party).text, human_share(party->ns, of_ns).text);
}

/* " Thread 5 (hog) ran there instead for 99.8 % of that time." */
static void append_others(const struct cpu_starvation *starvation, FILE *out)
{
	const struct cpu_runner *runner = &starvation->top[0];

	if (cpu_starvation_by_one(starvation))
		fprintf(out, " Thread %" PRId32 " (%s) ran there instead for %s of that time.",
			runner->thread->tid, runner->thread->comm,
			human_share(runner->ns, starvation->queued_ns).text);
	else if (cpu_starvation_by_named(starvation))
		append_party(&starvation->named, starvation->queued_ns, out);
	else if (cpu_starvation_by_process(starvation))
		fprintf(out,
			" Process %" PRId32
			" ran there instead for %s of that time, most of all its "
			"thread %" PRId32 " (%s).",
			starvation->process.most.thread->tgid,
			human_share(starvation->process.ns, starvation->queued_ns).text,
			runner->thread->tid, runner->thread->comm);
	else if (cpu_starvation_was_idle(starvation))
		fprintf(out,
			" Their CPUs had nothing to do for %s of that time, and their control group has "
			"no quota: what kept them from running is not known.",
			human_share(starvation->idle_ns, starvation->queued_ns).text);
	else if (starvation->runners)
		fprintf(out,
			" %" PRIu32 " threads shared their CPUs, and none had half of that time.",
			starvation->runners);
	if (cpu_starvation_is_bound(starvation))
		fprintf(out,
			" They may use %s only, while CPU %" PRIu32 " had nothing to do for %s of "
			"that time.",
			starvation_cpus(starvation->bound_rules).text, starvation->free_cpu,
			human_share(starvation->free_ns, starvation->bound_ns).text);
}

static void append_quota(const struct cpu_starvation *starvation, FILE *out)
{
	if (cpu_starvation_quota_took_it(starvation))
		fprintf(out, " Their CPU quota had run out for %s of that time.",
			human_share(starvation->quota_ns, starvation->waited_ns).text);
	else if (cpu_starvation_was_idle(starvation))
		fprintf(out,
			" Their CPUs had nothing to do for %s of that time, as where a quota holds "
			"threads back.",
			human_share(starvation->idle_ns, starvation->queued_ns).text);
	else
		fprintf(out, " Their CPU quota ran out again and again.");
	if (starvation->limit.group)
		fprintf(out, " It is that of control group %s: %s.", starvation->limit.group,
			starvation_limit(&starvation->limit).text);
}

static void append_real_time_limit(const struct cpu_starvation *starvation, FILE *out)
{
	const struct cpu_limit *limit = &starvation->limit;

	fprintf(out,
		" They are real-time threads, and for %s of that time no such thread ran where they "
		"waited: ",
		human_share(starvation->withheld_ns, starvation->queued_ns).text);
	if (!limit->group)
		fprintf(out, "as where real-time threads have used up the CPU time that they may "
			     "have.");
	else if (*limit->group)
		fprintf(out,
			"control group %s had used up its real-time CPU time, %s (cpu.rt_runtime_us).",
			limit->group, starvation_limit(limit).text);
	else
		fprintf(out,
			"the host's real-time CPU time, %s (kernel.sched_rt_runtime_us), was used up.",
			starvation_limit(limit).text);
}

/* Who used up what is limited. */
static void append_consumers(const struct cpu_starvation *starvation, FILE *out)
{
	const struct cpu_party *consumers = &starvation->consumers;

	if (!share_at_least(consumers->ns, starvation->consumed_ns, STARVED_MOST_PERCENT))
		return;
	fprintf(out, " %s used %s of it%s.", starvation_party(consumers).text,
		human_share(consumers->ns, starvation->consumed_ns).text,
		cpu_starvation_culprit(starvation) ? "" : ", and then waited themselves");
}

static void fill_summary(const struct cpu_starvation *starvation, struct model_finding *finding)
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
	if (starvation->cause == STARVED_BY_OTHERS)
		append_others(starvation, out);
	else if (starvation->cause == STARVED_BY_QUOTA)
		append_quota(starvation, out);
	else
		append_real_time_limit(starvation, out);
	append_consumers(starvation, out);
	finding->incomplete |= fclose(out) != 0;
}

static void tell_one_run(const struct cpu_starvation *starvation, struct model_finding *finding)
{
	const struct cpu_runner *top = &starvation->top[0];
	const char *guess = "";

	if (!never_gave_way(starvation))
		return;
	if (!starvation->top_rules)
		guess = ", as a real-time thread does; whether it is one was not read";
	else if (is_real_time(starvation->top_rules))
		guess = ", as a real-time thread does";
	finding_evidence(finding,
			 "thread %" PRId32 " (%s) ran for %s in one go on CPU %" PRIu32
			 " and gave way to none of them%s",
			 top->thread->tid, top->thread->comm,
			 human_duration(top->to_ns - top->from_ns).text, top->cpu, guess);
}

static void tell_runners(const struct cpu_starvation *starvation, struct model_finding *finding)
{
	const struct cpu_runner *top = starvation->top;
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
	if (starvation->named.threads > 1 && !cpu_starvation_by_named(starvation))
		finding_evidence(finding, "%s had %s, more than those of any other name",
				 starvation_party(&starvation->named).text,
				 human_share(starvation->named.ns, starvation->queued_ns).text);
	tell_one_run(starvation, finding);
}

/* By which rules the victims, and who had the CPU instead, get one. */
static void tell_rules(const struct cpu_starvation *starvation, struct model_finding *finding)
{
	const struct thread *victim = starvation->victims[0].thread;
	const struct cpu_runner *top = &starvation->top[0];

	if (starvation->bound_ns && !cpu_starvation_is_bound(starvation))
		finding_evidence(finding,
				 "for %s of it they were threads that may use %s only; CPU %" PRIu32
				 " had nothing to do for %s of that",
				 human_share(starvation->bound_ns, starvation->waited_ns).text,
				 starvation_cpus(starvation->bound_rules).text, starvation->free_cpu,
				 human_share(starvation->free_ns, starvation->bound_ns).text);
	if (!starvation->rules)
		return;
	if (starvation->cause == STARVED_BY_OTHERS && starvation->top_rules)
		finding_evidence(finding,
				 "thread %" PRId32 " (%s) has %s, thread %" PRId32 " (%s) %s",
				 victim->tid, victim->comm,
				 starvation_rules(starvation->rules).text, top->thread->tid,
				 top->thread->comm, starvation_rules(starvation->top_rules).text);
	else
		finding_evidence(finding, "thread %" PRId32 " (%s) has %s", victim->tid,
				 victim->comm, starvation_rules(starvation->rules).text);
}

static void tell_quota(const struct cpu_starvation *starvation, struct model_finding *finding)
{
	const struct cpu_limit *limit = &starvation->limit;

	if (starvation->quota_ns)
		finding_evidence(
			finding,
			"%s of it began in the work that the kernel does before it returns to user "
			"space, where it stops threads whose quota is used up",
			human_share(starvation->quota_ns, starvation->waited_ns).text);
	if (starvation->idle_ns)
		finding_evidence(finding, "for %s of it the CPUs they waited for were idle",
				 human_share(starvation->idle_ns, starvation->queued_ns).text);
	if (limit->group && limit->counted)
		finding_evidence(finding,
				 "the quota of %s ran out in %" PRIu64 " of the %" PRIu64
				 " periods between two looks at its cpu.stat",
				 limit->group, limit->throttled_periods, limit->periods);
}

static void tell_cause(const struct cpu_starvation *starvation, struct model_finding *finding)
{
	switch (starvation->cause) {
	case STARVED_BY_OTHERS:
		tell_runners(starvation, finding);
		break;
	case STARVED_BY_QUOTA:
		tell_quota(starvation, finding);
		break;
	case STARVED_BY_REAL_TIME_LIMIT:
		finding_evidence(finding, "ordinary threads that ran meanwhile are not to blame: they "
					  "make way for a real-time thread at once");
		break;
	}
	tell_rules(starvation, finding);
}

void cpu_starvation_report(const struct detect_context *in, const void *found,
			   struct model_finding *finding)
{
	const struct cpu_starvation *starvation = found;
	const struct cpu_runner *culprit = cpu_starvation_culprit(starvation);
	const struct span_summary *did = &starvation->did;

	finding->kind = starvation->cause == STARVED_BY_OTHERS ? FINDING_CPU_STARVED
							       : FINDING_CPU_THROTTLED;
	finding->grade = grade_starvation(starvation, in->model);
	finding_victims(in, starvation->victims, starvation->victim_count, finding);
	if (culprit) {
		finding_culprit(in, culprit->thread, culprit->from_ns, culprit->to_ns,
				did->state_ns, did->stack_id, finding);
		finding->culprit.samples = did->samples;
		finding->culprit.samples_in_stack = did->samples_under;
	}
	fill_summary(starvation, finding);
	finding_longest_wait(in, starvation->longest, finding);
	tell_cause(starvation, finding);
	finding_text(&finding->advice, "%s",
		     starvation_advice(starvation, never_gave_way(starvation)));
}
