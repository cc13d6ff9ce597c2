/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a finding about a lock says beside who held it: its evidence, and what to do.
 */
#include "config.h"

#include "analyzer/detect/lock_convoy.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/detect/finding.h"
#include "analyzer/detect/thresholds.h"

static uint64_t stall_length_ns(const struct model *model)
{
	return model->stall.end_ns - model->stall.start_ns;
}

bool lock_convoy_held_again_and_again(const struct contended_lock *contended,
				      const struct model *model)
{
	const struct lock_hold *hold = &contended->owner.longest;

	return contended->owner.holds > 1 &&
	       (hold->end_ns - hold->start_ns) * 100 < stall_length_ns(model) * HELD_AGAIN_PERCENT;
}

/* The kernel's own events tell of the hold. */
static void tell_kernel_events(const struct detect_context *context, const struct lock_hold *hold,
			       struct model_finding *finding)
{
	struct human start = detect_time_text(context, hold->start_ns);

	if (hold->still_open)
		finding_evidence(
			finding,
			"the kernel's events of the lock say that it acquired it at %s, and not "
			"that it released it before the recording ended",
			start.text);
	else if (!hold->mode_known)
		finding_evidence(finding,
				 "the kernel's events of the lock say that it released it at %s "
				 "while others waited",
				 detect_time_text(context, hold->end_ns).text);
	else
		finding_evidence(finding,
				 "the kernel's events of the lock say that it acquired it at %s "
				 "and released it at %s",
				 start.text, detect_time_text(context, hold->end_ns).text);
}

/* Of an flock() the kernel tells who called it, and not who else has the file open. */
static void tell_proc_locks(const struct detect_context *context,
			    const struct contended_lock *contended, struct model_finding *finding)
{
	const struct proc_locks_wait *wait = proc_locks_open(context->listed, contended->address);
	const char *also = wait->kind == FT_FILELOCK_FLOCK
				   ? "; a child that inherited the open file has the lock as well"
				   : "";

	finding_evidence(finding,
			 "/proc/locks listed process %" PRId32
			 " as the one that took the lock of file %s when it was read at %s, while "
			 "others waited for it until the recording ended%s",
			 wait->holder, proc_locks_text(context->listed, contended->address),
			 detect_time_text(context, wait->seen_ns).text, also);
}

/* Why nobody is named although the list named a process, or could not. */
static void tell_unnamed(const struct detect_context *context,
			 const struct contended_lock *contended, struct model_finding *finding)
{
	const struct proc_locks_wait *wait =
		contended->class == WAIT_LOCK_FILE
			? proc_locks_open(context->listed, contended->address)
			: NULL;

	if (!wait)
		return;
	if (!wait->holder)
		finding_evidence(
			finding,
			"/proc/locks does not tell who has the lock of file %s: it is one of an "
			"open file (OFD)",
			proc_locks_text(context->listed, contended->address));
	else
		finding_evidence(
			finding,
			"/proc/locks listed process %" PRId32
			" as the one that took the lock of file %s, and not which of its threads "
			"did",
			wait->holder, proc_locks_text(context->listed, contended->address));
}

/* The function that let the lock go, or the waiter that had it. */
static const char *release_name(const struct stack_table *stacks, uint32_t stack_id)
{
	static const char *const releases[] = {
		"up_read",	"up_write",	   "downgrade_write",
		"mutex_unlock", "rwsem_wake",	   "__mutex_unlock_slowpath",
		"futex_wake",	"percpu_up_write", "futex_unlock_pi",
	};
	const char *function = "the kernel's wake-up path";
	const struct frame *frames = NULL;
	size_t count = stack_table_frames(stacks, stack_id, &frames);

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < sizeof(releases) / sizeof(*releases); j++)
			if (frames[i].symbol && !strcmp(frames[i].symbol, releases[j]))
				function = releases[j];
	return function;
}

/* The release that ended the longest hold: function, time, and whom it woke. */
static void tell_release(const struct detect_context *context,
			 const struct contended_lock *contended, struct model_finding *finding)
{
	const struct lock_hold *hold = &contended->owner.longest;

	if (hold->exact && contended->class == WAIT_LOCK_FILE &&
	    proc_locks_open(context->listed, contended->address))
		tell_proc_locks(context, contended, finding);
	else if (hold->exact)
		tell_kernel_events(context, hold, finding);
	else if (hold->end_ns == hold->start_ns)
		finding_evidence(finding,
				 "the kernel's events do not tell one such lock from another; it "
				 "woke waiters out of a release");
	else if (!hold->still_open && hold->first_woken && hold->by_call)
		finding_evidence(finding,
				 "it woke waiter %" PRId32
				 " (%s) at %s by a futex call on the lock's address",
				 hold->first_woken->tid, hold->first_woken->comm,
				 detect_time_text(context, hold->end_ns).text);
	else if (!hold->still_open && hold->first_woken && hold->stack_id == STACK_NONE)
		finding_evidence(finding,
				 "it woke waiter %" PRId32
				 " (%s) at %s; that it did so by letting the lock go is likely, "
				 "its stack then was not recorded",
				 hold->first_woken->tid, hold->first_woken->comm,
				 detect_time_text(context, hold->end_ns).text);
	else if (hold->still_open && contended->class == WAIT_LOCK_USER)
		finding_evidence(
			finding, "no release was seen before the recording ended; %s",
			hold->start_exact
				? "it was the last one to be woken by a release, and letting the "
				  "lock go would have woken another"
				: "the value in the lock names it as the owner");
	else if (contended->owner.named_ns && (hold->still_open || !hold->first_woken))
		finding_evidence(finding, "no release was seen before the recording ended");
	else if (hold->still_open || !hold->first_woken)
		finding_evidence(
			finding,
			"no release was seen before the recording ended; of the threads of the "
			"process it alone was inside an address-space operation");
	else
		finding_evidence(finding, "it woke waiter %" PRId32 " (%s) out of %s at %s",
				 hold->first_woken->tid, hold->first_woken->comm,
				 release_name(context->stacks, hold->stack_id),
				 detect_time_text(context, hold->end_ns).text);
}

