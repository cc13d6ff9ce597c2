/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What shows that threads which stood still together waited for an answer, and not for work.
 */
#include <errno.h>
#include <stdlib.h>

#include "analyzer/detect/dead_owner.h"
#include "analyzer/detect/standstill.h"
#include "analyzer/detect/thresholds.h"
#include "analyzer/trace/per_thread.h"
#include "analyzer/util/span.h"

enum standstill_did standstill_did(const struct standstill *standstill)
{
	const uint64_t *state_ns = standstill->did.state_ns;
	uint64_t all_ns = 0;

	for (int state = 0; state < THREAD_STATES; state++)
		all_ns += state_ns[state];
	if (!standstill->root.thread || !all_ns)
		return STANDSTILL_WORKED;
	if (share_at_least(standstill->run_ns, all_ns, STILL_MOST_PERCENT))
		return standstill->woken < STILL_WOKEN_LEAST ? STANDSTILL_RAN : STANDSTILL_WORKED;
	if (!share_at_least(standstill->did.sleep_ns, all_ns, STILL_HALF_PERCENT))
		return STANDSTILL_WORKED;
	return wait_direction_idle(standstill->did.sleep.direction) ? STANDSTILL_SLEPT
								    : STANDSTILL_WAITED;
}

bool standstill_covers_window(const struct standstill_search *search, const struct pause *pause)
{
	const struct stall stall = { .found = true,
				     .start_ns = pause->start_ns,
				     .end_ns = pause->end_ns };

	return detect_covers_window(search->in->window, &stall);
}

enum wake_end standstill_wake_end(const struct standstill_search *search,
				  const struct history_interval *wait)
{
	return wake_root_end(search->observations->history, search->observations->stack_infos, wait);
}

bool standstill_counts(const struct standstill_group *group, const struct standstill_member *member)
{
	const struct thread *root = member->root.thread;

	return group->of_target ? member->own
				: !root || member->pause->thread->tgid != root->tgid;
}

static bool is_member(const struct standstill_search *search, const struct standstill_group *group,
		      uint32_t thread_index)
{
	const struct standstill_group **last = per_thread_at(&search->groups, thread_index);

	return last && *last == group;
}

static size_t count_novel(const struct standstill_group *group)
{
	size_t count = 0;

	for (size_t i = 0; i < group->count; i++)
		count += standstill_counts(group, &group->members[i]) && group->members[i].pause->novel;
	return count;
}

/* Members that another member woke. In a pipe the kernel lets in the next reader for who was let in: no sign of a lock. */
static size_t count_in_turn(const struct standstill_search *search,
			    const struct standstill_group *group)
{
	size_t count = 0;

	for (size_t i = 0; i < group->count; i++)
		count += standstill_counts(group, &group->members[i]) &&
			 group->members[i].pause->class != WAIT_IPC_PIPE &&
			 group->members[i].pause->last.waker != HISTORY_NOBODY &&
			 is_member(search, group, group->members[i].pause->last.waker);
	return count;
}

struct wakings {
	uint64_t by_members, by_others;	/* of members, when they were active */
	uint64_t by_root;		/* likewise: by who let them go on, if that is no member */
};

/* Who wakes the members as a rule; of a pipe, as in count_in_turn(), nothing is known by that. */
static void count_wakings(const struct standstill_search *search, const struct standstill_group *group,
			  const struct thread *root, struct wakings *ret_wakings)
{
	const struct history *history = search->observations->history;

	*ret_wakings = (struct wakings){ 0 };
	if (group->count < 2 || group->count > STILL_CLOSED_MOST)
		return;
	for (size_t i = 0; i < group->count; i++) {
		const struct pause *pause = group->members[i].pause;
		const struct history_interval *intervals;
		size_t count = history_intervals(history, pause->thread, &intervals);

		for (size_t j = 0; j < count; j++) {
			const struct history_interval *wait = &intervals[j];
			uint64_t times = wait->merged ? wait->merged : 1;

			if (wait->state != THREAD_BLOCKED || wait->direction != DIRECTION_TAKES ||
			    wait->waker == HISTORY_NOBODY || wait->class == WAIT_IPC_PIPE ||
			    (wait->start_ns >= pause->start_ns && wait->end_ns <= pause->end_ns))
				continue;
			if (is_member(search, group, wait->waker))
				ret_wakings->by_members += times;
			else if (root && wait->waker == root->index)
				ret_wakings->by_root += times;
			else
				ret_wakings->by_others += times;
		}
	}
}

