/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/findings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/finding.h"
#include "analyzer/findings_why.h"
#include "analyzer/human.h"

/* An allocation is behind a hold if its call began at most this long before it. */
#define CALL_BEFORE_HOLD_NS 1000000000u

/* From this share of the waits' time on that releases prove, the charge is strong. */
#define STRONG_PERCENT 50u

/* A futex wait this long may have been one for a lock, and then it would have hurt. */
#define FUTEX_DOUBT_NS 200000000u

/* "mmap_lock", "an inode lock", "a mutex (rtnl)" ... */
static void lock_text(const struct findings_context *context, const struct suspect *suspect,
		      char *text, size_t text_bytes)
{
	static const char *const names[WAIT_CLASSES] = {
		[WAIT_LOCK_MMAP] = "mmap_lock",		[WAIT_LOCK_RWSEM] = "a kernel rwsem",
		[WAIT_LOCK_MUTEX] = "a kernel mutex",	[WAIT_LOCK_FUTEX] = "a futex",
		[WAIT_LOCK_PERCPU] = "a per-CPU rwsem", [WAIT_LOCK_INODE] = "an inode's lock",
		[WAIT_LOCK_FILE] = "a file lock",	[WAIT_LOCK_USER] = "a lock of the program",
	};
	const struct stack_fact *fact = stackfacts_get(context->stackfacts, suspect->wait_stack_id);
	const char *name = names[suspect->class] ? names[suspect->class] : "a lock";
	const char *detail = fact ? fact->uninterruptible.detail : NULL;

	if (suspect->class == WAIT_LOCK_USER)
		snprintf(text, text_bytes, "the program's lock 0x%" PRIx64, suspect->address);
	else if (detail && suspect->class != WAIT_LOCK_MMAP)
		snprintf(text, text_bytes, "%s (%s)", name, detail);
	else
		snprintf(text, text_bytes, "%s", name);
}

static enum grade grade_of(const struct suspect *suspect)
{
	const struct lock_owner *owner = &suspect->owner;
	uint64_t proven_ns = owner->blamed_ns - owner->plausible_ns;

	if (!suspect->has_owner)
		return GRADE_UNKNOWN;
	if (suspect->gaps || proven_ns * 100 < suspect->wait_ns * STRONG_PERCENT)
		return GRADE_PLAUSIBLE;
	return suspect->link_count || owner->exact_ns * 100 < suspect->wait_ns * STRONG_PERCENT
		       ? GRADE_STRONG
		       : GRADE_EXACT;
}

/* What lasted longer than it was recorded, or perhaps not as long. */
static const char *bound_text(const struct model *model)
{
	if (model->stall.end_doubtful)
		return "at most ";
	return model->stall.began_before || model->stall.still_open || model->stall.end_lost
		       ? "at least "
		       : "";
}

/* Since when it held the lock is not known, but that it was before the recording. */
static bool began_before(const struct findings_context *context, const struct lock_hold *hold)
{
	return !hold->start_exact && hold->end_ns > hold->start_ns &&
	       hold->start_ns <= context->start_ns;
}

static bool hold_lasted_longer(const struct findings_context *context, const struct lock_hold *hold)
{
	return hold->still_open || began_before(context, hold);
}

static void fill_culprit(const struct findings_context *context, const struct suspect *suspect,
			 const struct call *call, struct model_finding *finding)
{
	const struct lock_hold *hold = &suspect->owner.longest;
	const struct hold_story *story = &suspect->story;
	struct model_culprit *culprit = &finding->culprit;
	const struct thread *thread = suspect->owner.thread;

	finding->has_culprit = true;
	*culprit = (struct model_culprit){
		.tid = thread->tid,
		.tgid = thread->tgid,
		.comm = thread->comm,
		.hold_start_ns =
			hold->start_ns > context->start_ns ? hold->start_ns - context->start_ns : 0,
		.hold_ns = hold->end_ns - hold->start_ns,
		.hold_began_before = began_before(context, hold),
		.hold_still_open = hold->still_open,
		.running_ns = story->state_ns[THREAD_RUNNING],
		.runnable_ns = story->state_ns[THREAD_RUNNABLE],
		.blocked_ns = story->state_ns[THREAD_BLOCKED],
		.samples = story->samples,
		.samples_in_stack = story->samples_under,
	};
	culprit->stack =
		finding_stack(context->stacks,
			      story->stack_id != STACK_NONE ? story->stack_id : hold->stack_id,
			      true);
	culprit->user_stack =
		finding_stack(context->stacks, call ? call->stack_id : story->stack_id, false);
	if (!culprit->user_stack.count)
		culprit->user_stack = finding_stack(context->stacks, story->stack_id, false);
}

