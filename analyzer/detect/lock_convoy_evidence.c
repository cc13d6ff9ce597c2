/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "analyzer/detect/lock_convoy.h"
#include "analyzer/detect/lock_convoy_cause.h"
#include "analyzer/util/human.h"

uint64_t lock_convoy_stall_ns(const struct model *model)
{
	return model->stall.end_ns - model->stall.start_ns;
}

bool lock_convoy_held_again_and_again(const struct contended_lock *suspect, const struct model *model)
{
	const struct lock_hold *hold = &suspect->owner.longest;

	return suspect->owner.holds > 1 && (hold->end_ns - hold->start_ns) * 2 < lock_convoy_stall_ns(model);
}

/* The kernel's own events tell of the hold. */
static int told_evidence(const struct detect_context *context, const struct lock_hold *hold,
			 const struct model *model, struct model_finding *finding)
{
	struct human start = model_time_text(model, hold->start_ns - context->start_ns);

	if (hold->still_open)
		return finding_evidence(finding,
					"the kernel's events of the lock say that it acquired it at %s, and "
					"not that it released it before the recording ended",
					start.text);
	if (!hold->mode_known)
		return finding_evidence(
			finding,
			"the kernel's events of the lock say that it released it at %s while others waited",
			model_time_text(model, hold->end_ns - context->start_ns).text);
	return finding_evidence(
		finding,
		"the kernel's events of the lock say that it acquired it at %s and released it at %s",
		start.text, model_time_text(model, hold->end_ns - context->start_ns).text);
}

/* Of an flock() the kernel tells who called it, and not who else has the file open. */
static int listed_evidence(const struct detect_context *context, const struct contended_lock *suspect,
			   const struct model *model, struct model_finding *finding)
{
	const struct proc_locks_wait *wait = proc_locks_open(context->listed, suspect->address);
	const char *also = wait->kind == FT_FILELOCK_FLOCK
				   ? "; a child that inherited the open file has the lock as well"
				   : "";

	return finding_evidence(finding,
				"/proc/locks listed process %" PRId32
				" as the one that took the lock of file %s when it was read at %s, while "
				"others waited for it until the recording ended%s",
				wait->holder, proc_locks_text(context->listed, suspect->address),
				model_time_text(model, wait->seen_ns - context->start_ns).text, also);
}

/* Why nobody is named although the list named a process, or could not. */
static int unnamed_evidence(const struct detect_context *context, const struct contended_lock *suspect,
			    struct model_finding *finding)
{
	const struct proc_locks_wait *wait =
		suspect->class == WAIT_LOCK_FILE ? proc_locks_open(context->listed, suspect->address) : NULL;

	if (!wait)
		return 0;
	if (!wait->holder)
		return finding_evidence(finding,
					"/proc/locks does not tell who has the lock of file %s: it is one of "
					"an open file (OFD)",
					proc_locks_text(context->listed, suspect->address));
	return finding_evidence(finding,
				"/proc/locks listed process %" PRId32
				" as the one that took the lock of file %s, and not which of its threads "
				"did",
				wait->holder, proc_locks_text(context->listed, suspect->address));
}

/* The release that ended the longest hold: function, time, and whom it woke. */
static int release_evidence(const struct detect_context *context, const struct contended_lock *suspect,
			    const struct model *model, struct model_finding *finding)
{
	const struct lock_hold *hold = &suspect->owner.longest;
	const struct frame *frames = NULL;
	size_t count = stack_table_frames(context->stacks, hold->stack_id, &frames);
	const char *function = "the lock's release path";
	static const char *const releases[] = {
		"up_read",
		"up_write",
		"downgrade_write",
		"mutex_unlock",
		"__mutex_unlock_slowpath",
		"percpu_up_write",
		"rwsem_wake",
		"futex_wake",
		"futex_unlock_pi",
	};

	if (hold->exact && suspect->class == WAIT_LOCK_FILE &&
	    proc_locks_open(context->listed, suspect->address))
		return listed_evidence(context, suspect, model, finding);
	if (hold->exact)
		return told_evidence(context, hold, model, finding);
	if (hold->end_ns == hold->start_ns)
		return finding_evidence(finding, "the kernel's events do not tell one such lock from another; "
						 "it woke waiters out of a release");
	if (!hold->still_open && hold->first_woken && hold->by_call)
		return finding_evidence(finding,
					"it woke waiter %" PRId32 " (%s) at %s by a futex call on the lock's address",
					hold->first_woken->tid, hold->first_woken->comm,
					model_time_text(model, hold->end_ns - context->start_ns).text);
	if (!hold->still_open && hold->first_woken && hold->stack_id == STACK_NONE)
		return finding_evidence(finding,
					"it woke waiter %" PRId32 " (%s) at %s; that it did so by letting the "
					"lock go is likely, its stack then was not recorded",
					hold->first_woken->tid, hold->first_woken->comm,
					model_time_text(model, hold->end_ns - context->start_ns).text);
	if (hold->still_open && suspect->class == WAIT_LOCK_USER)
		return finding_evidence(
			finding, "no release was seen before the recording ended; %s",
			hold->start_exact ? "it was the last one to be woken by a release, and letting the "
					    "lock go would have woken another"
					  : "the value in the lock names it as the owner");
	if (suspect->owner.named_ns && (hold->still_open || !hold->first_woken))
		return finding_evidence(finding, "no release was seen before the recording ended");
	if (hold->still_open || !hold->first_woken)
		return finding_evidence(
			finding,
			"no release was seen before the recording ended; of the threads of "
			"the process it alone was inside an address-space operation");
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < sizeof(releases) / sizeof(*releases); j++)
			if (frames[i].symbol && !strcmp(frames[i].symbol, releases[j]))
				function = releases[j];
	return finding_evidence(finding, "it woke waiter %" PRId32 " (%s) out of %s at %s",
				hold->first_woken->tid, hold->first_woken->comm, function,
				model_time_text(model, hold->end_ns - context->start_ns).text);
}

