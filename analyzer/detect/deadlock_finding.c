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
		const struct long_wait *wait = &deadlock->waits[i].wait;

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

static struct lock_name name_lock(const struct detect_context *context,
				  const struct stuck_wait *wait)
{
	const struct lock *lock = wait->wait.lock;
	struct lock_name name;

	if (wait->link == STUCK_ANSWERER)
		snprintf(name.text, sizeof(name.text), "an answer");
	else if (wait->futex)
		snprintf(name.text, sizeof(name.text), "lock 0x%" PRIx64, wait->futex);
	else if (!lock)
		snprintf(name.text, sizeof(name.text), "room in a full %s",
			 wait->wait.class == WAIT_IPC_PIPE ? "pipe" : "socket");
	else if (lock->class == WAIT_LOCK_FILE && !lock->address)
		snprintf(name.text, sizeof(name.text), "the lock of a file");
	else if (lock->class == WAIT_LOCK_FILE)
		snprintf(name.text, sizeof(name.text), "the lock of file %s",
			 proc_locks_text(context->listed, lock->address));
	else
		snprintf(name.text, sizeof(name.text), "lock 0x%" PRIx64, lock->address);
	return name;
}

static const char *holder_text(const struct detect_context *context,
			       const struct deadlock *deadlock, const struct lock *lock)
{
	const struct proc_locks_wait *listed = proc_locks_open(context->listed, lock->address);

	if (deadlock->ended.how != DEADLOCK_OPEN)
		return "had it: it let it go later";
	if (lock->class != WAIT_LOCK_FILE)
		return lock->holder_named ? "holds it: the lock names it"
					  : "holds it: it was the last to get it";
	return listed && listed->kind == FT_FILELOCK_FLOCK ? "took it, as /proc/locks lists"
							   : "holds it, as /proc/locks lists";
}

static const char *source_text(const struct detect_context *context,
			       const struct deadlock *deadlock, const struct stuck_wait *wait)
{
	switch (wait->link) {
	case STUCK_LIKELY:
		return "is the only one of them who may have it";
	case STUCK_TAKER:
		return "takes what is written there, as wake-ups show";
	case STUCK_ANSWERER:
		return "gives it, as wake-ups show";
	default:
		return holder_text(context, deadlock, wait->wait.lock);
	}
}

static void tell_wait(const struct detect_context *context, const struct deadlock *deadlock,
		      const struct stuck_wait *wait, struct model_finding *finding)
{
	const struct thread *thread = wait->wait.thread, *whom = wait->whom;
	struct human since = detect_time_text(context, wait->wait.start_ns);
	const char *before = wait->wait.flags & INTERVAL_BEGAN_BEFORE ? "before " : "";
	const char *waited = deadlock->ended.how == DEADLOCK_OPEN ? "has waited" : "waited";
	struct lock_name name = name_lock(context, wait);

	if (!whom)
		finding_evidence(finding, "thread %" PRId32 " (%s) %s for %s since %s%s",
				 thread->tid, thread->comm, waited, name.text, before, since.text);
	else
		finding_evidence(finding,
				 "thread %" PRId32 " (%s) %s for %s since %s%s; thread %" PRId32
				 " (%s) %s",
				 thread->tid, thread->comm, waited, name.text, before, since.text,
				 whom->tid, whom->comm, source_text(context, deadlock, wait));
}

/* The kernel tells of an flock() who called it, and not who else has the file open. */
static bool is_inheritable(const struct detect_context *context, const struct deadlock *deadlock)
{
	for (size_t i = 0; i < deadlock->count; i++) {
		const struct lock *lock = deadlock->waits[i].wait.lock;
		const struct proc_locks_wait *listed =
			lock && lock->class == WAIT_LOCK_FILE
				? proc_locks_open(context->listed, lock->address)
				: NULL;

		if (listed && listed->kind == FT_FILELOCK_FLOCK)
			return true;
	}
	return false;
}

