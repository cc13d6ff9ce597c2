/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about a recording: names and values, both text.
 *
 * Payload of FT_SEGMENT_FACTS: name, zero byte, value, zero byte, and so on.
 * A later segment's fact replaces an earlier one's of the same name.
 */
#ifndef FT_CAPTURE_FACTS_H
#define FT_CAPTURE_FACTS_H

#include <stddef.h>
#include <stdint.h>

/* The names in use. Numbers are decimal, times CLOCK_MONOTONIC ns unless said. */
#define FT_FACT_HOST "host"			/* nodename */
#define FT_FACT_KERNEL "kernel"			/* release */
#define FT_FACT_KERNEL_VERSION "kernel-version"	/* uname version */
#define FT_FACT_ARCH "arch"			/* machine */
#define FT_FACT_RECORDER "recorder"		/* version of freezetrap */
#define FT_FACT_RECORDER_TGID "recorder-tgid"	/* its process */
#define FT_FACT_TIER "tier"			/* tracepoint, switch, timing, procfs */
#define FT_FACT_CPUS "cpus"			/* number of CPUs recorded */
#define FT_FACT_TARGET "target"			/* "host" or tgids joined by commas */
#define FT_FACT_TARGET_COMM "target-comm"	/* comm of the first target */
#define FT_FACT_TRIGGER_SOURCE "trigger-source"	/* capture, socket, probe-tcp ... */
#define FT_FACT_TRIGGER_REASON "trigger-reason"	/* one line */
#define FT_FACT_TRIGGER_NS "trigger-ns"
#define FT_FACT_START_NS "start-ns"		/* recording began on every CPU */
#define FT_FACT_START_REALTIME_NS "start-realtime-ns" /* wall clock at start-ns, since the epoch */
#define FT_FACT_UTC_OFFSET_S "utc-offset-s"	/* of the host's local time, seconds east */
#define FT_FACT_HISTORY "history"		/* "ring": out of a ring, where older events are overwritten: sequences
						   start anywhere, and start-ns is where nothing is missing any more */
#define FT_FACT_END_NS "end-ns"
#define FT_FACT_EVENTS "events"			/* names of the events recorded, joined by commas */
#define FT_FACT_SAMPLE_HZ "sample-hz"
#define FT_FACT_SAMPLE_EVENT "sample-event"	/* cycles or cpu-clock */
#define FT_FACT_STACKS "stacks"			/* which stacks of switches were taken when this was written: full, sampled,
						   lazy, timing. Notes "governor: ..." say where that changed, and from what */
#define FT_FACT_STACK_PERIOD "stack-period"	/* sampled: the stack of one interruptible wait of so many */
#define FT_FACT_WAKER_STACKS "waker-stacks"	/* "all"; "lock-waits", where the thread that is woken had waited long for
						   a kernel lock; or "none" */
#define FT_FACT_SYSCALLS "syscalls"		/* number:name pairs of the calls seen in states, joined by commas */
#define FT_FACT_KERNEL_LOG "kernel-log"		/* "read", or why the kernel's log was not */
#define FT_FACT_END_REASON "end-reason"		/* duration, signal, target-exited, disk-full */
#define FT_FACT_DELAY_MAX_NS "recorder-delay-max-ns"	/* greatest run delay of the drain thread */
#define FT_FACT_CPU_NS "recorder-cpu-ns"	/* user and system time of the recorder */
#define FT_FACT_EVENT_COUNT "event-count"	/* events encoded */
#define FT_FACT_LOST_COUNT "lost-count"		/* records lost in kernel rings and slots */

struct ft_facts;

int ft_facts_create(struct ft_facts **ret_facts);
void ft_facts_destroy(struct ft_facts *facts);

/* 0 or -ENOMEM (also where all together would not fit into one payload). */
int ft_facts_set(struct ft_facts *facts, const char *name, const char *value);
int ft_facts_set_number(struct ft_facts *facts, const char *name, int64_t value);

/* Borrowed until the next set or read; NULL where there is none. */
const char *ft_facts_get(const struct ft_facts *facts, const char *name);

/* @fallback where there is none or it is not a number. */
int64_t ft_facts_number(const struct ft_facts *facts, const char *name, int64_t fallback);

/* Payload to write; borrowed until the next set. */
const void *ft_facts_payload(const struct ft_facts *facts, size_t *ret_bytes);

/* Add what @payload says. Return: 0, -EBADMSG (damage; what came before it was added), -ENOMEM. */
int ft_facts_read(struct ft_facts *facts, const void *payload, size_t payload_bytes);

#endif
