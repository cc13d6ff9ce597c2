/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/cpu_starvation_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct human starvation_party(const struct cpu_party *party)
{
	struct human said;

	if (party->threads == 1)
		snprintf(said.text, sizeof(said.text), "Thread %" PRId32 " (%s)",
			 party->most.thread->tid, party->name);
	else if (party->processes == party->threads)
		snprintf(said.text, sizeof(said.text), "%" PRIu32 " processes %s together",
			 party->processes, party->name);
	else if (party->processes == 1)
		snprintf(said.text, sizeof(said.text),
			 "%" PRIu32 " threads %s of process %" PRId32 " together", party->threads,
			 party->name, party->most.thread->tgid);
	else
		snprintf(said.text, sizeof(said.text),
			 "%" PRIu32 " threads %s of %" PRIu32 " processes together", party->threads,
			 party->name, party->processes);
	return said;
}

struct human starvation_cpus(const struct thread_rules *rules)
{
	struct human said;

	snprintf(said.text, sizeof(said.text), "CPU%s %.48s", strpbrk(rules->cpus, ",-") ? "s" : "",
		 rules->cpus);
	return said;
}

struct human starvation_rules(const struct thread_rules *rules)
{
	const char *policy = thread_rules_policy(rules);
	struct human said;

	if (!strcmp(policy, "SCHED_FIFO") || !strcmp(policy, "SCHED_RR"))
		snprintf(said.text, sizeof(said.text), "policy %s, priority %" PRIu32, policy,
			 rules->priority);
	else if (!strcmp(policy, "SCHED_OTHER") || !strcmp(policy, "SCHED_BATCH"))
		snprintf(said.text, sizeof(said.text), "policy %s, nice %" PRId64, policy,
			 rules->nice);
	else if (*policy)
		snprintf(said.text, sizeof(said.text), "policy %s", policy);
	else
		snprintf(said.text, sizeof(said.text), "policy %" PRIu32, rules->policy);
	return said;
}

struct human starvation_limit(const struct cpu_limit *limit)
{
	struct human said;

	snprintf(said.text, sizeof(said.text), "%.24s of each %.24s",
		 human_duration((uint64_t)limit->runtime_us * 1000).text,
		 human_duration((uint64_t)limit->period_us * 1000).text);
	return said;
}

/* Real-time threads come first, by priority, then ordinary ones, by nice, then SCHED_IDLE. */
static bool comes_after(const struct thread_rules *rules, const struct thread_rules *than)
{
	bool idle = !strcmp(thread_rules_policy(rules), "SCHED_IDLE");
	bool than_idle = !strcmp(thread_rules_policy(than), "SCHED_IDLE");

	if (thread_rules_real_time(rules) || thread_rules_real_time(than))
		return thread_rules_real_time(than) && rules->priority < than->priority;
	return idle != than_idle ? idle : rules->nice > than->nice;
}

static const char *advise_on_others(const struct cpu_starvation *starvation, bool alone)
{
	const struct thread_rules *rules = starvation->rules, *top = starvation->top_rules;

	if (cpu_starvation_is_bound(starvation))
		return "Let the service use more CPUs (taskset -pc PID shows and sets which; so does "
		       "the cpuset of its control group), or keep what ran there off its CPUs.";
	if (alone && top && thread_rules_real_time(top))
		return "Take the real-time priority from that thread (chrt -p shows it), or keep "
		       "it to a CPU that the service does not use.";
	if (alone && !top)
		return "See whether that thread has real-time priority (chrt -p) and take it away, "
		       "or keep it to a CPU that the service does not use.";
	if (rules && top && comes_after(rules, top))
		return "Raise the priority of the service, or lower that of what ran instead (renice; "
		       "chrt where their policies differ).";
	if (starvation->no_quota)
		return "Give the service more CPU, or take it from what ran instead.";
	return "Give the service more CPU, or take it from what ran instead: other processes, "
	       "real-time threads, a quota of its control group (nr_throttled in cpu.stat).";
}

const char *starvation_advice(const struct cpu_starvation *starvation, bool alone)
{
	switch (starvation->cause) {
	case STARVED_BY_QUOTA:
		if (starvation->limit.group && !starvation->limit.unified)
			return "Raise the CPU quota of the control group (cpu.cfs_quota_us), or lower "
			       "the number of threads that share it, or what they compute.";
		return "Raise the CPU quota of the control group (cpu.max; nr_throttled in "
		       "cpu.stat counts how often it ran out), or lower the number of threads that "
		       "share it.";
	case STARVED_BY_REAL_TIME_LIMIT:
		if (starvation->limit.group && *starvation->limit.group)
			return "Raise cpu.rt_runtime_us of the control group, or let its real-time "
			       "threads compute less: chrt -o -p 0 TID makes an ordinary thread of "
			       "one that computes much.";
		return "Let real-time threads compute less: chrt -o -p 0 TID makes an ordinary thread "
		       "of one that computes much. kernel.sched_rt_runtime_us is the limit.";
	default:
		return advise_on_others(starvation, alone);
	}
}