static int fill_allocation(const struct findings_context *context, const struct call *call,
			   struct model_finding *finding, bool *ret_grows)
{
	*ret_grows = false;
	if (!call)
		return 0;
	finding->has_allocation = true;
	finding->allocation = (struct model_allocation){
		.syscall = calls_name(call->call),
		.bytes = call->bytes,
		.at_ns = call->time_ns > context->start_ns ? call->time_ns - context->start_ns : 0,
	};
	return calls_growth(context->calls, call, &finding->pattern, ret_grows);
}

/* Whether a function whose name has @part in it is in the stack. */
static bool stack_has(const struct findings_context *context, uint32_t stack_id, const char *part)
{
	struct model_stack stack = finding_stack(context->stacks, stack_id, true);

	for (size_t i = 0; i < stack.count; i++)
		if (stack.frames[i].symbol && strstr(stack.frames[i].symbol, part))
			return true;
	return false;
}

/* What the culprit was doing, for the end of "Thread 1 (x) held mmap_lock for 2 s ". */
static int while_text(const struct findings_context *context, const struct suspect *suspect,
		      const struct call *call, const struct hold_story *story, bool many,
		      char **ret_text)
{
	const struct stack_fact *fact =
		stackfacts_get(context->stackfacts, story->stack_id != STACK_NONE
							    ? story->stack_id
							    : suspect->owner.longest.stack_id);
	bool populates;

	if (!fact)
		return -ENOMEM;
	populates = stack_has(context, story->stack_id, "populate");
	if (call && call->call == FT_CALL_MLOCKALL)
		return finding_text(ret_text, "%s while it locked all its memory in one mlockall call",
				    many ? ", that one" : "");
	if (call)
		return finding_text(ret_text, "%s while it %s %s in one %s call",
				    many ? ", that one" : "",
				    call->call == FT_CALL_MUNMAP     ? "unmapped"
				    : call->call == FT_CALL_MPROTECT ? "changed the protection of"
				    : call->call == FT_CALL_MADVISE  ? "gave advice on"
				    : call->call == FT_CALL_MREMAP   ? "remapped"
				    : call->call == FT_CALL_MLOCK    ? "locked into memory"
				    : call->call == FT_CALL_MUNLOCK  ? "unlocked from memory"
				    : populates			     ? "mapped and populated"
								     : "mapped",
				    human_bytes(call->bytes).text, calls_name(call->call));
	if (*fact->operation)
		return finding_text(ret_text, " in %s", fact->operation);
	return finding_text(ret_text, "%s", "");
}

/* The culprit held no lock that most waited for, but one that its holder needed. */
static int linked_summary(const struct findings_context *context, const struct suspect *suspect,
			  const char *lock, struct model_finding *finding)
{
	const struct lock_owner *owner = &suspect->owner;
	const struct thread *holder = suspect->holder.thread;

	return finding_text(&finding->summary,
			    "Thread %" PRId32 " (%s) held up %zu threads for %s%s, which lost %s. Most waited "
			    "for %s; thread %" PRId32 " (%s) held that, and waited for %s. %s of the time is "
			    "charged to it.",
			    owner->thread->tid, owner->thread->comm, suspect->victim_count,
			    hold_lasted_longer(context, &owner->longest) ? "at least " : "",
			    human_duration(owner->longest.end_ns - owner->longest.start_ns).text,
			    human_duration(finding->blocked_ns).text, lock, holder->tid, holder->comm,
			    suspect->link_count == 1 ? "it" : "others that waited for it",
			    human_share(owner->blamed_ns, suspect->wait_ns).text);
}

static uint64_t stall_ns(const struct model *model)
{
	return model->stall.end_ns - model->stall.start_ns;
}

