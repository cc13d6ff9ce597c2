/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/standstill.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/detect/dead_owner.h"
#include "analyzer/detect/thresholds.h"
#include "analyzer/util/span.h"

/* So many groups are looked at, those that lost most. */
#define GROUPS_MAX 64u

struct member {
	const struct pause *pause;
	struct wake_root root;
	bool own; /* of the target */
};

/* Members that one wake-up let go. */
struct group {
	const struct member *members;
	size_t count;
	uint64_t lost_ns;
	bool of_target; /* else those of other processes, whom the target kept waiting */
};

struct search {
	struct detect_context *in;
	const struct observations *observations;
	struct pauses pauses;
	struct member *members;
	size_t count;
};

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

static int compare_members(const void *left, const void *right)
{
	const struct member *a = left, *b = right;
	uint32_t a_thread = a->root.thread ? a->root.thread->index : UINT32_MAX;
	uint32_t b_thread = b->root.thread ? b->root.thread->index : UINT32_MAX;

	if (a->root.end != b->root.end)
		return a->root.end < b->root.end ? -1 : 1;
	if (a_thread != b_thread)
		return a_thread < b_thread ? -1 : 1;
	if (a->own != b->own)
		return a->own - b->own;
	if (a->root.at_ns != b->root.at_ns)
		return a->root.at_ns < b->root.at_ns ? -1 : 1;
	return (a->pause->start_ns > b->pause->start_ns) -
	       (a->pause->start_ns < b->pause->start_ns);
}

/* Whether the same let both go: neighbours in order. A server's own pool and its clients are two stories. */
static bool is_together(const struct member *a, const struct member *b)
{
	bool polled = a->root.end != WAKE_THREAD;
	uint64_t slice_ns = polled ? later(a->pause->sleeps > 1 ? a->pause->slice_ns : 0,
					   b->pause->sleeps > 1 ? b->pause->slice_ns : 0)
				   : 0;

	if (a->root.end != b->root.end || a->root.thread != b->root.thread || a->own != b->own)
		return false;
	/* Who polls notices up to a slice later. */
	return b->root.at_ns - a->root.at_ns <= STILL_TOGETHER_NS + slice_ns * 2;
}

static bool covers_window(const struct search *search, const struct pause *pause)
{
	const struct stall stall = { .found = true,
				     .start_ns = pause->start_ns,
				     .end_ns = pause->end_ns };

	return detect_covers_window(search->in->window, &stall);
}

static enum wake_end find_end(const struct search *search, const struct history_interval *wait)
{
	return wake_root_end(search->observations->history, search->observations->stack_infos, wait);
}

/* A thread let it go at last, as one does who waits with a time limit again and again; else it only looked. */
static bool was_woken(const struct search *search, const struct pause *pause)
{
	return find_end(search, &pause->last) == WAKE_THREAD;
}

/*
 * It waited where it waits as a rule, until a process came that is none of the target's: there was nothing to do. What
 * processes of one service wait for each other may be a lock that they share.
 */
static bool awaited_request(const struct search *search, const struct pause *pause)
{
	const struct thread *waker = history_waker(search->observations->history, &pause->last);

	return !pause->novel && (pause->sleeps == 1 || was_woken(search, pause)) && waker &&
	       !target_counts(search->observations->target, waker) &&
	       target_counts(search->observations->target, pause->thread);
}

/* Whether the thread is an active one; or was it waited for, as a probe says? The recorder is let go by whoever fills it. */
static bool matters(const struct search *search, const struct pause *pause)
{
	if (pause->thread->tgid == search->observations->target->recorder_tgid)
		return false;
	/* Who sleeps asked for it. */
	if ((pause->direction == DIRECTION_SLEEPS && pause->sleeps == 1) ||
	    awaited_request(search, pause))
		return false;
	return pause->expected >= STILL_ACTIVE_LEAST ||
	       (pause->novel && covers_window(search, pause));
}

static int collect_members(struct search *search)
{
	const struct observations *observations = search->observations;

	search->members = calloc(search->pauses.count + 1, sizeof(*search->members));
	if (!search->members)
		return -ENOMEM;
	for (size_t i = 0; i < search->pauses.count; i++) {
		const struct pause *pause = &search->pauses.list[i];

		if (!matters(search, pause))
			continue;
		struct member *member = &search->members[search->count++];
		/* The whole pause, where the last slice is only its end. */
		struct history_interval wait = pause->last;

		wait.start_ns = pause->start_ns;
		*member = (struct member){
			.pause = pause,
			.root = wake_root_find(observations->history, observations->stack_infos,
					       pause->thread, &wait),
			.own = target_counts(observations->target, pause->thread),
		};
		if (pause->sleeps > 1 && member->root.end != WAKE_OPEN && !was_woken(search, pause)) {
			member->root.end = WAKE_TIMER;
			member->root.thread = NULL;
		}
	}
	qsort(search->members, search->count, sizeof(*search->members), compare_members);
	return 0;
}