/* How it came to an end, behind "until". */
static struct human end_text(const struct deadlock *deadlock)
{
	const struct deadlock_ended *ended = &deadlock->ended;
	const struct thread *by = ended->by;
	struct human text;

	if (ended->how == DEADLOCK_OPEN)
		snprintf(text.text, sizeof(text.text), "the recording ended");
	else if (ended->how == DEADLOCK_GAVE_UP)
		snprintf(text.text, sizeof(text.text),
			 "thread %" PRId32 " (%.15s) gave up after %.16s", by->tid, by->comm,
			 human_duration(ended->at_ns - ended->since_ns).text);
	else
		snprintf(text.text, sizeof(text.text), "%s %" PRId32 " (%.15s) was killed",
			 by->tid == by->tgid ? "process" : "thread", by->tid, by->comm);
	return text;
}

/* Who may hold what, where no event tells. */
static void tell_inferred(const struct detect_context *context, const struct deadlock *deadlock,
			  struct model_finding *finding)
{
	const struct stuck_wait *culprit = deadlock->culprit;

	if (culprit && !deadlock->held->whom)
		finding_evidence(finding,
				 "of all these threads, %" PRId32 " (%s) alone does not wait for %s"
				 ": if one of them holds it, it is that one",
				 culprit->wait.thread->tid, culprit->wait.thread->comm,
				 name_lock(context, deadlock->held).text);
	if (culprit && !culprit->whom)
		finding_evidence(finding,
				 "%s, which that one waits for, is then held by one of the others: "
				 "by which one, no event tells",
				 name_lock(context, culprit).text);
	if (!deadlock->in_cycle)
		finding_evidence(
			finding,
			"who took a lock without a wait left no event; but none was let go in the "
			"last %s %s, and no other thread of the process did anything "
			"then that could be a hold",
			human_duration(deadlock->end_ns - deadlock->since_ns).text,
			deadlock->ended.how == DEADLOCK_OPEN ? "of the recording" : "before that");
}

static void fill_evidence(const struct detect_context *context, const struct deadlock *deadlock,
			  struct model_finding *finding)
{
	for (size_t i = 0; i < deadlock->count && i < WAITS_TOLD; i++)
		tell_wait(context, deadlock, &deadlock->waits[i], finding);
	if (deadlock->count > WAITS_TOLD)
		finding_evidence(finding, "%zu more threads wait for the same locks",
				 deadlock->count - WAITS_TOLD);
	tell_inferred(context, deadlock, finding);
	if (is_inheritable(context, deadlock))
		finding_evidence(
			finding,
			"an flock() belongs to the open file: a child that inherited it has the "
			"lock as well, and the list names the process that took it alone");
}

/* " for 2 locks"; nothing where it cannot be told which is which. */
static struct human locks_text(const struct deadlock *deadlock)
{
	struct human text = { "" };

	for (size_t i = 0; i < deadlock->count; i++)
		if (deadlock->waits[i].wait.lock && !deadlock->waits[i].wait.lock->address)
			return text;
	snprintf(text.text, sizeof(text.text), " for %zu locks", deadlock->lock_count);
	return text;
}

/* Whether all of the circle wait for locks. */
static bool is_of_locks(const struct deadlock *deadlock)
{
	for (size_t i = 0; i < deadlock->in_cycle; i++)
		if (!stuck_wait_locked(&deadlock->waits[i]))
			return false;
	return true;
}

