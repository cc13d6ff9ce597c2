/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/detect/deadlock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyzer/detect/finding.h"

#define WAITS_TOLD 8 /* a line of evidence each; the victims are all listed */

static void fill_victims(const struct detect_context *context, const struct deadlock *deadlock,
			 struct model_finding *finding)
{
	struct victim *victims = calloc(deadlock->count, sizeof(*victims));

	finding->incomplete |= !victims;
	if (!victims)
		return;
	for (size_t i = 0; i < deadlock->count; i++) {
		const struct long_wait *wait = deadlock->waits[i];

		victims[i] = (struct victim){ wait->thread, wait->blocked_ns, wait->blocked_ns,
					      wait->start_ns };
	}
	victims_sort(victims, deadlock->count);
	finding_victims(context, victims, deadlock->count, finding);
	free(victims);
}

struct lock_name {
	char text[64];
};

static struct lock_name name_lock(const struct detect_context *context, const struct lock *lock)
{
	struct lock_name name;

	if (lock->class == WAIT_LOCK_FILE)
		snprintf(name.text, sizeof(name.text), "the lock of file %s",
			 proc_locks_text(context->listed, lock->address));
	else
		snprintf(name.text, sizeof(name.text), "lock 0x%" PRIx64, lock->address);
	return name;
}

static const char *source_text(const struct detect_context *context, const struct lock *lock)
{
	const struct proc_locks_wait *listed = proc_locks_open(context->listed, lock->address);

	if (lock->class != WAIT_LOCK_FILE)
		return lock->holder_named ? "holds it: the lock names it"
					  : "holds it: it was the last to get it";
	return listed && listed->kind == FT_FILELOCK_FLOCK ? "took it, as /proc/locks lists"
							   : "holds it, as /proc/locks lists";
}

static void tell_wait(const struct detect_context *context, const struct long_wait *wait,
		      struct model_finding *finding)
{
	const struct thread *holder = wait->lock->holder;
	struct human since = detect_time_text(context, wait->start_ns);
	const char *before = wait->flags & INTERVAL_BEGAN_BEFORE ? "before " : "";
	struct lock_name name = name_lock(context, wait->lock);

	if (!holder)
		finding_evidence(finding, "thread %" PRId32 " (%s) has waited for %s since %s%s",
				 wait->thread->tid, wait->thread->comm, name.text, before,
				 since.text);
	else
		finding_evidence(finding,
				 "thread %" PRId32
				 " (%s) has waited for %s since %s%s; thread %" PRId32 " (%s) %s",
				 wait->thread->tid, wait->thread->comm, name.text, before,
				 since.text, holder->tid, holder->comm,
				 source_text(context, wait->lock));
}

/* The kernel tells of an flock() who called it, and not who else has the file open. */
static bool is_inheritable(const struct detect_context *context, const struct deadlock *deadlock)
{
	for (size_t i = 0; i < deadlock->count; i++) {
		const struct lock *lock = deadlock->waits[i]->lock;
		const struct proc_locks_wait *listed =
			proc_locks_open(context->listed, lock->address);

		if (lock->class == WAIT_LOCK_FILE && listed && listed->kind == FT_FILELOCK_FLOCK)
			return true;
	}
	return false;
}

static void fill_evidence(const struct detect_context *context, const struct deadlock *deadlock,
			  struct model_finding *finding)
{
	for (size_t i = 0; i < deadlock->count && i < WAITS_TOLD; i++)
		tell_wait(context, deadlock->waits[i], finding);
	if (deadlock->count > WAITS_TOLD)
		finding_evidence(finding, "%zu more threads wait for the same locks",
				 deadlock->count - WAITS_TOLD);
	if (deadlock->culprit && !deadlock->held->holder)
		finding_evidence(finding,
				 "of all these threads, %" PRId32 " (%s) alone does not wait for %s"
				 ": if one of them holds it, it is that one",
				 deadlock->culprit->thread->tid, deadlock->culprit->thread->comm,
				 name_lock(context, deadlock->held).text);
	if (deadlock->culprit && !deadlock->culprit->lock->holder)
		finding_evidence(finding,
				 "%s, which that one waits for, is then held by one of the others: "
				 "by which one, no event tells",
				 name_lock(context, deadlock->culprit->lock).text);
	if (is_inheritable(context, deadlock))
		finding_evidence(
			finding,
			"an flock() belongs to the open file: a child that inherited it has the "
			"lock as well, and the list names the process that took it alone");
	if (!deadlock->in_cycle)
		finding_evidence(
			finding,
			"who took a lock without a wait left no event; but none was let go in the "
			"last %s of the recording, and no other thread of the process did anything "
			"then that could be a hold",
			human_duration(deadlock->end_ns - deadlock->since_ns).text);
}

static void fill_summary(const struct deadlock *deadlock, struct model_finding *finding)
{
	if (deadlock->in_cycle)
		finding_text(
			&finding->summary,
			"%zu threads wait in a circle, each for a lock that the next one holds. "
			"%zu %s stuck with them for %zu locks, until the recording ended.",
			deadlock->in_cycle, deadlock->count,
			deadlock->count == 1 ? "thread is" : "threads are", deadlock->lock_count);
	else
		finding_text(&finding->summary,
			     "%zu threads wait for %zu locks, and for %s, until the recording "
			     "ended, none of the locks was let go: most likely they hold each "
			     "other's.",
			     deadlock->count, deadlock->lock_count,
			     human_duration(deadlock->end_ns - deadlock->since_ns).text);
}

void deadlock_report(const struct detect_context *in, const void *found,
		     struct model_finding *finding)
{
	const struct deadlock *deadlock = found;
	const struct long_wait *culprit = deadlock->culprit;
	const struct lock *lock = deadlock->waits[0]->lock;
	bool lossy = in->model->coverage.lost_events || in->model->coverage.gap_count;

	finding->kind = FINDING_DEADLOCK;
	finding->grade = deadlock->in_cycle && !lossy ? GRADE_STRONG : GRADE_PLAUSIBLE;
	finding->has_lock = true;
	finding->lock = (struct model_lock_ref){
		.class = lock->class,
		.address = culprit ? deadlock->held->address : lock->address,
		.tgid = lock->tgid,
	};
	if (culprit)
		finding_culprit(in, culprit->thread, deadlock->held_since_ns, deadlock->end_ns,
				deadlock->culprit_ns, culprit->stack_id, finding);
	fill_victims(in, deadlock, finding);
	fill_summary(deadlock, finding);
	fill_evidence(in, deadlock, finding);
	if (lock->class == WAIT_LOCK_FILE)
		finding_text(&finding->advice, "Only ending one of the processes ends it. lslocks "
					       "shows which file is which while it lasts: take "
					       "their locks in the same order everywhere, or with "
					       "LOCK_NB and let go what you have.");
	else
		finding_text(&finding->advice,
			     "Only a restart ends it. Before that, gdb -p %" PRId32
			     " -batch -ex 'thread apply all bt' shows where each thread took its "
			     "locks: take them in the same order everywhere.",
			     finding->lock.tgid);
}