/* Nobody outside feeds them: that they all stopped is no want of work. */
static bool is_closed(const struct wakings *wakings)
{
	uint64_t others = wakings->by_others + wakings->by_root;

	return wakings->by_members >= STILL_WAKINGS_LEAST &&
	       share_at_least(wakings->by_members, wakings->by_members + others,
			      STILL_CLOSED_PERCENT);
}

/* Who let them go on is one of a round that nobody outside feeds. */
static bool is_peer(const struct wakings *wakings)
{
	uint64_t round = wakings->by_members + wakings->by_root;

	return wakings->by_members >= STILL_WAKINGS_LEAST &&
	       share_at_least(round, round + wakings->by_others, STILL_CLOSED_PERCENT) &&
	       share_at_least(wakings->by_root, round, STILL_PEER_PERCENT);
}

static size_t count_active(const struct standstill_search *search, const struct standstill *still)
{
	const struct threads *threads = source_threads(search->observations->source);
	uint64_t span_ns = still->longest.end_ns - still->longest.start_ns;
	size_t count = 0;

	for (size_t i = 0; i < threads_count(threads); i++) {
		const struct thread *thread = threads_at(threads, i);

		count += target_counts(search->observations->target, thread) &&
			 pauses_expected(&search->pauses, thread, span_ns) >= STILL_ACTIVE_LEAST;
	}
	return count;
}

/* The longest that the root did not wait for others, nor sleep. */
static uint64_t find_longest_run(const struct history *history, const struct thread *root,
				 uint64_t start_ns, uint64_t end_ns)
{
	struct history_cursor cursor = history_walk(history, root, start_ns, end_ns);
	const struct history_interval *interval;
	uint64_t from_ns, to_ns, run_ns = 0, longest_ns = 0;

	while ((interval = history_next(&cursor, &from_ns, &to_ns))) {
		bool runs = interval->state == THREAD_RUNNING || interval->state == THREAD_RUNNABLE ||
			    (interval->state == THREAD_UNKNOWN && to_ns - from_ns <= STILL_TOGETHER_NS) ||
			    (interval->state == THREAD_BLOCKED && run_ns &&
			     !wait_direction_idle(interval->direction));

		run_ns = runs ? run_ns + (to_ns - from_ns) : 0;
		longest_ns = later(longest_ns, run_ns);
	}
	return longest_ns;
}

/*
 * How often it woke others, before it woke those who stood still. @clients: of other processes, as those who stood
 * still are; what threads of its own help it with is part of what it does.
 */
static size_t count_woken(const struct standstill_search *search, const struct thread *root, bool clients,
			  uint64_t start_ns, uint64_t end_ns)
{
	const struct threads *threads = source_threads(search->observations->source);
	const struct history *history = search->observations->history;
	size_t count = 0;

	for (size_t i = 0; i < threads_count(threads); i++) {
		const struct thread *thread = threads_at(threads, i);
		struct history_cursor cursor = history_walk(history, thread, start_ns, end_ns);
		const struct history_interval *interval;
		uint64_t from_ns, to_ns;

		if (clients && thread->tgid == root->tgid)
			continue;
		while ((interval = history_next(&cursor, &from_ns, &to_ns)))
			if (interval->state == THREAD_BLOCKED && interval->waker == root->index &&
			    !interval->waker_in_interrupt && interval->end_ns < end_ns)
				count += interval->merged ? interval->merged : 1;
	}
	return count;
}

static int read_root(const struct standstill_search *search, const struct standstill_group *group,
		     struct standstill *still)
{
	const struct observations *observations = search->observations;
	uint64_t start_ns = still->longest.start_ns, end_ns = still->root.at_ns;

	if (!still->root.thread || end_ns <= start_ns)
		return 0;
	still->run_ns = find_longest_run(observations->history, still->root.thread, start_ns, end_ns);
	if (still->run_ns)
		still->woken = count_woken(search, still->root.thread, !group->of_target, start_ns,
					   end_ns - earlier(end_ns - start_ns, STILL_TOGETHER_NS));
	return span_summary_read(observations->history, source_stacks(observations->source),
				 observations->stack_infos, still->root.thread, start_ns, end_ns,
				 &still->did);
}

