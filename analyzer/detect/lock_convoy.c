/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many threads that wait for one lock, while somebody holds it. The findings are mmap-lock-convoy,
 * futex-convoy and kernel-lock-convoy.
 */
#include "config.h"

#include "analyzer/detect/lock_convoy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/blame/root_cause.h"
#include "analyzer/detect/dead_owner.h"
#include "analyzer/detect/deadlock.h"
#include "analyzer/detect/finding.h"
#include "analyzer/detect/thresholds.h"
#include "analyzer/util/span.h"

/* "mmap_lock", "an inode lock", "a mutex (rtnl)" ... */
static void print_lock(const struct detect_context *context, const struct contended_lock *contended,
		       char *text, size_t text_bytes)
{
	static const char *const names[WAIT_CLASSES] = {
		[WAIT_LOCK_MMAP] = "mmap_lock",		[WAIT_LOCK_RWSEM] = "a kernel rwsem",
		[WAIT_LOCK_MUTEX] = "a kernel mutex",	[WAIT_LOCK_FUTEX] = "a futex",
		[WAIT_LOCK_PERCPU] = "a per-CPU rwsem", [WAIT_LOCK_INODE] = "an inode's lock",
		[WAIT_LOCK_FILE] = "a file lock",	[WAIT_LOCK_USER] = "a lock of the program",
	};
	const struct stack_info *fact =
		stack_infos_get(context->stack_infos, contended->wait_stack_id);
	const char *name = names[contended->class] ? names[contended->class] : "a lock";
	const char *detail = fact ? fact->uninterruptible.detail : NULL;

	if (contended->class == WAIT_LOCK_USER)
		snprintf(text, text_bytes, "the program's lock 0x%" PRIx64, contended->address);
	else if (detail && contended->class != WAIT_LOCK_MMAP)
		snprintf(text, text_bytes, "%s (%s)", name, detail);
	else
		snprintf(text, text_bytes, "%s", name);
}

static enum grade grade_lock(const struct contended_lock *contended)
{
	const struct lock_owner *owner = &contended->owner;
	uint64_t proven_ns = owner->blamed_ns - owner->plausible_ns;

	if (!contended->has_owner)
		return contended->gone ? GRADE_PLAUSIBLE : GRADE_UNKNOWN;
	if (contended->turns.found)
		return GRADE_PLAUSIBLE;
	if (contended->gaps || proven_ns * 100 < contended->wait_ns * LOCK_STRONG_PERCENT)
		return GRADE_PLAUSIBLE;
	return contended->link_count ||
			       owner->exact_ns * 100 < contended->wait_ns * LOCK_STRONG_PERCENT
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

static void fill_culprit(const struct detect_context *context,
			 const struct contended_lock *contended, const struct large_call *call,
			 struct model_finding *finding)
{
	const struct lock_hold *hold = &contended->owner.longest;
	const struct span_summary *did = &contended->hold_summary;
	bool known = did->stack_id != STACK_NONE;
	struct model_culprit *culprit =
		finding_culprit(context, contended->owner.thread, hold->start_ns, hold->end_ns,
				did->state_ns, known ? did->stack_id : hold->stack_id, finding);

	culprit->hold_began_before = began_before(context, hold);
	culprit->hold_still_open = hold->still_open;
	culprit->samples = did->samples;
	culprit->samples_in_stack = did->samples_under;
	culprit->user_stack =
		finding_stack(context->stacks, call ? call->stack_id : did->stack_id, false);
	if (!culprit->user_stack.count)
		culprit->user_stack = finding_stack(context->stacks, did->stack_id, false);
}

/* Return: whether other calls bear out that a table grows. */
static bool fill_allocation(const struct detect_context *context, const struct large_call *call,
			    struct model_finding *finding)
{
	bool grows = false;