static void tell_call(const struct detect_context *context, const struct contended_lock *contended,
		      const struct large_call *call, struct model_finding *finding)
{
	const struct lock_hold *hold = &contended->owner.longest;

	if (!call)
		return;
	finding_evidence(finding,
			 "it entered %s at %s, %s before the hold ended, and was not seen outside "
			 "the call in between",
			 large_calls_name(call->call),
			 detect_time_text(context, call->time_ns).text,
			 human_duration(hold->end_ns - call->time_ns).text);
}

/* What the kernel's log said, which is the kernel's own word. */
static void tell_kernel_log(const struct detect_context *context,
			    const struct contended_lock *contended, struct model_finding *finding)
{
	const struct lock_owner *holder = &contended->holder;

	if (!holder->named_ns)
		return;
	if (holder->named_ns < context->start_ns)
		finding_evidence(finding,
				 "the kernel's hung-task detector named thread %" PRId32
				 " (%s) as the lock's owner %s before the recording began",
				 holder->thread->tid, holder->thread->comm,
				 human_duration(context->start_ns - holder->named_ns).text);
	else
		finding_evidence(finding,
				 "the kernel's hung-task detector named thread %" PRId32
				 " (%s) as the lock's owner at %s",
				 holder->thread->tid, holder->thread->comm,
				 detect_time_text(context, holder->named_ns).text);
}

/* Why nobody is named, and who is the best candidate. */
static void tell_nobody(const struct contended_lock *contended, struct model_finding *finding)
{
	const struct lock_owner *candidate = &contended->candidate;

	if (!candidate->thread)
		finding_evidence(finding, "no thread was seen to let the lock go to a waiter");
	else if (candidate->blamed_ns * 100 < contended->wait_ns * CANDIDATE_PERCENT)
		finding_evidence(finding, "%s of the wait is charged to nobody",
				 human_share(contended->nobody_ns, contended->wait_ns).text);
	else
		finding_evidence(finding,
				 "%s of the wait is charged to nobody; the most that is charged to "
				 "one thread "
				 "is %s, to %" PRId32 " (%s)",
				 human_share(contended->nobody_ns, contended->wait_ns).text,
				 human_share(candidate->blamed_ns, contended->wait_ns).text,
				 candidate->thread->tid, candidate->thread->comm);
}

void lock_convoy_evidence(const struct detect_context *context,
			  const struct contended_lock *contended, const struct large_call *call,
			  struct model_finding *finding)
{
	const struct span_summary *did = &contended->hold_summary;
	bool led_by_links = contended->link_count && !contended->links_of_others;

	if (!contended->has_owner) {
		tell_nobody(contended, finding);
		tell_unnamed(context, contended, finding);
		return;
	}
	if (contended->owner.longest.stack_id != STACK_NONE || contended->owner.longest.by_call ||
	    (!led_by_links && !contended->in_slices))
		tell_release(context, contended, finding);
	tell_kernel_log(context, contended, finding);
	if (contended->in_slices)
		finding_evidence(finding,
				 "they waited with time limits, again and again, until that one woke one of "
				 "them; who was woken woke the next, as with a lock");
	if (contended->turns.found)
		finding_evidence(finding,
				 "thread %" PRId32
				 " (%s) slept or waited for others %" PRIu64
				 " times meanwhile, as it does at other times: it did not hold the lock all along",
				 contended->owner.thread->tid, contended->owner.thread->comm,
				 contended->turns.sleeps);
	lock_convoy_tell_cause(context, contended, finding);
	if (lock_convoy_held_again_and_again(contended, context->model))
		finding_evidence(
			finding,
			"it took the lock again and again, %" PRIu32
			" times for more than 1 ms: those who waited did so for %s of the stall",
			contended->owner.holds,
			human_share(finding->blocked_ns,
				    contended->victim_count * stall_length_ns(context->model))
				.text);
	tell_call(context, contended, call, finding);
	if (did->under)
		finding_evidence(finding,
				 "%" PRIu32 " of %" PRIu32
				 " CPU samples of it in the hold are under %s",
				 did->samples_under, did->samples, did->under);
	if (contended->gaps)
		finding_evidence(finding, "%s event%s lost during the hold, so the grade is lower",
				 contended->lost_records ? human_count(contended->lost_records).text
							 : "an unknown number of",
				 contended->lost_records == 1 ? " was" : "s were");
}