/* Whether a thread of the target ended the wait by its own work. */
static bool is_let_go_by_target(const struct search *search, const struct history_interval *wait)
{
	const struct thread *waker = history_waker(search->observations->history, wait);

	return waker && target_counts(search->observations->target, waker) &&
	       find_end(search, wait) == WAKE_THREAD;
}

/*
 * Whether its members' time matters: they are of the target, or the target let them wait, if only because it waited for
 * somebody else.
 */
static bool measure_group(const struct search *search, struct group *group)
{
	const struct thread *root = group->members[0].root.thread;
	uint64_t own_ns = 0, other_ns = 0;

	for (size_t i = 0; i < group->count; i++) {
		const struct member *member = &group->members[i];
		uint64_t ns = member->pause->end_ns - member->pause->start_ns;

		if (member->own)
			own_ns += ns;
		else if (!root || member->pause->thread->tgid != root->tgid)
			other_ns += ns;
	}
	group->of_target = own_ns > 0;
	group->lost_ns = own_ns ? own_ns : other_ns;
	return own_ns || (other_ns && root &&
			  (target_counts(search->observations->target, root) ||
			   is_let_go_by_target(search, &group->members[0].pause->last)));
}

static bool is_counted(const struct group *group, const struct member *member)
{
	const struct thread *root = member->root.thread;

	return group->of_target ? member->own
				: !root || member->pause->thread->tgid != root->tgid;
}

static int collect_victims(const struct group *group, struct standstill *still)
{
	struct victim_set victims = VICTIM_SET;
	int r = 0;

	still->start_ns = UINT64_MAX;
	for (size_t i = 0; i < group->count && !r; i++) {
		const struct member *member = &group->members[i];
		const struct pause *pause = member->pause;

		if (!is_counted(group, member))
			continue;
		r = victim_set_add(&victims, pause->thread, pause->start_ns, pause->end_ns);
		still->start_ns = earlier(still->start_ns, pause->start_ns);
		still->end_ns = later(still->end_ns, pause->end_ns);
		still->began_before |= !!(pause->flags & INTERVAL_BEGAN_BEFORE);
		still->still_open |= !!(pause->flags & INTERVAL_STILL_OPEN);
		if (pause->end_ns - pause->start_ns >
		    still->longest.end_ns - still->longest.start_ns) {
			still->longest = *pause;
			still->root = member->root;
		}
	}
	if (!r)
		r = victim_set_take(&victims, 0, &still->victims, &still->victim_count,
				    &still->lost_ns);
	victim_set_free(&victims);
	return r;
}

static bool is_member(const struct group *group, uint32_t thread_index)
{
	for (size_t i = 0; i < group->count; i++)
		if (group->members[i].pause->thread->index == thread_index)
			return true;
	return false;
}

static size_t count_novel(const struct group *group)
{
	size_t count = 0;

	for (size_t i = 0; i < group->count; i++)
		count += is_counted(group, &group->members[i]) && group->members[i].pause->novel;
	return count;
}

/* Members that another member woke. In a pipe the kernel lets in the next reader for who was let in: no sign of a lock. */
static size_t count_in_turn(const struct group *group)
{
	size_t count = 0;

	for (size_t i = 0; i < group->count; i++)
		count += is_counted(group, &group->members[i]) &&
			 group->members[i].pause->class != WAIT_IPC_PIPE &&
			 group->members[i].pause->last.waker != HISTORY_NOBODY &&
			 is_member(group, group->members[i].pause->last.waker);
	return count;
}

struct wakings {
	uint64_t by_members, by_others;	/* of members, when they were active */
	uint64_t by_root;		/* likewise: by who let them go on, if that is no member */
};

/* Who wakes the members as a rule; of a pipe, as in count_in_turn(), nothing is known by that. */
static void count_wakings(const struct search *search, const struct group *group,
			  const struct thread *root, struct wakings *ret_wakings)
{
	const struct history *history = search->observations->history;

	*ret_wakings = (struct wakings){ 0, 0, 0 };
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
			if (is_member(group, wait->waker))
				ret_wakings->by_members += times;
			else if (root && wait->waker == root->index)
				ret_wakings->by_root += times;
			else
				ret_wakings->by_others += times;
		}
	}
}