/* Not one hold made the stall but many, none of them half as long as it. */
static bool held_again_and_again(const struct suspect *suspect, const struct model *model)
{
	const struct lock_hold *hold = &suspect->owner.longest;

	return suspect->owner.holds > 1 && (hold->end_ns - hold->start_ns) * 2 < stall_ns(model);
}

/* "for 2.00 s", "14 times, the longest for 190 ms" */
static struct human held_text(const struct findings_context *context, const struct suspect *suspect,
			      const struct model *model)
{
	const struct lock_hold *hold = &suspect->owner.longest;
	struct human text, length = human_duration(hold->end_ns - hold->start_ns);

	if (held_again_and_again(suspect, model))
		snprintf(text.text, sizeof(text.text), "%" PRIu32 " times, the longest for %.16s",
			 suspect->owner.holds, length.text);
	else
		snprintf(text.text, sizeof(text.text), "for %s%.16s",
			 hold_lasted_longer(context, hold) ? "at least " : "", length.text);
	return text;
}

static int fill_summary(const struct findings_context *context, const struct suspect *suspect,
			const struct call *call, const char *lock, const struct model *model,
			struct model_finding *finding)
{
	const struct lock_owner *owner = &suspect->owner;
	const struct lock_hold *hold = &owner->longest;
	size_t direct = suspect->victim_count - suspect->indirect_count;
	char *doing = NULL, *indirect = NULL;
	int r;

	if (!suspect->has_owner)
		return finding_text(&finding->summary,
				    "%zu %s waited %s%s for %s. Who held it is not in the capture%s.",
				    suspect->victim_count,
				    suspect->victim_count == 1 ? "thread" : "threads", bound_text(model),
				    human_duration(finding->blocked_ns).text, lock,
				    suspect->candidate.thread
					    ? ": most of the wait cannot be charged to anybody"
					    : "");
	if (suspect->link_count && !suspect->links_of_others)
		return linked_summary(context, suspect, lock, finding);
	if (hold->end_ns == hold->start_ns)
		return finding_text(&finding->summary,
				    "%zu %s waited %s for %s. %s of it was ended by thread %" PRId32
				    " (%s); since when it held the lock is not known.",
				    suspect->victim_count,
				    suspect->victim_count == 1 ? "thread" : "threads",
				    human_duration(finding->blocked_ns).text, lock,
				    human_share(owner->blamed_ns, suspect->wait_ns).text,
				    owner->thread->tid, owner->thread->comm);
	r = while_text(context, suspect, call, &suspect->story, held_again_and_again(suspect, model),
		       &doing);
	if (!r && suspect->indirect_ns)
		r = finding_text(&indirect,
				 " %zu more waited %s for locks that those held meanwhile.",
				 suspect->indirect_count, human_duration(suspect->indirect_ns).text);
	if (r) {
		free(doing);
		return r;
	}
	r = finding_text(&finding->summary,
			 "Thread %" PRId32 " (%s) %s %s %s%s. %zu %s waited %s%s for it; "
			 "%s of %s wait is charged to it.%s",
			 owner->thread->tid, owner->thread->comm,
			 !hold->still_open ? "held"
			 : hold->exact	   ? "has held"
			 : owner->exact_ns ? "holds"
					   : "seems to hold",
			 lock,
			 held_text(context, suspect, model).text, doing,
			 direct, direct == 1 ? "thread" : "threads", bound_text(model),
			 human_duration(finding->blocked_ns - suspect->indirect_ns).text,
			 human_share(owner->blamed_ns, suspect->wait_ns).text,
			 direct == 1 ? "its" : "their", indirect ? indirect : "");
	free(doing);
	free(indirect);
	return r;
}

/* The kernel's own events tell of the hold. */
static int told_evidence(const struct findings_context *context, const struct lock_hold *hold,
			 const struct model *model, struct model_finding *finding)
{
	struct human start = finding_moment(model, hold->start_ns - context->start_ns);

	if (hold->still_open)
		return finding_evidence(finding,
					"the kernel's events of the lock say that it acquired it at %s, and "
					"not that it released it before the recording ended",
					start.text);
	if (!hold->mode_known)
		return finding_evidence(
			finding,
			"the kernel's events of the lock say that it released it at %s while others waited",
			finding_moment(model, hold->end_ns - context->start_ns).text);
	return finding_evidence(
		finding,
		"the kernel's events of the lock say that it acquired it at %s and released it at %s",
		start.text, finding_moment(model, hold->end_ns - context->start_ns).text);
}