static const char *advice_for_call(const struct large_call *call, bool pattern, bool grows)
{
	switch (call->call) {
	case FT_CALL_MMAP:
	case FT_CALL_MREMAP:
		if (grows)
			return "Size the table for its final load at start-up, or split it into "
			       "shards that grow apart. If memory must be populated, do it in "
			       "slices with pauses between them, outside the serving threads.";
		if (pattern)
			return "If a table grows here, size it for its final load at start-up, or "
			       "split it into shards that grow apart. If memory must be populated "
			       "(MAP_POPULATE, mlockall), do it in slices with pauses between "
			       "them, outside the serving threads.";
		return "Allocate at start-up, or in slices of some megabytes with pauses between "
		       "them; populate memory (MAP_POPULATE, mlockall) outside the serving process "
		       "or before it serves.";
	case FT_CALL_MUNMAP:
		return "Give memory back in slices of some megabytes with pauses between them, or "
		       "keep it for later use.";
	case FT_CALL_MLOCK:
	case FT_CALL_MLOCKALL:
		return "Lock memory at start-up, or in slices of some megabytes with pauses "
		       "between them, outside the serving threads; MLOCK_ONFAULT (MCL_ONFAULT) "
		       "brings pages in when they are used.";
	case FT_CALL_MUNLOCK:
		return "Unlock memory in slices of some megabytes with pauses between them, or "
		       "leave it locked.";
	case FT_CALL_MPROTECT:
		return "Change the protection of smaller ranges with pauses between them, or set "
		       "it once at start-up.";
	default:
		return "Give the advice on smaller ranges, with a pause between them.";
	}
}

static const char *advice_for_lock(const struct model *model,
				   const struct contended_lock *contended)
{
	if (!contended->has_owner && model->coverage.gap_count)
		return "Look for another capture of the same freeze: events are missing from this "
		       "one, and with them who let the lock go.";
	if (contended->gone)
		return "Look at why that thread or process ended (a kill, the OOM killer, a crash): what it "
		       "held stays locked. Shared locks should be robust (PTHREAD_MUTEX_ROBUST).";
	if (contended->turns.found)
		return "A lock that many share, or take in turns, keeps one out who never finds it free: use a "
		       "lock that is fair (for glibc's rwlock: PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP), or "
		       "let those who share it pause.";
	if (!contended->has_owner && !model->stall.still_open && contended->class != WAIT_LOCK_FILE)
		return "Look at the threads that use this lock (--threads, --explain): the stall ended in the "
		       "capture, but nobody was seen to wake a waiter out of the lock's release.";
	if (!contended->has_owner && contended->class != WAIT_LOCK_FILE)
		return "Record a longer time, so that the end of the stall is in the capture: the "
		       "release of the lock tells who held it.";
	if (contended->class == WAIT_LOCK_MMAP)
		return "Look at what the holder's stack does to the address space: make it "
		       "smaller, rarer, or move it out of the serving process.";
	if (contended->class == WAIT_LOCK_USER)
		return "Look at what the holder does with the lock held: move what sleeps, waits "
		       "or computes out of the critical section, or split the lock.";
	if (contended->class == WAIT_LOCK_FILE)
		return "lslocks tells which process holds the lock of which file while it is held.";
	return "Look at what the holder's stack does under the lock; fewer or shorter calls of it, "
	       "or spreading them over other files or objects, shorten the wait.";
}

void lock_convoy_advise_on_fault(struct model_finding *finding)
{
	char *advice = finding->advice;

	finding->advice = NULL;
	finding_text(&finding->advice,
		     "Lock memory when it is used, not when it is mapped: mlockall(MCL_CURRENT | "
		     "MCL_FUTURE | MCL_ONFAULT), and then mmap() populates nothing. %s",
		     advice ? advice : "");
	free(advice);
}

void lock_convoy_advice(const struct model *model, const struct contended_lock *contended,
			const struct large_call *call, bool grows, struct model_finding *finding)
{
	const struct lock_hold *hold = &contended->owner.longest;
	bool short_of_cpu = contended->hold_summary.state_ns[THREAD_RUNNABLE] * 100 >
			    (hold->end_ns - hold->start_ns) * HOLDER_STARVED_PERCENT;

	finding_text(&finding->advice, "%s%s",
		     contended->has_owner && short_of_cpu && hold->end_ns > hold->start_ns
			     ? "The holder itself waited for a CPU for most of that time: give it "
			       "more CPU, or the others less. "
			     : "",
		     call ? advice_for_call(call, finding->pattern, grows)
			  : advice_for_lock(model, contended));
}
