/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who had CPU time: a thread, or several that are added up.
 */
#ifndef ANALYZER_DETECT_CPU_PARTY_H
#define ANALYZER_DETECT_CPU_PARTY_H

#include <stdint.h>

#include "analyzer/trace/per_thread.h"
#include "analyzer/trace/target.h"

struct cpu_runner {
	struct thread *thread;	/* NULL: nobody */
	uint64_t ns;		/* what counts: it ran while others were queued, for each of them */
	uint64_t from_ns, to_ns; /* the longest time in one go in which it did */
	uint32_t cpu;
};

struct cpu_party {
	struct cpu_runner most;	/* the one that had most */
	char name[FT_COMM_BYTES + 1]; /* "cronjob"; "worker*" of worker1, worker2 ... */
	uint32_t threads, processes;
	uint64_t ns;		/* all together; 0: there is no party */
};

/**
 * cpu_parties_find() - those of one name that had most together, and the process whose threads had.
 *
 * Names that differ only in a number at their end are one.
 *
 * @runners: of struct cpu_runner.
 * @but:     these processes are left out, if any are named; NULL.
 * @but_tgid: so is this one; 0: none.
 *
 * Return: 0 or -ENOMEM.
 */
int cpu_parties_find(const struct per_thread *runners, struct target *but, int32_t but_tgid,
		     struct cpu_party *ret_named, struct cpu_party *ret_process);

#endif