/* Of an flock() the kernel tells who called it, and not who else has the file open. */
static int listed_evidence(const struct findings_context *context, const struct suspect *suspect,
			   const struct model *model, struct model_finding *finding)
{
	const struct listed_wait *wait = listed_open(context->listed, suspect->address);
	const char *also = wait->kind == FT_FILELOCK_FLOCK
				   ? "; a child that inherited the open file has the lock as well"
				   : "";

	return finding_evidence(finding,
				"/proc/locks listed process %" PRId32
				" as the one that took the lock of file %s when it was read at %s, while "
				"others waited for it until the recording ended%s",
				wait->holder, listed_text(context->listed, suspect->address),
				finding_moment(model, wait->seen_ns - context->start_ns).text, also);
}

/* Why nobody is named although the list named a process, or could not. */
static int unnamed_evidence(const struct findings_context *context, const struct suspect *suspect,
			    struct model_finding *finding)
{
	const struct listed_wait *wait =
		suspect->class == WAIT_LOCK_FILE ? listed_open(context->listed, suspect->address) : NULL;

	if (!wait)
		return 0;
	if (!wait->holder)
		return finding_evidence(finding,
					"/proc/locks does not tell who has the lock of file %s: it is one of "
					"an open file (OFD)",
					listed_text(context->listed, suspect->address));
	return finding_evidence(finding,
				"/proc/locks listed process %" PRId32
				" as the one that took the lock of file %s, and not which of its threads "
				"did",
				wait->holder, listed_text(context->listed, suspect->address));
}

/* The release that ended the longest hold: function, time, and whom it woke. */
static int release_evidence(const struct findings_context *context, const struct suspect *suspect,
			    const struct model *model, struct model_finding *finding)
{
	const struct lock_hold *hold = &suspect->owner.longest;
	const struct frame *frames = NULL;
	size_t count = stacks_frames(context->stacks, hold->stack_id, &frames);
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
	    listed_open(context->listed, suspect->address))
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
					finding_moment(model, hold->end_ns - context->start_ns).text);
	if (!hold->still_open && hold->first_woken && hold->stack_id == STACK_NONE)
		return finding_evidence(finding,
					"it woke waiter %" PRId32 " (%s) at %s; that it did so by letting the "
					"lock go is likely, its stack then was not recorded",
					hold->first_woken->tid, hold->first_woken->comm,
					finding_moment(model, hold->end_ns - context->start_ns).text);
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
				finding_moment(model, hold->end_ns - context->start_ns).text);
}

static int call_evidence(const struct findings_context *context, const struct suspect *suspect,
			 const struct call *call, const struct model *model,
			 struct model_finding *finding)
{
	const struct lock_hold *hold = &suspect->owner.longest;

	if (!call)
		return 0;
	return finding_evidence(
		finding,
		"it entered %s at %s, %s before the hold ended, and was not seen outside "
		"the call in between",
		calls_name(call->call),
		finding_moment(model, call->time_ns - context->start_ns).text,
		human_duration(hold->end_ns - call->time_ns).text);
}

/* What the kernel's log said, which is the kernel's own word. */
static int log_evidence(const struct findings_context *context, const struct suspect *suspect,
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
				finding_moment(model, holder->named_ns - context->start_ns).text);
}

/* Why nobody is named, and who is the best candidate. */
static int nobody_evidence(const struct suspect *suspect, struct model_finding *finding)
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

