/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many threads that wait for one lock, while somebody holds it: mmap-lock-convoy, futex-convoy, kernel-lock-convoy.
 */
#include <errno.h>
#include <stdlib.h>

#include "analyzer/blame/root_cause.h"
#include "analyzer/detect/deadlock.h"
#include "analyzer/detect/detectors.h"
#include "analyzer/detect/lock_convoy_finding.h"

/* Told as the deadlock that it is a part of, or behind another lock. */
static bool is_told_elsewhere(const struct detect_context *in, const struct contended_lock *lock)
{
	return lock->merged ||
	       ((lock->class == WAIT_LOCK_USER || lock->class == WAIT_LOCK_FILE) && in->deadlock &&
		deadlock_has(in->deadlock, lock->tgid, lock->address));
}

/* On success @lock is the candidate's, or freed. */
static int append_lock(const struct detect_context *in, const struct contended_lock *lock,
		       struct candidates *out)
{
	struct contended_lock *found = malloc(sizeof(*found));
	struct candidate candidate = {
		.stall = *in->stall,
		.evidence = EVIDENCE_WAITS,
		.named = lock->has_owner,
		.of_waits = true,
		.beside = true,
		.found = found,
	};

	if (!found)
		return -ENOMEM;
	*found = *lock;
	for (size_t i = 0; i < lock->victim_count; i++)
		candidate.lost_ns += lock->victims[i].blocked_ns;
	/* what kept the holder is part of the story, if it is one of the target's */
	if (lock->has_owner && target_counts(in->observations->target, lock->owner.thread))
		candidate.lost_ns += lock->hold_summary.state_ns[THREAD_BLOCKED];
	if (!candidates_append(out, &candidate))
		return 0;
	free(found);
	return -ENOMEM;
}

static int find_lock_convoys(struct detect_context *in, struct candidates *out)
{
	const struct root_cause_context chains = {
		.observations = in->observations,
		.stall = in->stall,
		.long_ns = in->long_ns,
	};
	struct contended_lock locks[CONTENDED_LOCKS_MAX] = { 0 };
	size_t count, taken = 0;
	int r = 0;

	if (!in->stall->found)
		return 0;
	count = contended_locks_find(in->waits, in->wait_count, in->stall, locks);
	if (count)
		r = contended_locks_examine(locks, count, in->observations, in->stall);
	/* also without a lock: what other waits lead to stands in the table of blame */
	if (!r)
		r = root_cause_examine(&chains, locks, count, in->model);
	for (; taken < count && !r; taken++) {
		if (is_told_elsewhere(in, &locks[taken]))
			contended_locks_free(&locks[taken], 1);
		else
			r = append_lock(in, &locks[taken], out);
		if (r)
			break;
	}
	contended_locks_free(locks + taken, count - taken);
	return r;
}

static int report_lock_convoy(const struct detect_context *in, const struct candidate *candidate)
{
	return lock_convoy_finding(in, candidate->found, in->model);
}

static void free_lock_convoy(void *found)
{
	contended_locks_free(found, 1);
	free(found);
}

const struct detector lock_convoy_detector = { "lock-convoy", find_lock_convoys, report_lock_convoy,
					       free_lock_convoy };
