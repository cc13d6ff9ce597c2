/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/sliced.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/pass.h"

static int watch_event(void *context, const struct event *event)
{
	return hold_event(context, event);
}

static int watch_closed(void *context, const struct interval *interval)
{
	return hold_closed(context, interval);
}

/* What the one did that had it meanwhile. */
static int read_story(struct source *source, struct stackfacts *stackfacts, struct suspect *suspect)
{
	const struct lock_hold *longest = &suspect->owner.longest;
	const struct locks_options options = { 0 };
	struct hold *hold = NULL;
	struct pass *pass = NULL;
	int r;

	r = hold_create(source_stacks(source), stackfacts, suspect->owner.thread,
			longest->start_ns, longest->end_ns, &hold);
	if (!r)
		r = pass_create(source, stackfacts, &options, &pass);
	if (!r)
		r = pass_run(pass, &(struct pass_watcher){ watch_event, watch_closed, hold });
	if (!r)
		r = hold_tell(hold, &suspect->story);
	pass_destroy(pass);
	hold_destroy(hold);
	return r;
}

static void fill_owner(const struct stood_still *still, struct suspect *suspect)
{
	suspect->has_owner = true;
	suspect->owner = (struct lock_owner){
		.thread = still->waker,
		/* It had it since before anybody waited, until it woke one. */
		.longest = {
			.start_ns = still->longest.start_ns,
			.end_ns = still->first.end_ns,
			.stack_id = still->first.waker_stack_id,
			.first_woken = still->first.thread,
		},
	};
}

static int fill_victims(const struct futex_doubt *doubt, struct suspect *suspect)
{
	uint64_t end_ns = suspect->owner.longest.end_ns;

	suspect->victims = calloc(doubt->still.threads, sizeof(*suspect->victims));
	if (!suspect->victims)
		return -ENOMEM;
	for (size_t i = 0; i < doubt->still.threads; i++) {
		const struct stood *stood = &doubt->stood[i];
		uint64_t ns = stood->end_ns - stood->start_ns;

		suspect->victims[suspect->victim_count++] =
			(struct victim){ stood->thread, ns, ns, stood->start_ns };
		suspect->wait_ns += ns;
		suspect->owner.blamed_ns +=
			(stood->end_ns < end_ns ? stood->end_ns : end_ns) - stood->start_ns;
	}
	suspect->waits = suspect->victim_count;
	suspect->owner.plausible_ns = suspect->owner.blamed_ns;
	suspect_sort_victims(suspect);
	suspect->holder = suspect->owner;
	return 0;
}

int sliced_find(struct source *source, struct stackfacts *stackfacts,
		const struct futexes *futexes, struct target *target, uint64_t stall_ns,
		struct suspect *ret_suspect)
{
	struct futex_doubt doubt;
	int r;

	*ret_suspect = (struct suspect){ .class = WAIT_LOCK_USER, .wait_stack_id = STACK_NONE };
	if (!futexes_doubt(futexes, target_counts, target, &doubt) ||
	    doubt.still.kind != STANDSTILL_SLICES || !doubt.still.waker ||
	    doubt.still.longest.end_ns - doubt.still.longest.start_ns < stall_ns)
		return 0;
	ret_suspect->in_slices = true;
	ret_suspect->address = doubt.address;
	ret_suspect->tgid = doubt.still.longest.thread->tgid;
	fill_owner(&doubt.still, ret_suspect);
	r = fill_victims(&doubt, ret_suspect);
	return r ? r : read_story(source, stackfacts, ret_suspect);
}