/* Since when, to the recording's end, it ran or was in one sleep; 0: neither. */
static uint64_t find_last_activity(const struct history *history, const struct thread *thread,
				   bool *ret_ran)
{
	const struct history_interval *intervals;
	size_t count = history_intervals(history, thread, &intervals);
	uint64_t since_ns = 0;

	if (!count || !(intervals[count - 1].flags & INTERVAL_STILL_OPEN))
		return 0;
	*ret_ran = intervals[count - 1].state != THREAD_BLOCKED;
	if (!*ret_ran)
		return intervals[count - 1].start_ns;
	for (size_t i = count; i-- > 0; since_ns = intervals[i].start_ns)
		if ((intervals[i].state == THREAD_UNKNOWN &&
		     intervals[i].end_ns - intervals[i].start_ns > STILL_TOGETHER_NS) ||
		    (intervals[i].state == THREAD_BLOCKED &&
		     wait_direction_idle(intervals[i].direction)))
			break;
	return since_ns;
}

/* Nobody let them go on in the capture. Who of their process has done one thing since about when they stopped? */
static void find_suspects(const struct standstill_search *search, const struct standstill_group *group,
			  struct standstill *still)
{
	const struct threads *threads = source_threads(search->observations->source);

	for (size_t i = 0; i < threads_count(threads); i++) {
		const struct thread *thread = threads_at(threads, i);
		struct standstill_suspect suspect = { .thread = thread };

		if (thread->tgid != still->longest.thread->tgid || thread->idle_task ||
		    is_member(search, group, thread->index))
			continue;
		suspect.since_ns = find_last_activity(search->observations->history, thread,
						      &suspect.ran);
		if (suspect.since_ns + STILL_GONE_NS < still->start_ns ||
		    suspect.since_ns > still->longest.start_ns)
			continue;
		if (still->suspect_count < STANDSTILL_SUSPECTS)
			still->suspects[still->suspect_count] = suspect;
		still->suspect_count++;
	}
}

/*
 * Whether the root sleeps like that as a rule, for as long and with the same end: then it sets the pace, and holds up
 * nobody. That it waits for orders from somebody as long says nothing of how it sleeps.
 */
static bool is_usual_sleep(const struct standstill_search *search, const struct standstill *still)
{
	const struct history_interval *intervals, *own = wake_root_wait_meanwhile(
		search->observations->history, still->root.thread, still->longest.start_ns,
		still->root.at_ns);
	size_t count = history_intervals(search->observations->history, still->root.thread,
					 &intervals);
	uint64_t half_ns;
	enum wake_end end;

	if (!own)
		return false;
	end = standstill_wake_end(search, own);
	half_ns = (own->end_ns - own->start_ns) / 2;
	for (size_t i = 0; i < count; i++)
		if (&intervals[i] != own && intervals[i].state == THREAD_BLOCKED &&
		    intervals[i].direction == own->direction &&
		    intervals[i].class == own->class && !intervals[i].merged &&
		    intervals[i].end_ns - intervals[i].start_ns >= half_ns &&
		    standstill_wake_end(search, &intervals[i]) == end)
			return true;
	return false;
}

bool standstill_is_let_go_by_target(const struct standstill_search *search,
				    const struct history_interval *wait)
{
	const struct thread *waker = history_waker(search->observations->history, wait);

	return waker && target_counts(search->observations->target, waker) &&
	       standstill_wake_end(search, wait) == WAKE_THREAD;
}

/*
 * Threads of other processes that the root let go when it was done, whether they are used to waiting or not; or the
 * target, where the root is somebody for whom it waited itself.
 */
static size_t count_clients(const struct standstill_search *search, const struct standstill *still)
{
	const struct threads *threads = source_threads(search->observations->source);
	const struct thread *root = still->root.thread;
	bool own = target_counts(search->observations->target, root);
	size_t count = 0;

	for (size_t i = 0; i < threads_count(threads); i++) {
		const struct thread *thread = threads_at(threads, i);
		const struct history_interval *wait =
			target_counts(search->observations->target, thread) ||
					thread->tgid == root->tgid || thread->idle_task
				? NULL
				: wake_root_wait_meanwhile(search->observations->history, thread,
							   still->longest.start_ns,
							   still->root.at_ns);

		count += wait && wait->direction == DIRECTION_TAKES &&
			 (own ? wait->waker == root->index : standstill_is_let_go_by_target(search, wait));
	}
	return count;
}

