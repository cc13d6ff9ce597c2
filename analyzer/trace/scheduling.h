/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By which rules threads got a CPU, and what limited the CPU time of their control groups, as far
 * as the recorder read it.
 */
#ifndef ANALYZER_TRACE_SCHEDULING_H
#define ANALYZER_TRACE_SCHEDULING_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/trace/source.h"

/* One reading of a thread. Texts hold any bytes and belong to the struct scheduling. */
struct thread_rules {
	uint64_t at_ns;		/* clock of the events */
	uint32_t policy;	/* SCHED_* of sched_setscheduler(2) */
	uint32_t priority;	/* of a real-time policy */
	int64_t nice;
	const char *cpus;	/* that it may use, "0-3,8"; "": not known */
	const char *group;	/* path of its control group; "": not known */
};

/* A limit of CPU time: so much of each period. */
struct cpu_limit {
	const char *group;	/* whose limit it is: the group asked for, or one above; "": the host's */
	bool unified;		/* of cgroup v2 */
	int64_t runtime_us, period_us;
	bool counted;		/* the next ones are known: what was added while it was recorded */
	uint64_t periods, throttled_periods;
	uint64_t throttled_ns;	/* of all CPUs together */
};

struct scheduling;

int scheduling_create(struct scheduling **ret_scheduling); /* 0 or -ENOMEM */
void scheduling_destroy(struct scheduling *scheduling);

/* Feed every event. 0 or -ENOMEM. */
int scheduling_event(struct scheduling *scheduling, const struct event *event);

/* The reading of @thread that is nearest to @at_ns; NULL where there is none. */
const struct thread_rules *scheduling_rules(const struct scheduling *scheduling,
					    const struct thread *thread, uint64_t at_ns);

/* Whether threads of @rules come before all ordinary ones. */
bool thread_rules_real_time(const struct thread_rules *rules);
/* "SCHED_FIFO"; "" for a policy that is not known. */
const char *thread_rules_policy(const struct thread_rules *rules);
/* Whether a thread may use @cpu. */
bool thread_rules_allow(const struct thread_rules *rules, uint32_t cpu);

/* Whether @group is @above, or below it. */
bool group_is_within(const char *group, const char *above);

/* What limits real-time threads of @group: false where nothing does, or it is not known. The host's limit is in @facts. */
bool scheduling_real_time_limit(const struct scheduling *scheduling, const struct ft_facts *facts,
				const char *group, struct cpu_limit *ret_limit);

/* The CPU quota of @group that was used up most often, its own or of one above. */
bool scheduling_quota(const struct scheduling *scheduling, const char *group,
		      struct cpu_limit *ret_limit);

/* Whether more than others keeps @thread from a CPU: a quota that ran out, or the limit of all real-time threads. */
bool scheduling_is_limited(const struct scheduling *scheduling, const struct thread *thread,
			   uint64_t at_ns);

/* Whether it is known that @group has no quota, and none above it. */
bool scheduling_no_quota(const struct scheduling *scheduling, const char *group);

#endif