static void fill_summary(const struct deadlock *deadlock, struct model_finding *finding)
{
	struct human until = end_text(deadlock);

	if (deadlock->in_cycle && !is_of_locks(deadlock))
		finding_text(&finding->summary,
			     "%zu threads wait in a circle, each for the next one: for a lock that "
			     "it holds, for room in what it should empty, or for its answer. "
			     "%zu %s stuck with them, until %s.",
			     deadlock->in_cycle, deadlock->count,
			     deadlock->count == 1 ? "thread is" : "threads are", until.text);
	else if (deadlock->in_cycle)
		finding_text(
			&finding->summary,
			"%zu threads wait in a circle, each for a lock that the next one holds. "
			"%zu %s stuck with them%s, until %s.",
			deadlock->in_cycle, deadlock->count,
			deadlock->count == 1 ? "thread is" : "threads are",
			locks_text(deadlock).text, until.text);
	else
		finding_text(&finding->summary,
			     "%zu threads wait for %zu locks, and for %s, until %s, "
			     "none of the locks was let go: most likely they hold each "
			     "other's.",
			     deadlock->count, deadlock->lock_count,
			     human_duration(deadlock->end_ns - deadlock->since_ns).text,
			     until.text);
}

/* As sure as each step of the circle. */
static enum grade grade_circle(const struct detect_context *in, const struct deadlock *deadlock)
{
	if (!deadlock->in_cycle || in->model->coverage.lost_events || in->model->coverage.gap_count)
		return GRADE_PLAUSIBLE;
	for (size_t i = 0; i < deadlock->in_cycle; i++)
		if (deadlock->waits[i].link != STUCK_HOLDER || !deadlock->waits[i].sure)
			return GRADE_PLAUSIBLE;
	return GRADE_STRONG;
}

static void fill_lock(const struct stuck_wait *wait, struct model_finding *finding)
{
	const struct lock *lock = wait->wait.lock;

	finding->has_lock = stuck_wait_locked(wait);
	if (!finding->has_lock)
		return;
	finding->lock = (struct model_lock_ref){
		.class = lock ? lock->class : WAIT_LOCK_FUTEX,
		.address = lock ? lock->address : wait->futex,
		.tgid = lock ? lock->tgid : wait->wait.thread->tgid,
	};
}

/* It is over: what is to be done is to see that it does not come again. */
static void fill_advice(const struct deadlock *deadlock, struct model_finding *finding)
{
	bool open = deadlock->ended.how == DEADLOCK_OPEN;

	if (deadlock->in_cycle && !is_of_locks(deadlock))
		finding_text(&finding->advice,
			     "%sDo not write to a pipe or a socket, nor wait for an answer, with a "
			     "lock held that who is at the other end needs.",
			     open ? "Only ending one of them ends it. " : "");
	else if (deadlock->waits[0].wait.class == WAIT_LOCK_FILE)
		finding_text(&finding->advice,
			     "%sake their locks in the same order everywhere, or with "
			     "LOCK_NB and let go what you have.",
			     open ? "Only ending one of the processes ends it. lslocks shows "
				    "which file is which while it lasts: t"
				  : "T");
	else if (open)
		finding_text(&finding->advice,
			     "Only a restart ends it. Before that, gdb -p %" PRId32
			     " -batch -ex 'thread apply all bt' shows where each thread took its "
			     "locks: take them in the same order everywhere.",
			     deadlock->waits[0].wait.thread->tgid);
	else
		finding_text(&finding->advice,
			     "It comes again. Take the locks in the same order everywhere; the "
			     "stacks in --explain show where each thread wanted its second one.");
}

void deadlock_report(const struct detect_context *in, const void *found,
		     struct model_finding *finding)
{
	const struct deadlock *deadlock = found;
	const struct stuck_wait *culprit = deadlock->culprit;

	finding->kind = FINDING_DEADLOCK;
	finding->grade = grade_circle(in, deadlock);
	fill_lock(culprit ? deadlock->held : &deadlock->waits[0], finding);
	if (culprit)
		finding_culprit(in, culprit->wait.thread, deadlock->held_since_ns, deadlock->end_ns,
				deadlock->culprit_ns, culprit->wait.stack_id, finding);
	fill_victims(in, deadlock, finding);
	fill_summary(deadlock, finding);
	fill_evidence(in, deadlock, finding);
	fill_advice(deadlock, finding);
}