	if (!call)
		return false;
	finding->has_allocation = true;
	finding->allocation = (struct model_allocation){
		.syscall = large_calls_name(call->call),
		.bytes = call->bytes,
		.at_ns = detect_since_start(context, call->time_ns),
	};
	if (large_calls_growth(context->calls, call, &finding->pattern, &grows))
		finding->incomplete = true;
	return grows;
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

/* The call populated memory without having been asked to: the kernel does so where it is locked. */
static bool populates_locked(const struct detect_context *context,
			     const struct contended_lock *contended, const struct large_call *call)
{
	return call && call->unasked &&
	       stack_has(context, contended->hold_summary.stack_id, "populate");
}

static const char *call_verb(const struct large_call *call, bool populates)
{
	switch (call->call) {
	case FT_CALL_MUNMAP:
		return "unmapped";
	case FT_CALL_MPROTECT:
		return "changed the protection of";
	case FT_CALL_MADVISE:
		return "gave advice on";
	case FT_CALL_MREMAP:
		return "remapped";
	case FT_CALL_MLOCK:
		return "locked into memory";
	case FT_CALL_MUNLOCK:
		return "unlocked from memory";
	default:
		return populates ? "mapped and populated" : "mapped";
	}
}

/* What the culprit was doing, for the end of "Thread 1 (x) held mmap_lock for 2 s ". */
static void print_while(const struct detect_context *context,
			const struct contended_lock *contended, const struct large_call *call,
			struct model_finding *finding, char *text, size_t text_bytes)
{
	const struct span_summary *did = &contended->hold_summary;
	const char *operation = finding_operation(
		context,
		did->stack_id != STACK_NONE ? did->stack_id : contended->owner.longest.stack_id,
		finding);
	const char *that =
		lock_convoy_held_again_and_again(contended, context->model) ? ", that one" : "";

	*text = '\0';
	if (call && call->call == FT_CALL_MLOCKALL)
		snprintf(text, text_bytes, "%s while it locked all its memory in one mlockall call",
			 that);
	else if (call)
		snprintf(text, text_bytes, "%s while it %s %s in one %s call", that,
			 call_verb(call, stack_has(context, did->stack_id, "populate")),
			 human_bytes(call->bytes).text, large_calls_name(call->call));
	else if (*operation)
		snprintf(text, text_bytes, " in %s", operation);
}

/* The culprit held no lock that most waited for, but one that its holder needed. */
static void summarize_links(const struct detect_context *context,
			    const struct contended_lock *contended, const char *lock,
			    struct model_finding *finding)
{
	const struct lock_owner *owner = &contended->owner;
	const struct thread *holder = contended->holder.thread;

	finding_text(
		&finding->summary,
		"Thread %" PRId32 " (%s) held up %zu threads for %s%s, which lost %s. Most waited "
		"for %s; thread %" PRId32 " (%s) held that, and waited for %s. %s of the time is "
		"charged to it.",
		owner->thread->tid, owner->thread->comm, contended->victim_count,
		hold_lasted_longer(context, &owner->longest) ? "at least " : "",
		human_duration(owner->longest.end_ns - owner->longest.start_ns).text,
		human_duration(finding->blocked_ns).text, lock, holder->tid, holder->comm,
		contended->link_count == 1 ? "it" : "others that waited for it",
		human_share(owner->blamed_ns, contended->wait_ns).text);
}

/* "for 2.00 s", "14 times, the longest for 190 ms" */
static struct human held_text(const struct detect_context *context,
			      const struct contended_lock *contended)
{
	const struct lock_hold *hold = &contended->owner.longest;
	struct human text, length = human_duration(hold->end_ns - hold->start_ns);

	if (lock_convoy_held_again_and_again(contended, context->model))
		snprintf(text.text, sizeof(text.text), "%" PRIu32 " times, the longest for %.16s",
			 contended->owner.holds, length.text);
	else
		snprintf(text.text, sizeof(text.text), "for %s%.16s",
			 hold_lasted_longer(context, hold) ? "at least " : "", length.text);
	return text;
}

/* Who held it, and who waited for that. */
static void summarize_hold(const struct detect_context *context,
			   const struct contended_lock *contended, const struct large_call *call,
			   const char *lock, struct model_finding *finding)
{
	const struct lock_owner *owner = &contended->owner;
	size_t direct = contended->victim_count - contended->indirect_count;
	char doing[256], indirect[128] = "";

	print_while(context, contended, call, finding, doing, sizeof(doing));
	if (contended->indirect_ns)
		snprintf(indirect, sizeof(indirect),
			 " %zu more waited %s for locks that those held meanwhile.",
			 contended->indirect_count, human_duration(contended->indirect_ns).text);
	finding_text(&finding->summary,
		     "Thread %" PRId32 " (%s) %s %s %s%s. %zu thread%s waited %s%s for it; %s of "
		     "%s wait is charged to it.%s",
		     owner->thread->tid, owner->thread->comm,
		     !owner->longest.still_open ? "held"
		     : owner->longest.exact	? "has held"
		     : owner->exact_ns		? "holds"
						: "seems to hold",
		     lock, held_text(context, contended).text, doing, direct,
		     finding_plural(direct), bound_text(context->model),
		     human_duration(finding->blocked_ns - contended->indirect_ns).text,
		     human_share(owner->blamed_ns, contended->wait_ns).text,
		     direct == 1 ? "its" : "their", indirect);
}

/* Nobody held it all the time. */
static void summarize_turns(const struct detect_context *context,
			    const struct contended_lock *contended, const char *lock,
			    struct model_finding *finding)
{
	const struct thread *last = contended->owner.thread;
	char others[LOCK_TURNS_OTHERS * 40] = "";
	size_t used = 0;