/* Nobody outside feeds them: that they all stopped is no want of work. */
static bool is_closed(const struct group *group, const struct wakings *wakings)
{
	uint64_t others = wakings->by_others + wakings->by_root;

	return group->count >= 2 && group->count <= STILL_CLOSED_MOST &&
	       wakings->by_members >= STILL_WAKINGS_LEAST &&
	       share_at_least(wakings->by_members, wakings->by_members + others,
			      STILL_CLOSED_PERCENT);
}

/* Who let them go on is one of a round that nobody outside feeds. */
static bool is_peer(const struct group *group, const struct wakings *wakings)
{
	uint64_t round = wakings->by_members + wakings->by_root;

	return group->count >= 2 && group->count <= STILL_CLOSED_MOST &&
	       wakings->by_members >= STILL_WAKINGS_LEAST &&
	       share_at_least(round, round + wakings->by_others, STILL_CLOSED_PERCENT) &&
	       share_at_least(wakings->by_root, round, STILL_PEER_PERCENT);
}

static size_t count_active(const struct search *search, const struct standstill *still)
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
			    (interval->state == THREAD_BLOCKED && run_ns &&
			     !wait_direction_idle(interval->direction));

		/* A few events that are missing end no run of seconds, and are no part of it. */
		if (interval->state == THREAD_UNKNOWN && to_ns - from_ns < STILL_TOGETHER_NS)
			continue;
		run_ns = runs ? run_ns + (to_ns - from_ns) : 0;
		longest_ns = later(longest_ns, run_ns);
	}
	return longest_ns;
}

/*
 * How often it woke others, before it woke those who stood still. @clients: of other processes, as those who stood
 * still are; what threads of its own help it with is part of what it does.
 */
static size_t count_woken(const struct search *search, const struct thread *root, bool clients,
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

static int read_root(const struct search *search, const struct group *group,
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

/*
 * Whether the root sleeps like that as a rule, for as long and with the same end: then it sets the pace, and holds up
 * nobody. That it waits for orders from somebody as long says nothing of how it sleeps.
 */
static bool is_usual_sleep(const struct search *search, const struct standstill *still)
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
	half_ns = (own->end_ns - own->start_ns) / 2;
	end = find_end(search, own);
	for (size_t i = 0; i < count; i++)
		if (&intervals[i] != own && intervals[i].state == THREAD_BLOCKED &&
		    intervals[i].direction == own->direction &&
		    intervals[i].class == own->class && !intervals[i].merged &&
		    intervals[i].end_ns - intervals[i].start_ns >= half_ns &&
		    find_end(search, &intervals[i]) == end)
			return true;
	return false;
}

/*
 * Threads of other processes that the root let go when it was done, whether they are used to waiting or not; or the
 * target, where the root is somebody for whom it waited itself.
 */
static size_t count_clients(const struct search *search, const struct standstill *still)
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
			 (own ? wait->waker == root->index : is_let_go_by_target(search, wait));
	}
	return count;
}

/* What shows that they stood still for want of an answer, and not of work. */
static enum standstill_sign choose_sign(const struct search *search, const struct group *group,
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
		still->gone = dead_owner_find(search->observations, still->longest.thread,
					      still->start_ns, still->longest.start_ns);
		if (still->gone && still->victim_count >= 2)
			return SIGN_OWNER_GONE;
	}
	/* Somebody says that he waited: then it matters little how long the root sleeps as a rule. */
	if (elsewhere && did != STANDSTILL_WORKED && covers_window(search, &still->longest))
		return SIGN_ELSEWHERE;
	if (still->victim_count < 2)
		return SIGN_NONE;
	if (still->in_turn && elsewhere && held)
		return SIGN_IN_TURN;
	if (elsewhere && (held || still->root.end == WAKE_OPEN))
		return SIGN_ELSEWHERE;
	count_wakings(search, group, still->root.thread, &wakings);
	closed = is_closed(group, &wakings);
	if (still->in_turn * 2 >= still->victim_count && still->root.thread && (held || closed))
		return SIGN_IN_TURN;
	if (held && is_peer(group, &wakings))
		return SIGN_PEER;
	/* Where nothing ended it, they may have done all that there was to do. */
	return still->victim_count * 2 > still->active && closed && still->root.end != WAKE_OPEN
		       ? SIGN_AMONG_THEMSELVES
		       : SIGN_NONE;
}

