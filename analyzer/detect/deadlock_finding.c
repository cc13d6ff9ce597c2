/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deadlock: from what was found to something that a stranger can check.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyzer/detect/finding.h"
#include "analyzer/detect/deadlock.h"
#include "analyzer/detect/detectors.h"

#define WAITS_TOLD 8 /* a line of evidence each; the victims are all listed */

static int by_blocked(const void *left, const void *right)
{
	const struct victim *a = left, *b = right;

	if (a->blocked_ns != b->blocked_ns)
		return a->blocked_ns < b->blocked_ns ? 1 : -1;
	return (a->thread->index > b->thread->index) - (a->thread->index < b->thread->index);
}

static int fill_victims(const struct detect_context *context, const struct deadlock *deadlock,
			struct model_finding *finding)
{
	struct victim *victims = calloc(deadlock->count, sizeof(*victims));
	int r;

	if (!victims)
		return -ENOMEM;
	for (size_t i = 0; i < deadlock->count; i++) {
		const struct long_wait *wait = deadlock->waits[i];

		victims[i] = (struct victim){ wait->thread, wait->blocked_ns, wait->blocked_ns,
					      wait->start_ns };
	}
	qsort(victims, deadlock->count, sizeof(*victims), by_blocked);
	r = finding_victims(finding, victims, deadlock->count, context->start_ns);
	free(victims);
	return r;
}

static void fill_culprit(const struct detect_context *context, const struct deadlock *deadlock,
			 struct model_finding *finding)
{
	const struct thread *thread = deadlock->culprit->thread;
	uint64_t since_ns = deadlock->held_since_ns;

	finding->has_culprit = true;
	finding->lock.address = deadlock->held->address;
	finding->culprit = (struct model_culprit){
		.tid = thread->tid,
		.tgid = thread->tgid,
		.comm = thread->comm,
		.hold_start_ns = since_ns > context->start_ns ? since_ns - context->start_ns : 0,
		.hold_ns = deadlock->end_ns - since_ns,
		.running_ns = deadlock->culprit_ns[THREAD_RUNNING],
		.runnable_ns = deadlock->culprit_ns[THREAD_RUNNABLE],
		.blocked_ns = deadlock->culprit_ns[THREAD_BLOCKED],
		.stack = finding_stack(context->stacks, deadlock->culprit->stack_id, true),
		.user_stack = finding_stack(context->stacks, deadlock->culprit->stack_id, false),
	};
}

struct lock_name {
	char text[64];
};

static struct lock_name name_of(const struct detect_context *context, const struct lock *lock)
{
	struct lock_name name;

	if (lock->class == WAIT_LOCK_FILE)
		snprintf(name.text, sizeof(name.text), "the lock of file %s",
			 proc_locks_text(context->listed, lock->address));
	else
		snprintf(name.text, sizeof(name.text), "lock 0x%" PRIx64, lock->address);
	return name;
}

static const char *how_known(const struct detect_context *context, const struct lock *lock)
{
	const struct proc_locks_wait *listed = proc_locks_open(context->listed, lock->address);

	if (lock->class != WAIT_LOCK_FILE)
		return lock->holder_named ? "holds it: the lock names it"
					  : "holds it: it was the last to get it";
	return listed && listed->kind == FT_FILELOCK_FLOCK ? "took it, as /proc/locks lists"
							   : "holds it, as /proc/locks lists";
}

static int wait_evidence(const struct detect_context *context, const struct long_wait *wait,
			 const struct model *model, struct model_finding *finding)
{
	const struct thread *holder = wait->lock->holder;
	struct human since = model_time_text(
		model, wait->start_ns > context->start_ns ? wait->start_ns - context->start_ns : 0);
	const char *before = wait->flags & INTERVAL_BEGAN_BEFORE ? "before " : "";
	struct lock_name name = name_of(context, wait->lock);

	if (!holder)
		return finding_evidence(finding,
					"thread %" PRId32 " (%s) has waited for %s since %s%s",
					wait->thread->tid, wait->thread->comm, name.text, before,
					since.text);
	return finding_evidence(finding,
				"thread %" PRId32
				" (%s) has waited for %s since %s%s; thread %" PRId32 " (%s) %s",
				wait->thread->tid, wait->thread->comm, name.text, before,
				since.text, holder->tid, holder->comm,
				how_known(context, wait->lock));
}

/* The kernel tells of an flock() who called it, and not who else has the file open. */
static int inherited_evidence(const struct deadlock *deadlock,
			      const struct detect_context *context, struct model_finding *finding)
{
	for (size_t i = 0; i < deadlock->count; i++) {
		const struct lock *lock = deadlock->waits[i]->lock;
		const struct proc_locks_wait *listed =
			proc_locks_open(context->listed, lock->address);

		if (lock->class == WAIT_LOCK_FILE && listed && listed->kind == FT_FILELOCK_FLOCK)
			return finding_evidence(
				finding,
				"an flock() belongs to the open file: a child that inherited it "
				"has the "
				"lock as well, and the list names the process that took it alone");
	}
	return 0;
}

