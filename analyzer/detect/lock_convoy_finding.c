/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/detect/lock_convoy_finding.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/detect/lock_convoy.h"
#include "analyzer/detect/finding.h"
#include "analyzer/detect/lock_convoy_cause.h"
#include "analyzer/util/human.h"

/* An allocation is behind a hold if its call began at most this long before it. */
#define CALL_BEFORE_HOLD_NS 1000000000u

/* From this share of the waits' time on that releases prove, the charge is strong. */
#define STRONG_PERCENT 50u

/* A futex wait this long may have been one for a lock, and then it would have hurt. */
#define FUTEX_DOUBT_NS 200000000u

/* "mmap_lock", "an inode lock", "a mutex (rtnl)" ... */
static void lock_text(const struct detect_context *context, const struct contended_lock *suspect,
		      char *text, size_t text_bytes)
{
	static const char *const names[WAIT_CLASSES] = {
		[WAIT_LOCK_MMAP] = "mmap_lock",		[WAIT_LOCK_RWSEM] = "a kernel rwsem",
		[WAIT_LOCK_MUTEX] = "a kernel mutex",	[WAIT_LOCK_FUTEX] = "a futex",
		[WAIT_LOCK_PERCPU] = "a per-CPU rwsem", [WAIT_LOCK_INODE] = "an inode's lock",
		[WAIT_LOCK_FILE] = "a file lock",	[WAIT_LOCK_USER] = "a lock of the program",
	};
	const struct stack_info *fact = stack_infos_get(context->stack_infos, suspect->wait_stack_id);
	const char *name = names[suspect->class] ? names[suspect->class] : "a lock";
	const char *detail = fact ? fact->uninterruptible.detail : NULL;

	if (suspect->class == WAIT_LOCK_USER)
		snprintf(text, text_bytes, "the program's lock 0x%" PRIx64, suspect->address);
	else if (detail && suspect->class != WAIT_LOCK_MMAP)
		snprintf(text, text_bytes, "%s (%s)", name, detail);
	else
		snprintf(text, text_bytes, "%s", name);
}

static enum grade grade_of(const struct contended_lock *suspect)
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
static bool began_before(const struct detect_context *context, const struct lock_hold *hold)
{
	return !hold->start_exact && hold->end_ns > hold->start_ns &&
	       hold->start_ns <= context->start_ns;
}

static bool hold_lasted_longer(const struct detect_context *context, const struct lock_hold *hold)
{
	return hold->still_open || began_before(context, hold);
}

static void fill_culprit(const struct detect_context *context, const struct contended_lock *suspect,
			 const struct large_call *call, struct model_finding *finding)
{
	const struct lock_hold *hold = &suspect->owner.longest;
	const struct span_summary *story = &suspect->hold_summary;
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

static int fill_allocation(const struct detect_context *context, const struct large_call *call,
			   struct model_finding *finding, bool *ret_grows)
{
	*ret_grows = false;
	if (!call)
		return 0;
	finding->has_allocation = true;
	finding->allocation = (struct model_allocation){
		.syscall = large_calls_name(call->call),
		.bytes = call->bytes,
		.at_ns = call->time_ns > context->start_ns ? call->time_ns - context->start_ns : 0,
	};
	return large_calls_growth(context->calls, call, &finding->pattern, ret_grows);
}

/* Whether a function whose name has @part in it is in the stack. */
static bool stack_has(const struct detect_context *context, uint32_t stack_id, const char *part)
{
	struct model_stack stack = finding_stack(context->stacks, stack_id, true);

	for (size_t i = 0; i < stack.count; i++)
		if (stack.frames[i].symbol && strstr(stack.frames[i].symbol, part))
			return true;
	return false;
}

/* What the culprit was doing, for the end of "Thread 1 (x) held mmap_lock for 2 s ". */
static int while_text(const struct detect_context *context, const struct contended_lock *suspect,
		      const struct large_call *call, const struct span_summary *story, bool many,
		      char **ret_text)
{
	const struct stack_info *fact =
		stack_infos_get(context->stack_infos, story->stack_id != STACK_NONE
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
				    human_bytes(call->bytes).text, large_calls_name(call->call));
	if (*fact->operation)
		return finding_text(ret_text, " in %s", fact->operation);
	return finding_text(ret_text, "%s", "");
}

/* The culprit held no lock that most waited for, but one that its holder needed. */
static int linked_summary(const struct detect_context *context, const struct contended_lock *suspect,
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

/* "for 2.00 s", "14 times, the longest for 190 ms" */
static struct human held_text(const struct detect_context *context, const struct contended_lock *suspect,
			      const struct model *model)
{
	const struct lock_hold *hold = &suspect->owner.longest;
	struct human text, length = human_duration(hold->end_ns - hold->start_ns);

	if (lock_convoy_held_again_and_again(suspect, model))
		snprintf(text.text, sizeof(text.text), "%" PRIu32 " times, the longest for %.16s",
			 suspect->owner.holds, length.text);
	else
		snprintf(text.text, sizeof(text.text), "for %s%.16s",
			 hold_lasted_longer(context, hold) ? "at least " : "", length.text);
	return text;
}

static int fill_summary(const struct detect_context *context, const struct contended_lock *suspect,
			const struct large_call *call, const char *lock, const struct model *model,
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
	r = while_text(context, suspect, call, &suspect->hold_summary, lock_convoy_held_again_and_again(suspect, model),
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

int lock_convoy_finding(const struct detect_context *context, const struct contended_lock *suspect,
		    struct model *model)
{
	bool mmap_lock = suspect->class == WAIT_LOCK_MMAP;
	const struct lock_hold *hold = &suspect->owner.longest, *held = &suspect->holder.longest;
	const struct large_call *call = NULL;
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
		call = large_calls_behind(context->calls, suspect->owner.thread,
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
		r = lock_convoy_cause(context, suspect, finding);
	if (!r)
		r = fill_allocation(context, call, finding, &grows);
	if (!r)
		r = fill_summary(context, suspect, call, lock, model, finding);
	if (!r)
		r = lock_convoy_evidence(context, suspect, call, model, finding);
	if (!r)
		r = lock_convoy_advice(suspect, call, grows, model->coverage.gap_count, finding);
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

int no_stall_finding(struct model *model)
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