	for (size_t i = 0; i < contended->turns.other_count; i++)
		used += (size_t)snprintf(others + used, sizeof(others) - used,
					 ", %" PRId32 " (%.15s)", contended->turns.others[i]->tid,
					 contended->turns.others[i]->comm);
	finding_text(&finding->summary,
		     "%zu thread%s waited %s%s for %s. Nobody held it all that time: several had it "
		     "in turns or together, none for more than about %s; thread %" PRId32
		     " (%s) let it go last%s%s.",
		     contended->victim_count, finding_plural(contended->victim_count),
		     bound_text(context->model), human_duration(finding->blocked_ns).text, lock,
		     human_duration(contended->turns.longest_ns).text, last->tid, last->comm,
		     used ? "; who else has had it: " : "", used ? others + 2 : "");
}

static void fill_summary(const struct detect_context *context,
			 const struct contended_lock *contended, const struct large_call *call,
			 struct model_finding *finding)
{
	const struct lock_owner *owner = &contended->owner;
	const char *plural = finding_plural(contended->victim_count);
	char lock[96];

	print_lock(context, contended, lock, sizeof(lock));
	if (contended->gone)
		finding_text(&finding->summary,
			     "%zu thread%s waited %s%s for %s, and nobody let it go. Thread %" PRId32
			     " (%s) of process %" PRId32
			     " ended when they stopped: it may have held it.",
			     contended->victim_count, plural, bound_text(context->model),
			     human_duration(finding->blocked_ns).text, lock, contended->gone->tid,
			     contended->gone->comm, contended->gone->tgid);
	else if (!contended->has_owner)
		finding_text(
			&finding->summary,
			"%zu thread%s waited %s%s for %s. Who held it is not in the capture%s.",
			contended->victim_count, plural, bound_text(context->model),
			human_duration(finding->blocked_ns).text, lock,
			contended->candidate.thread
				? ": most of the wait cannot be charged to anybody"
				: "");
	else if (contended->turns.found)
		summarize_turns(context, contended, lock, finding);
	else if (contended->link_count && !contended->links_of_others)
		summarize_links(context, contended, lock, finding);
	else if (owner->longest.end_ns == owner->longest.start_ns)
		finding_text(&finding->summary,
			     "%zu thread%s waited %s for %s. %s of it was ended by thread %" PRId32
			     " (%s); since when it held the lock is not known.",
			     contended->victim_count, plural,
			     human_duration(finding->blocked_ns).text, lock,
			     human_share(owner->blamed_ns, contended->wait_ns).text,
			     owner->thread->tid, owner->thread->comm);
	else
		summarize_hold(context, contended, call, lock, finding);
}

/* The allocation behind the longest hold of mmap_lock; NULL. */
static const struct large_call *find_call(const struct detect_context *context,
					  const struct contended_lock *contended)
{
	const struct lock_hold *hold = &contended->owner.longest;

	if (contended->class != WAIT_LOCK_MMAP || !contended->has_owner)
		return NULL;
	return large_calls_behind(
		context->calls, contended->owner.thread,
		hold->start_ns > CALL_BEFORE_HOLD_NS ? hold->start_ns - CALL_BEFORE_HOLD_NS : 0,
		hold->start_ns + (hold->end_ns - hold->start_ns) * CALL_IN_HOLD_PERCENT / 100);
}

static enum lock_mode held_mode(const struct contended_lock *contended)
{
	const struct lock_hold *held = &contended->holder.longest;

	if (!contended->has_owner || contended->class == WAIT_LOCK_USER ||
	    (!held->mode_known && (held->still_open || held->stack_id == STACK_NONE)))
		return LOCK_MODE_NONE;
	return held->released_read ? LOCK_MODE_READ : LOCK_MODE_WRITE;
}

void lock_convoy_report(const struct detect_context *in, const void *found,
			struct model_finding *finding)
{
	const struct contended_lock *contended = found;
	const struct large_call *call = find_call(in, contended);
	bool grows;