static int fill_evidence(const struct findings_context *context, const struct suspect *suspect,
			 const struct call *call, const struct model *model,
			 struct model_finding *finding)
{
	const struct hold_story *story = &suspect->story;
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
		r = findings_why_evidence(suspect, model, finding);
	if (!r && held_again_and_again(suspect, model))
		r = finding_evidence(finding,
				     "it took the lock again and again, %" PRIu32
				     " times for more than 1 ms: those who waited did so for %s of the stall",
				     suspect->owner.holds,
				     human_share(finding->blocked_ns,
						 suspect->victim_count * stall_ns(model)).text);
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

static const char *advice_for_call(const struct call *call, bool pattern, bool grows)
{
	switch (call->call) {
	case FT_CALL_MMAP:
	case FT_CALL_MREMAP:
		if (grows)
			return "Size the table for its final load at start-up, or split it into shards that "
			       "grow apart. If memory must be populated, do it in slices with pauses "
			       "between them, outside the serving threads.";
		if (pattern)
			return "If a table grows here, size it for its final load at start-up, or split it "
			       "into shards that grow apart. If memory must be populated (MAP_POPULATE, "
			       "mlockall), do it in slices with pauses between them, outside the serving threads.";
		return "Allocate at start-up, or in slices of some megabytes with pauses between them; populate memory "
		       "(MAP_POPULATE, mlockall) outside the serving process or before it serves.";
	case FT_CALL_MUNMAP:
		return "Give memory back in slices of some megabytes with pauses between them, or keep it for later use.";
	case FT_CALL_MLOCK:
	case FT_CALL_MLOCKALL:
		return "Lock memory at start-up, or in slices of some megabytes with pauses between them, outside the serving "
		       "threads; MLOCK_ONFAULT (MCL_ONFAULT) brings pages in when they are used.";
	case FT_CALL_MUNLOCK:
		return "Unlock memory in slices of some megabytes with pauses between them, or leave it locked.";
	case FT_CALL_MPROTECT:
		return "Change the protection of smaller ranges with pauses between them, or set it once at start-up.";
	default:
		return "Give the advice on smaller ranges, with a pause between them.";
	}
}

static const char *advice_for_lock(const struct suspect *suspect, bool lossy)
{
	if (!suspect->has_owner && lossy)
		return "Look for another capture of the same freeze: events are missing from this one, and with "
		       "them who let the lock go.";
	if (!suspect->has_owner && suspect->class != WAIT_LOCK_FILE)
		return "Record a longer time, so that the end of the stall is in the capture: the release of "
		       "the lock tells who held it.";
	if (suspect->class == WAIT_LOCK_MMAP)
		return "Look at what the holder's stack does to the address space: make it smaller, rarer, or "
		       "move it out of the serving process.";
	if (suspect->class == WAIT_LOCK_USER)
		return "Look at what the holder does with the lock held: move what sleeps, waits or computes out "
		       "of the critical section, or split the lock.";
	if (suspect->class == WAIT_LOCK_FILE)
		return "lslocks tells which process holds the lock of which file while it is held.";
	return "Look at what the holder's stack does under the lock; fewer or shorter calls of it, or "
	       "spreading them over other files or objects, shorten the wait.";
}

static int fill_advice(const struct suspect *suspect, const struct call *call, bool grows,
		       bool lossy, struct model_finding *finding)
{
	const struct lock_hold *hold = &suspect->owner.longest;
	bool starved = suspect->story.state_ns[THREAD_RUNNABLE] * 2 > hold->end_ns - hold->start_ns;

	return finding_text(&finding->advice, "%s%s",
			    suspect->has_owner && starved && hold->end_ns > hold->start_ns
				    ? "The holder itself waited for a CPU for most of that time: give it "
				      "more CPU, or the others less. "
				    : "",
			    call ? advice_for_call(call, finding->pattern, grows)
				 : advice_for_lock(suspect, lossy));
}

int findings_convoy(const struct findings_context *context, const struct suspect *suspect,
		    struct model *model)
{
	bool mmap_lock = suspect->class == WAIT_LOCK_MMAP;
	const struct lock_hold *hold = &suspect->owner.longest, *held = &suspect->holder.longest;
	const struct call *call = NULL;
	struct model_finding *finding;
	char lock[96];
	bool grows;
	int r;

