/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changed between two captures: what is new, what grew, what shrank and
 * what is gone.
 *
 * Two recordings differ in length, so times are compared as shares. A wait is a share of
 * the targets' thread time. A lock or a thread is a share of the recording's time, which is
 * above 1 where several threads waited or ran at once.
 */
#ifndef ANALYZER_COMPARE_COMPARE_H
#define ANALYZER_COMPARE_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/model.h"
#include "capture/event.h"

/* In millionths: 10,000 is 1 %. */
typedef uint64_t compare_ppm;

enum compare_change {
	COMPARE_NEW, COMPARE_GREW, COMPARE_SHRANK, COMPARE_GONE, COMPARE_SAME,
	COMPARE_CHANGES
};
const char *compare_change_name(enum compare_change change);	/* "new", "grew" ... */

struct compare_side {
	compare_ppm share;
	uint64_t time_ns, count, max_ns;	/* as the capture's own report has them */
	struct model_stack stack;		/* of waits: where most of it was */
};

struct compare_finding {
	enum compare_change change;		/* by time lost */
	enum finding_kind kind;
	const char *culprit;			/* comm; "" where nobody is named */
	const struct model_finding *before, *after;	/* NULL: not there; borrowed */
};

struct compare_wait {
	enum compare_change change;
	enum wait_class class;
	bool idle;
	const char *operation;			/* "" */
	struct compare_side before, after;
};

/* All locks of one kind in processes of one name, because addresses differ from run to run. */
struct compare_lock {
	enum compare_change change;
	enum wait_class class;
	const char *detail;			/* "" */
	const char *process;			/* comm of its main thread; "" */
	struct compare_side before, after;
	const char *owner_before, *owner_after;	/* comm of who most of it is charged to; "" */
};

/* What a thread did with its time. HURT: it was blocked in what hurts. */
enum compare_state { COMPARE_RUNNING, COMPARE_RUNNABLE, COMPARE_HURT };

/* All threads of one name in processes of one name, because tids differ from run to run. */
struct compare_thread {
	enum compare_change change;		/* of @state */
	const char *process;			/* comm of its main thread; "" */
	char comm[FT_COMM_BYTES + 2];		/* "worker*" stands for worker0, worker1 ... */
	bool target;
	struct compare_thread_side {
		size_t threads;
		uint64_t running_ns, runnable_ns, hurt_ns;
		compare_ppm running, runnable, hurt;
	} before, after;
	enum compare_state state;		/* the one that differs most */
	compare_ppm difference;			/* of that state */
};

struct comparison {
	const struct model *before, *after;	/* borrowed */
	char *verdict;				/* one or two sentences */
	char **warnings;			/* why the numbers may not be comparable */
	size_t warning_count;
	/* Each list has the greatest difference first. */
	struct compare_finding *findings;	/* also those that are the same */
	size_t finding_count;
	struct compare_wait *waits;
	size_t wait_count, waits_alike;		/* alike: not listed, no more than noise */
	struct compare_lock *locks;
	size_t lock_count, locks_alike;
	struct compare_thread *threads;
	size_t thread_count, threads_alike;
};

/**
 * compare_run() - compare two analysed captures.
 *
 * @before, @after: must outlive the comparison.
 *
 * Return: 0 or -ENOMEM. Free with comparison_free().
 */
int compare_run(const struct model *before, const struct model *after,
		struct comparison **ret_comparison);
void comparison_free(struct comparison *comparison);

#endif