/* They waited where they wait as a rule, until a request from outside came: as the stages of a pipeline do. */
static bool was_requested(const struct standstill_search *search,
			  const struct standstill_group *group, const struct standstill *still)
{
	const struct thread *root = still->root.thread;
	bool outside = still->root.end == WAKE_OUTSIDE ||
		       (root && !target_counts(search->observations->target, root));

	return outside && count_novel(group) * 2 < still->victim_count;
}

/* What shows that they stood still for want of an answer, and not of work. */
static enum standstill_sign choose_sign(const struct standstill_search *search, const struct standstill_group *group,
					struct standstill *still)
{
	enum standstill_did did = standstill_did(still);
	bool held = did == STANDSTILL_RAN || did == STANDSTILL_WAITED ||
		    (did == STANDSTILL_SLEPT && !is_usual_sleep(search, still));
	bool elsewhere = count_novel(group) * 2 >= still->victim_count, closed;
	struct wakings wakings;

	if (!group->of_target) {
		if (!held || count_clients(search, still) < STILL_CLIENTS_LEAST)
			return SIGN_NONE;
		return target_counts(search->observations->target, still->root.thread)
			       ? SIGN_CLIENTS
			       : SIGN_PASSED_ON;
	}
	if (still->longest.sleeps > 1 && still->root.end != WAKE_THREAD)
		return still->victim_count >= 2 ? SIGN_POLLING : SIGN_NONE;
	if (still->root.end == WAKE_OPEN) {
		if (still->gone)
			return SIGN_OWNER_GONE;
		find_suspects(search, group, still);
		if (still->suspect_count && still->victim_count >= 2 && elsewhere)
			return SIGN_STILL_AT_IT;
	}
	/*
	 * Somebody says that he waited: then it matters little how long the root sleeps as a rule, or that nothing
	 * ended it. Otherwise they may have done all that there was to do, and wait at a queue that was never empty.
	 */
	if (elsewhere && (did != STANDSTILL_WORKED || still->root.end == WAKE_OPEN) &&
	    standstill_covers_window(search, &still->longest))
		return SIGN_ELSEWHERE;
	if (still->victim_count < 2)
		return SIGN_NONE;
	if (still->in_turn && elsewhere && held)
		return SIGN_IN_TURN;
	if (elsewhere && held)
		return SIGN_ELSEWHERE;
	count_wakings(search, group, still->root.thread, &wakings);
	closed = is_closed(&wakings);
	if (still->in_turn * 2 >= still->victim_count && still->root.thread && (held || closed))
		return SIGN_IN_TURN;
	if (held && is_peer(&wakings))
		return SIGN_PEER;
	/* That nothing ended it may be the end of all work here, too; and what feeds them may be a request. */
	return still->victim_count * 2 > still->active && closed &&
			       still->root.end != WAKE_OPEN && !was_requested(search, group, still)
		       ? SIGN_AMONG_THEMSELVES
		       : SIGN_NONE;
}

bool standstill_is_doubtful(const struct standstill_search *search,
			    const struct standstill_group *group, const struct standstill *still)
{
	uint64_t ns = still->longest.end_ns - still->longest.start_ns;

	if (!group->of_target || still->victim_count < 2 || still->victim_count * 2 < still->active)
		return false;
	if (still->root.end == WAKE_OPEN && ns < STILL_OPEN_NS)
		return false;
	return !was_requested(search, group, still);
}

int standstill_read(const struct standstill_search *search, const struct standstill_group *group,
		    struct standstill *still)
{
	int r = read_root(search, group, still);

	if (!r && group->of_target && still->root.end == WAKE_OPEN && still->longest.sleeps == 1 &&
	    still->victim_count >= 2)
		r = dead_owner_find(search->observations, still->victims, still->victim_count, false,
				    &still->gone);
	if (r)
		return r;

	still->in_turn = count_in_turn(search, group);
	still->active = count_active(search, still);
	still->sign = choose_sign(search, group, still);
	if (!r && still->sign != SIGN_NONE && standstill_did(still) == STANDSTILL_RAN)
		r = cpu_profile_read(search->observations->history,
				     source_stacks(search->observations->source), still->root.thread,
				     still->longest.start_ns, still->root.at_ns, &still->profile);
	if (!r && still->sign == SIGN_STILL_AT_IT)
		r = span_summary_read(search->observations->history,
				      source_stacks(search->observations->source),
				      search->observations->stack_infos, still->suspects[0].thread,
				      still->suspects[0].since_ns, still->end_ns, &still->did);
	return r;
}