	finding = finding_append(model, mmap_lock			      ? FINDING_MMAP_LOCK_CONVOY
					: suspect->class == WAIT_LOCK_USER ? FINDING_FUTEX_CONVOY
									   : FINDING_KERNEL_LOCK_CONVOY);
	if (!finding)
		return -ENOMEM;
	if (mmap_lock && suspect->has_owner)
		call = calls_behind(context->calls, suspect->owner.thread,
				    hold->start_ns > CALL_BEFORE_HOLD_NS
					    ? hold->start_ns - CALL_BEFORE_HOLD_NS
					    : 0,
				    hold->start_ns + (hold->end_ns - hold->start_ns) / 2);
	lock_text(context, suspect, lock, sizeof(lock));
	finding->grade = grade_of(suspect);
	finding->has_lock = true;
	finding->lock = (struct model_lock_ref){
		.class = suspect->class,
		.address = suspect->address,
		.tgid = suspect->tgid,
		.mode = !suspect->has_owner || suspect->class == WAIT_LOCK_USER ||
					(!held->mode_known && (held->still_open || held->stack_id == STACK_NONE))
				? LOCK_MODE_NONE
			: held->released_read ? LOCK_MODE_READ
					      : LOCK_MODE_WRITE,
	};
	if (suspect->has_owner)
		fill_culprit(context, suspect, call, finding);
	r = finding_victims(finding, suspect->victims, suspect->victim_count, context->start_ns);
	if (!r)
		r = findings_why(context, suspect, finding);
	if (!r)
		r = fill_allocation(context, call, finding, &grows);
	if (!r)
		r = fill_summary(context, suspect, call, lock, model, finding);
	if (!r)
		r = fill_evidence(context, suspect, call, model, finding);
	if (!r)
		r = fill_advice(suspect, call, grows, model->coverage.gap_count, finding);
	return r;
}

/* Futex waits are taken to be for work, since the kernel's events cannot tell; unknown time may hide anything. */
static bool doubtful(const struct model *model)
{
	uint64_t target_ns = model->capture.duration_ns * (model->capture.target_threads ?: 1);

	for (size_t i = 0; i < model->wait_count; i++)
		if (model->waits[i].class == WAIT_LOCK_FUTEX &&
		    model->waits[i].max_ns > model->stall.longest_ns &&
		    model->waits[i].max_ns >= FUTEX_DOUBT_NS)
			return true;
	return model->coverage.unknown_ns * 10 > target_ns;
}

static const char *no_stall_advice(const struct model *model)
{
	if (model->stall.failed_at_once)
		return "The probe failed without delay: is the service down, or does the probe ask the "
		       "wrong address or the wrong thing? Ask the same by hand.";
	if (model->stall.unexplained)
		return "Look at what its threads did at that time: idle waits, below, may be for an answer "
		       "from elsewhere (a back end, a resolver) or sleeps in a row; or the work is done by a "
		       "process that is not the target.";
	return "If users saw a freeze, it was at another time, in another process, or one thread ran "
	       "or slept by itself while others waited for it: look at the threads below, and record "
	       "while it happens.";
}

int findings_no_stall(struct model *model)
{
	struct model_finding *finding = finding_append(model, FINDING_NO_STALL);
	const struct model_doubt *doubt = &model->doubt;
	bool lossy = model->coverage.lost_events || model->coverage.gap_count;
	char longest[120] = "";
	int r;

	if (!finding)
		return -ENOMEM;
	finding->grade = lossy || !model->capture.complete ? GRADE_PLAUSIBLE : GRADE_STRONG;
	if (doubtful(model) || model->stall.unexplained || model->doubt.threads)
		finding->grade = GRADE_PLAUSIBLE;
	if (model->stall.longest_ns)
		snprintf(longest, sizeof(longest), " The longest such wait was %s (%s, thread %" PRId32 ").",
			 human_duration(model->stall.longest_ns).text,
			 wait_class_name(model->stall.longest_class), model->stall.longest_tid);
	r = finding_text(&finding->summary,
			 "%s no thread waited%s for a kernel lock, a device, memory or a CPU%s.%s",
			 model->stall.unexplained ? "Somebody waited for an answer, and yet"
			 : model->doubt.threads	  ? "Whether anything froze is not certain:"
						  : "Nothing froze:",
			 *longest ? " long" : "",
			 model->stall.unexplained ? ", as far as these events tell" : "", longest);
	if (r)
		return r;
	if (doubt->threads)
		r = finding_evidence(finding,
				     "%zu threads stood still at futex 0x%" PRIx64 " for up to %s; "
				     "see \"cannot say\"",
				     doubt->threads, doubt->address,
				     human_duration(doubt->longest_ns).text);
	return r ? r : finding_text(&finding->advice, "%s", no_stall_advice(model));
}