static int fill_evidence(const struct detect_context *context, const struct deadlock *deadlock,
			 const struct model *model, struct model_finding *finding)
{
	int r = 0;

	for (size_t i = 0; i < deadlock->count && i < WAITS_TOLD && !r; i++)
		r = wait_evidence(context, deadlock->waits[i], model, finding);
	if (!r && deadlock->count > WAITS_TOLD)
		r = finding_evidence(finding, "%zu more threads wait for the same locks",
				     deadlock->count - WAITS_TOLD);
	if (!r && deadlock->culprit && !deadlock->held->holder)
		r = finding_evidence(finding,
				     "of all these threads, %" PRId32
				     " (%s) alone does not wait for %s"
				     ": if one of them holds it, it is that one",
				     deadlock->culprit->thread->tid,
				     deadlock->culprit->thread->comm,
				     name_of(context, deadlock->held).text);
	if (!r && deadlock->culprit && !deadlock->culprit->lock->holder)
		r = finding_evidence(finding,
				     "%s, which that one waits for, is then held by one of the "
				     "others: by which one, no event tells",
				     name_of(context, deadlock->culprit->lock).text);
	if (!r)
		r = inherited_evidence(deadlock, context, finding);
	if (!r && !deadlock->in_cycle)
		r = finding_evidence(
			finding,
			"who took a lock without a wait left no event; but none was let go in the "
			"last "
			"%s of the recording, and no other thread of the process did anything then "
			"that could be a hold",
			human_duration(deadlock->end_ns - deadlock->since_ns).text);
	return r;
}

static int tell_deadlock(const struct detect_context *context, const struct deadlock *deadlock,
			 struct model *model)
{
	struct model_finding *finding = finding_append(model, FINDING_DEADLOCK);
	bool lossy = model->coverage.lost_events || model->coverage.gap_count;
	int r;

	if (!finding)
		return -ENOMEM;
	finding->grade = deadlock->in_cycle && !lossy ? GRADE_STRONG : GRADE_PLAUSIBLE;
	finding->has_lock = true;
	finding->lock = (struct model_lock_ref){
		.class = deadlock->waits[0]->lock->class,
		.address = deadlock->waits[0]->lock->address,
		.tgid = deadlock->waits[0]->lock->tgid,
	};
	if (deadlock->culprit)
		fill_culprit(context, deadlock, finding);
	r = fill_victims(context, deadlock, finding);
	if (!r && deadlock->in_cycle)
		r = finding_text(
			&finding->summary,
			"%zu threads wait in a circle, each for a lock that the next one holds. "
			"%zu %s stuck with them for %zu locks, until the recording ended.",
			deadlock->in_cycle, deadlock->count,
			deadlock->count == 1 ? "thread is" : "threads are", deadlock->lock_count);
	else if (!r)
		r = finding_text(&finding->summary,
				 "%zu threads wait for %zu locks, and for %s, until the recording "
				 "ended, none "
				 "of the locks was let go: most likely they hold each other's.",
				 deadlock->count, deadlock->lock_count,
				 human_duration(deadlock->end_ns - deadlock->since_ns).text);
	if (!r)
		r = fill_evidence(context, deadlock, model, finding);
	if (!r && finding->lock.class == WAIT_LOCK_FILE)
		r = finding_text(
			&finding->advice,
			"Only ending one of the processes ends it. lslocks shows which file "
			"is which while it lasts: take their locks in the same order "
			"everywhere, or with LOCK_NB and let go what you have.");
	else if (!r)
		r = finding_text(&finding->advice,
				 "Only a restart ends it. Before that, gdb -p %" PRId32
				 " -batch -ex 'thread "
				 "apply all bt' shows where each thread took its locks: take them "
				 "in the same "
				 "order everywhere.",
				 finding->lock.tgid);
	return r;
}

static int find_deadlock(struct detect_context *in, struct candidates *out)
{
	struct candidate candidate = {
		.stall = *in->stall,
		.evidence = EVIDENCE_STANDSTILL,
		.named = true,
		.of_waits = true,
		.beside = true,
	};
	struct deadlock *found;
	int r;

	if (!in->stall->found || !in->stall->still_open)
		return 0;
	found = calloc(1, sizeof(*found));
	if (!found)
		return -ENOMEM;
	candidate.found = found;
	r = deadlock_find(in->observations, found);
	for (size_t i = 0; i < found->count; i++)
		candidate.lost_ns += found->waits[i]->blocked_ns;
	if (!r && found->count)
		r = candidates_append(out, &candidate);
	if (r || !found->count) {
		deadlock_free(found);
		free(found);
		return r;
	}
	in->deadlock = found;
	return 0;
}

static int report_deadlock(const struct detect_context *in, const struct candidate *candidate)
{
	return tell_deadlock(in, candidate->found, in->model);
}

static void free_deadlock(void *found)
{
	deadlock_free(found);
	free(found);
}

const struct detector deadlock_detector = { "deadlock", find_deadlock, report_deadlock,
					    free_deadlock };
