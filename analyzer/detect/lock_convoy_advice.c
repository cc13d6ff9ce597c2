/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/detect/lock_convoy.h"

static const char *advice_for_call(const struct large_call *call, bool pattern, bool grows)
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

static const char *advice_for_lock(const struct contended_lock *suspect, bool lossy)
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

int lock_convoy_advice(const struct contended_lock *suspect, const struct large_call *call, bool grows, bool lossy,
		  struct model_finding *finding)
{
	const struct lock_hold *hold = &suspect->owner.longest;
	bool starved = suspect->hold_summary.state_ns[THREAD_RUNNABLE] * 2 > hold->end_ns - hold->start_ns;

	return finding_text(&finding->advice, "%s%s",
			    suspect->has_owner && starved && hold->end_ns > hold->start_ns
				    ? "The holder itself waited for a CPU for most of that time: give it "
				      "more CPU, or the others less. "
				    : "",
			    call ? advice_for_call(call, finding->pattern, grows)
				 : advice_for_lock(suspect, lossy));
}