/* What is left to doubt: most of the service stood still, and not where it waits for work from outside. */
static bool is_doubtful(const struct group *group, const struct standstill *still)
{
	uint64_t ns = still->longest.end_ns - still->longest.start_ns;

	if (!group->of_target || still->victim_count < 2 || still->victim_count * 2 < still->active)
		return false;
	if (still->root.end == WAKE_OPEN && ns < STILL_OPEN_NS)
		return false;
	return still->root.end != WAKE_OUTSIDE || count_novel(group) * 2 >= still->victim_count;
}

/* Events are missing there: who woke whom is not certain. */
static bool is_torn(const struct search *search, const struct standstill *still)
{
	const struct model *model = search->in->model;
	uint64_t start_ns = detect_since_start(search->in, still->start_ns);
	uint64_t end_ns = detect_since_start(search->in, still->end_ns) + STILL_TOGETHER_NS;

	for (size_t i = 0; i < model->coverage.gap_count; i++)
		if (model->coverage.gaps[i].start_ns < end_ns &&
		    model->coverage.gaps[i].end_ns + STILL_TOGETHER_NS > start_ns)
			return true;
	return model->coverage.contradicts;
}

static int judge_group(const struct search *search, const struct group *group,
		       struct candidates *out)
{
	struct candidate *candidate = candidate_append(search->in, out);
	struct standstill *still;
	int r;

	if (!candidate)
		return -ENOMEM;
	still = candidate->found;
	r = collect_victims(group, still);
	if (!r)
		r = read_root(search, group, still);
	if (r)
		return r;
	still->in_turn = count_in_turn(group);
	still->active = count_active(search, still);
	if (is_torn(search, still))
		return 0;
	still->sign = choose_sign(search, group, still);
	if (still->sign == SIGN_NONE && !is_doubtful(group, still))
		return 0;
	candidate->unsure = still->sign == SIGN_NONE || still->sign == SIGN_POLLING ||
			    still->sign == SIGN_PASSED_ON;
	candidate->named = still->root.thread && still->sign != SIGN_NONE;
	candidate->lost_ns = still->lost_ns;
	candidate->hurting_classes = UINT64_C(1) << still->longest.class;
	candidate->stall = (struct stall){
		.found = true,
		.began_before = still->began_before,
		.still_open = still->still_open,
		.start_ns = still->start_ns,
		.end_ns = still->end_ns,
		.threads_max = group->of_target ? (uint32_t)still->victim_count : 0,
		.apart = detect_over_before(search->in, still->end_ns),
	};
	return 0;
}

static int compare_groups(const void *left, const void *right)
{
	const struct group *a = left, *b = right;

	return (a->lost_ns < b->lost_ns) - (a->lost_ns > b->lost_ns);
}

static int judge_groups(const struct search *search, struct candidates *out)
{
	struct group *groups = calloc(search->count + 1, sizeof(*groups));
	size_t count = 0;
	int r = 0;

	if (!groups)
		return -ENOMEM;
	for (size_t i = 0, next; i < search->count; i = next) {
		struct group *group = &groups[count];

		for (next = i + 1; next < search->count &&
				   is_together(&search->members[next - 1], &search->members[next]);)
			next++;
		*group = (struct group){ .members = &search->members[i], .count = next - i };
		count += measure_group(search, group);
	}
	qsort(groups, count, sizeof(*groups), compare_groups);
	for (size_t i = 0; i < count && i < GROUPS_MAX && !r; i++)
		r = judge_group(search, &groups[i], out);
	free(groups);
	return r;
}

/* Without a target nobody says whose standing still matters. */
static int find_standstill(struct detect_context *in, struct candidates *out)
{
	struct search search = { .in = in, .observations = in->observations };
	int r;

	if (!in->observations->target->count || in->paused)
		return 0;
	r = pauses_find(in->observations, in->long_ns, &search.pauses);
	if (!r)
		r = collect_members(&search);
	if (!r)
		r = judge_groups(&search, out);
	free(search.members);
	pauses_free(&search.pauses);
	return r;
}

static void free_standstill(void *found)
{
	free(((struct standstill *)found)->victims);
}

const struct detector standstill_detector = {
	.found_bytes = sizeof(struct standstill),
	.evidence = EVIDENCE_SIGNS,
	.find = find_standstill,
	.report = standstill_report,
	.free = free_standstill,
};
