/* SPDX-License-Identifier: Apache-2.0 */
/* What truth.c, the life of a workload, shares with truth_victims.c, which says who lost what. */
#ifndef TESTS_WORKLOADS_TRUTH_PRIVATE_H
#define TESTS_WORKLOADS_TRUTH_PRIVATE_H

#include "tests/workloads/truth.h"

#define TRUTH_THREADS_MAX  64
#define TRUTH_CULPRITS_MAX 32

struct truth_victim {
	pid_t tid;
	char comm[16];
	uint64_t blocked_ns;
	_Atomic uint64_t since_ns; /* waits since then; 0: does not */
};

struct truth_culprit {
	pid_t tid;
	char comm[16];
};

/* Shared with the processes that truth_fork() makes. */
struct truth_shared {
	_Atomic uint64_t start_ns, end_ns; /* of the freeze; 0: not yet */
	_Atomic uint64_t hold_ns;
	atomic_uint victims, culprits;
	struct truth_victim victim[TRUTH_THREADS_MAX];
	struct truth_culprit culprit[TRUTH_CULPRITS_MAX];
	atomic_bool stopping;
	atomic_bool ordered;
	atomic_uint_fast64_t burnt; /* keeps truth_burn_ns() from being optimised away */
};
extern struct truth_shared *truth_shared;

/* A forked process says nothing for the thread that forked it. */
void truth_forget_self(void);
/* The line of the truth. @mode: NULL, or which of the program's several causes it is. */
void truth_tell(const char *kinds, const char *mode);

#endif
