/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/standstill.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/detect/thresholds.h"
#include "analyzer/util/span.h"

/* So many groups are looked at, those that lost most. */
#define GROUPS_MAX 64u

static int compare_members(const void *left, const void *right)
{
	const struct standstill_member *a = left, *b = right;
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
static bool is_together(const struct standstill_member *a, const struct standstill_member *b)
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

/* A thread let it go at last, as one does who waits with a time limit again and again; else it only looked. */
static bool was_woken(const struct standstill_search *search, const struct pause *pause)
{
	return standstill_wake_end(search, &pause->last) == WAKE_THREAD;
}

/*
 * It waited where it waits as a rule, until somebody outside of the target or a packet came: there was nothing to do. A
 * time limit that is over is no request.
 */
static bool awaited_request(const struct standstill_search *search, const struct pause *pause)
{
	const struct observations *observations = search->observations;
	const struct thread *waker = history_waker(observations->history, &pause->last);

	return !pause->novel && (pause->sleeps == 1 || was_woken(search, pause)) && waker &&
	       !target_counts(observations->target, waker) &&
	       standstill_wake_end(search, &pause->last) != WAKE_TIMER &&
	       target_counts(observations->target, pause->thread);
}

/*
 * Whether the thread is an active one; or was it waited for, as a probe says? The recorder is let go by whoever fills
 * its buffers.
 */
static bool is_missed(const struct standstill_search *search, const struct pause *pause)
{
	if (pause->thread->tgid == search->observations->target->recorder_tgid)
		return false;
	/* Who sleeps asked for it. */
	if ((pause->direction == DIRECTION_SLEEPS && pause->sleeps == 1) ||
	    awaited_request(search, pause))
		return false;
	return pause->expected >= STILL_ACTIVE_LEAST ||
	       (pause->novel && standstill_covers_window(search, pause));
}

static int collect_members(struct standstill_search *search)
{
	const struct observations *observations = search->observations;

	search->members = calloc(search->pauses.count + 1, sizeof(*search->members));
	if (!search->members)
		return -ENOMEM;
	for (size_t i = 0; i < search->pauses.count; i++) {
		const struct pause *pause = &search->pauses.list[i];

		if (!is_missed(search, pause))
			continue;
		struct standstill_member *member = &search->members[search->count++];
		/* The whole pause, where the last slice is only its end. */
		struct history_interval wait = pause->last;

		wait.start_ns = pause->start_ns;
		*member = (struct standstill_member){
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

/*
 * Whether its members' time matters: they are of the target, or the target let them wait, if only because it waited for
 * somebody else.
 */
static bool measure_group(const struct standstill_search *search, struct standstill_group *group)
{
	const struct thread *root = group->members[0].root.thread;
	uint64_t own_ns = 0, other_ns = 0;

	for (size_t i = 0; i < group->count; i++) {
		const struct standstill_member *member = &group->members[i];
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
			   standstill_is_let_go_by_target(search, &group->members[0].pause->last)));
}

static int collect_victims(const struct standstill_group *group, struct standstill *still)
{
	struct victim_set victims = VICTIM_SET;
	int r = 0;

	still->start_ns = UINT64_MAX;
	for (size_t i = 0; i < group->count && !r; i++) {
		const struct standstill_member *member = &group->members[i];
		const struct pause *pause = member->pause;

		if (!standstill_counts(group, member))
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

/* Events are missing there: who woke whom is not certain. */
static bool is_torn(const struct standstill_search *search, const struct standstill *still)
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

static int mark_members(struct standstill_search *search, const struct standstill_group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		const struct standstill_group **last =
			per_thread_get(&search->groups, group->members[i].pause->thread);

		if (!last)
			return -ENOMEM;
		*last = group;
	}
	return 0;
}

static int judge_group(struct standstill_search *search, const struct standstill_group *group,
		       struct candidates *out)
{
	struct candidate *candidate = candidate_append(search->in, out);
	struct standstill *still;
	int r;

	if (!candidate)
		return -ENOMEM;
	still = candidate->found;
	r = mark_members(search, group);
	if (!r)
		r = collect_victims(group, still);
	if (r || is_torn(search, still))
		return r;
	r = standstill_read(search, group, still);
	if (r)
		return r;
	if (still->sign == SIGN_NONE && !standstill_is_doubtful(search, group, still))
		return 0;
	/* Who is at one thing until the capture ends may also be all that is left to do. */
	candidate->unsure = still->sign == SIGN_NONE || still->sign == SIGN_POLLING ||
			    still->sign == SIGN_STILL_AT_IT || still->sign == SIGN_PASSED_ON;
	candidate->named = (still->root.thread || still->suspect_count == 1) &&
			   still->sign != SIGN_NONE;
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
	const struct standstill_group *a = left, *b = right;

	return (a->lost_ns < b->lost_ns) - (a->lost_ns > b->lost_ns);
}

static int judge_groups(struct standstill_search *search, struct candidates *out)
{
	struct standstill_group *groups = calloc(search->count + 1, sizeof(*groups));
	size_t count = 0;
	int r = 0;

	if (!groups)
		return -ENOMEM;
	for (size_t i = 0, next; i < search->count; i = next) {
		struct standstill_group *group = &groups[count];

		for (next = i + 1; next < search->count &&
				   is_together(&search->members[next - 1], &search->members[next]);)
			next++;
		*group = (struct standstill_group){ .members = &search->members[i], .count = next - i };
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
	struct standstill_search search = { .in = in,
					    .observations = in->observations,
					    .groups.entry_bytes =
						    sizeof(const struct standstill_group *) };
	int r;

	if (!in->observations->target->count || in->paused)
		return 0;
	r = pauses_find(in->observations, in->long_ns, &search.pauses);
	if (!r)
		r = collect_members(&search);
	if (!r)
		r = judge_groups(&search, out);
	free(search.members);
	per_thread_free(&search.groups);
	pauses_free(&search.pauses);
	return r;
}

static void free_standstill(void *found)
{
	struct standstill *still = found;

	free(still->victims);
	cpu_profile_free(&still->profile);
}

const struct detector standstill_detector = {
	.found_bytes = sizeof(struct standstill),
	.evidence = EVIDENCE_SIGNS,
	.find = find_standstill,
	.report = standstill_report,
	.free = free_standstill,
};