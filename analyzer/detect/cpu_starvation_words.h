/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How rules of scheduling and limits of CPU time are said.
 */
#ifndef ANALYZER_DETECT_CPU_STARVATION_WORDS_H
#define ANALYZER_DETECT_CPU_STARVATION_WORDS_H

#include "analyzer/detect/cpu_starvation.h"
#include "analyzer/util/human.h"

/* "Thread 5 (hog)", "6 processes cronjob together", "8 threads worker* of process 7 together". */
struct human starvation_party(const struct cpu_party *party);

/* "CPU 0", "CPUs 0-2,4". */
struct human starvation_cpus(const struct thread_rules *rules);

/* "policy SCHED_FIFO, priority 10", "policy SCHED_OTHER, nice 19". */
struct human starvation_rules(const struct thread_rules *rules);

/* "200 ms of each 1.00 s". */
struct human starvation_limit(const struct cpu_limit *limit);

/* @alone: one thread gave way to nobody. */
const char *starvation_advice(const struct cpu_starvation *starvation, bool alone);

#endif