	finding->kind = contended->gone			     ? FINDING_DEAD_OWNER
			: contended->class == WAIT_LOCK_MMAP ? FINDING_MMAP_LOCK_CONVOY
			: contended->class == WAIT_LOCK_USER ? FINDING_FUTEX_CONVOY
							     : FINDING_KERNEL_LOCK_CONVOY;
	finding->grade = grade_lock(contended);
	finding->has_lock = true;
	finding->lock = (struct model_lock_ref){ .class = contended->class,
						 .address = contended->address,
						 .tgid = contended->tgid,
						 .mode = held_mode(contended) };
	if (contended->has_owner && !contended->turns.found)
		fill_culprit(in, contended, call, finding);
	else if (contended->gone)
		finding_culprit(in, contended->gone,
				earlier(contended->victims[0].since_ns, contended->gone->died_ns),
				contended->gone->died_ns, NULL, STACK_NONE, finding);
	finding_victims(in, contended->victims, contended->victim_count, finding);
	lock_convoy_cause(in, contended, finding);
	grows = fill_allocation(in, call, finding);
	fill_summary(in, contended, call, finding);
	lock_convoy_evidence(in, contended, call, finding);
	if (populates_locked(in, contended, call))
		finding_evidence(finding, "%s",
				 call->call == FT_CALL_MMAP
					 ? "the call did not ask for its memory to be populated (no "
					   "MAP_POPULATE): the kernel does it because the process "
					   "has locked all that it maps, by mlockall(MCL_FUTURE)"
					 : "the kernel populates the new part because the mapping is "
					   "locked, by mlock() or mlockall(MCL_FUTURE)");
	lock_convoy_advice(in->model, contended, call, grows, finding);
	if (populates_locked(in, contended, call))
		lock_convoy_advise_on_fault(finding);
}

/* Told as the deadlock that it is a part of, or behind another lock. */
static bool is_told_elsewhere(const struct detect_context *in, const struct contended_lock *lock)
{
	return lock->merged ||
	       ((lock->class == WAIT_LOCK_USER || lock->class == WAIT_LOCK_FILE) && in->deadlock &&
		deadlock_has(in->deadlock, lock->tgid, lock->address));
}

/* Of a lock of user space that nobody let go of until the end, although several wait: its owner may be gone. 0 or -ENOMEM. */
static int find_gone(const struct detect_context *in, struct contended_lock *lock)
{
	if (lock->has_owner || lock->candidate.thread || lock->class != WAIT_LOCK_USER ||
	    !in->stall->still_open || lock->victim_count < 2)
		return 0;
	return dead_owner_find(in->observations, lock->victims, lock->victim_count, true,
			       &lock->gone);
}

/* @lock moves to a candidate. */
static int append_lock(const struct detect_context *in, struct contended_lock *lock,
		       struct candidates *out)
{
	struct candidate *candidate = candidate_append(in, out);
	int r = find_gone(in, lock);

	if (!candidate || r)
		return -ENOMEM;
	*(struct contended_lock *)candidate->found = *lock;
	candidate->named = (lock->has_owner && !lock->turns.found) || lock->gone;
	for (size_t i = 0; i < lock->victim_count; i++)
		candidate->lost_ns += lock->victims[i].blocked_ns;
	/* what kept the holder is part of the cause, if it is one of the target's */
	if (lock->has_owner && target_counts(in->observations->target, lock->owner.thread))
		candidate->lost_ns += lock->hold_summary.state_ns[THREAD_BLOCKED];
	*lock = (struct contended_lock){ .victims = NULL };
	return 0;
}

static int find_lock_convoys(struct detect_context *in, struct candidates *out)
{
	const struct root_cause_context chains = {
		.observations = in->observations,
		.stall = in->stall,
		.long_ns = in->long_ns,
	};
	struct contended_lock locks[CONTENDED_LOCKS_MAX] = { 0 };
	size_t count = contended_locks_find(in->waits, in->wait_count, in->stall, locks);
	int r = 0;

	if (count)
		r = contended_locks_examine(locks, count, in->observations, in->stall);
	/* also without a lock: what other waits lead to stands in the table of blame */
	if (!r)
		r = root_cause_examine(&chains, locks, count, in->model);
	for (size_t i = 0; i < count && !r; i++)
		if (!is_told_elsewhere(in, &locks[i]))
			r = append_lock(in, &locks[i], out);
	contended_locks_free(locks, count);
	return r;
}

void lock_convoy_free(void *found)
{
	contended_locks_free(found, 1);
}

const struct detector lock_convoy_detector = {
	.found_bytes = sizeof(struct contended_lock),
	.evidence = EVIDENCE_WAITS,
	.of_waits = true,
	.beside = true,
	.find = find_lock_convoys,
	.report = lock_convoy_report,
	.free = lock_convoy_free,
};