static int call_evidence(const struct detect_context *context, const struct contended_lock *suspect,
			 const struct large_call *call, const struct model *model,
			 struct model_finding *finding)
{
	const struct lock_hold *hold = &suspect->owner.longest;

	if (!call)
		return 0;
	return finding_evidence(
		finding,
		"it entered %s at %s, %s before the hold ended, and was not seen outside "
		"the call in between",
		large_calls_name(call->call),
		model_time_text(model, call->time_ns - context->start_ns).text,
		human_duration(hold->end_ns - call->time_ns).text);
}

/* What the kernel's log said, which is the kernel's own word. */
static int log_evidence(const struct detect_context *context, const struct contended_lock *suspect,
			const struct model *model, struct model_finding *finding)
{
	const struct lock_owner *holder = &suspect->holder;

	if (!holder->named_ns)
		return 0;
	if (holder->named_ns < context->start_ns)
		return finding_evidence(
			finding,
			"the kernel's hung-task detector named thread %" PRId32 " (%s) as the lock's owner "
			"%s before the recording began",
			holder->thread->tid, holder->thread->comm,
			human_duration(context->start_ns - holder->named_ns).text);
	return finding_evidence(finding,
				"the kernel's hung-task detector named thread %" PRId32
				" (%s) as the lock's owner at %s",
				holder->thread->tid, holder->thread->comm,
				model_time_text(model, holder->named_ns - context->start_ns).text);
}

/* Why nobody is named, and who is the best candidate. */
static int nobody_evidence(const struct contended_lock *suspect, struct model_finding *finding)
{
	const struct lock_owner *candidate = &suspect->candidate;

	if (!candidate->thread)
		return finding_evidence(finding, "no thread was seen to let the lock go to a waiter");
	if (candidate->blamed_ns * 100 < suspect->wait_ns)
		return finding_evidence(finding, "%s of the wait is charged to nobody",
					human_share(suspect->nobody_ns, suspect->wait_ns).text);
	return finding_evidence(finding,
				"%s of the wait is charged to nobody; the most that is charged to one thread "
				"is %s, to %" PRId32 " (%s)",
				human_share(suspect->nobody_ns, suspect->wait_ns).text,
				human_share(candidate->blamed_ns, suspect->wait_ns).text,
				candidate->thread->tid, candidate->thread->comm);
}

int lock_convoy_evidence(const struct detect_context *context, const struct contended_lock *suspect,
		    const struct large_call *call, const struct model *model,
		    struct model_finding *finding)
{
	const struct span_summary *story = &suspect->hold_summary;
	int r = 0;

	if (!suspect->has_owner) {
		r = nobody_evidence(suspect, finding);
		return r ? r : unnamed_evidence(context, suspect, finding);
	}
	if (!suspect->link_count || suspect->links_of_others ||
	    suspect->owner.longest.stack_id != STACK_NONE || suspect->owner.longest.by_call)
		r = release_evidence(context, suspect, model, finding);
	if (!r)
		r = log_evidence(context, suspect, model, finding);
	if (!r && suspect->in_slices)
		r = finding_evidence(finding,
				     "they waited with timeouts, again and again, and nobody was woken "
				     "until then; who was woken woke the next, as with a lock");
	if (!r)
		r = lock_convoy_cause_evidence(suspect, model, finding);
	if (!r && lock_convoy_held_again_and_again(suspect, model))
		r = finding_evidence(finding,
				     "it took the lock again and again, %" PRIu32
				     " times for more than 1 ms: those who waited did so for %s of the stall",
				     suspect->owner.holds,
				     human_share(finding->blocked_ns,
						 suspect->victim_count * lock_convoy_stall_ns(model)).text);
	if (!r)
		r = call_evidence(context, suspect, call, model, finding);
	if (!r && story->under)
		r = finding_evidence(finding,
				     "%" PRIu32 " of %" PRIu32
				     " CPU samples of it in the hold are under %s",
				     story->samples_under, story->samples, story->under);
	if (!r && suspect->gaps)
		r = finding_evidence(finding,
				     "%s event%s lost during the hold, so the grade is lower",
				     suspect->lost_records ? human_count(suspect->lost_records).text
							   : "an unknown number of",
				     suspect->lost_records == 1 ? " was" : "s were");
	return r;
}
