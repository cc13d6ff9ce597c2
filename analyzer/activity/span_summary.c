/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/span_summary.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "analyzer/locks/replay.h"

/* A function is said to hold "nearly all" samples from this share on. */
#define NEARLY_ALL_PERCENT 95u

struct place {
	uint32_t stack_id;
	uint32_t samples;
	uint64_t blocked_ns;
	UT_hash_handle hh;
};

struct hold {
	const struct stack_table *stacks;
	struct stack_infos *stackfacts;
	const struct thread *thread;
	uint64_t start_ns, end_ns;
	uint64_t state_ns[THREAD_STATES];
	struct place *places;
	uint32_t samples;
};

int hold_create(const struct stack_table *stacks, struct stack_infos *stackfacts,
		const struct thread *thread, uint64_t start_ns, uint64_t end_ns,
		struct hold **ret_hold)
{
	struct hold *hold = calloc(1, sizeof(*hold));

	if (!hold)
		return -ENOMEM;
	hold->stacks = stacks;
	hold->stackfacts = stackfacts;
	hold->thread = thread;
	hold->start_ns = start_ns;
	hold->end_ns = end_ns;
	*ret_hold = hold;
	return 0;
}

void hold_destroy(struct hold *hold)
{
	struct place *place, *next;

	if (!hold)
		return;
	HASH_ITER(hh, hold->places, place, next)
	{
		HASH_DEL(hold->places, place);
		free(place);
	}
	free(hold);
}

static struct place *place_of(struct hold *hold, uint32_t stack_id)
{
	struct place *place;

	HASH_FIND_INT(hold->places, &stack_id, place);
	if (place)
		return place;
	place = calloc(1, sizeof(*place));
	if (!place)
		return NULL;
	place->stack_id = stack_id;
	HASH_ADD_INT(hold->places, stack_id, place);
	return place;
}

int hold_event(struct hold *hold, const struct event *event)
{
	struct place *place;

	if (event->raw.kind != FT_EVENT_SAMPLE || event->thread != hold->thread ||
	    event->stack_id == STACK_NONE || event->raw.time_ns < hold->start_ns ||
	    event->raw.time_ns > hold->end_ns)
		return 0;
	place = place_of(hold, event->stack_id);
	if (!place)
		return -ENOMEM;
	place->samples++;
	hold->samples++;
	return 0;
}

int hold_closed(struct hold *hold, const struct interval *interval)
{
	uint64_t from_ns = interval->start_ns, to_ns = interval->end_ns;
	struct place *place;

	if (interval->thread != hold->thread)
		return 0;
	if (from_ns < hold->start_ns)
		from_ns = hold->start_ns;
	if (to_ns > hold->end_ns)
		to_ns = hold->end_ns;
	if (to_ns <= from_ns)
		return 0;
	hold->state_ns[interval->state] += to_ns - from_ns;
	if (interval->state != THREAD_BLOCKED)
		return 0;
	place = place_of(hold, interval->stack_id);
	if (!place)
		return -ENOMEM;
	place->blocked_ns += to_ns - from_ns;
	return 0;
}

/* Kernel frames of a stack: leaf first, they come before the user's. */
static size_t kernel_frames(const struct hold *hold, uint32_t stack_id,
			    const struct frame **ret_frames)
{
	size_t count = stack_table_frames(hold->stacks, stack_id, ret_frames), kernel = 0;

	while (kernel < count && (*ret_frames)[kernel].kernel)
		kernel++;
	return kernel;
}

struct sampled {
	const struct frame *frames;
	size_t count;
	uint32_t samples;
};

/* Samples whose frame @depth from the root is the function @symbol. */
static uint32_t samples_at(const struct sampled *sampled, size_t count, size_t depth,
			   const char *symbol)
{
	uint32_t samples = 0;

	for (size_t i = 0; i < count; i++) {
		const char *other;

		if (sampled[i].count <= depth)
			continue;
		other = sampled[i].frames[sampled[i].count - 1 - depth].symbol;
		if (other && !strcmp(other, symbol))
			samples += sampled[i].samples;
	}
	return samples;
}

/* Walk from the root towards the leaves of the stack sampled most, as long as nearly all samples follow. */
static void find_under(const struct sampled *sampled, size_t count, const struct sampled *most,
		       struct hold_story *story)
{
	for (size_t depth = 0; depth < most->count; depth++) {
		const char *symbol = most->frames[most->count - 1 - depth].symbol;
		uint32_t samples;

		if (!symbol)
			continue;
		samples = samples_at(sampled, count, depth, symbol);
		if ((uint64_t)samples * 100 < (uint64_t)story->samples * NEARLY_ALL_PERCENT)
			break;
		story->under = symbol;
		story->samples_under = samples;
	}
}

static int tell_samples(const struct hold *hold, struct hold_story *story)
{
	const struct sampled *most = NULL;
	struct sampled *sampled;
	struct place *place, *next;
	size_t count = 0;

	if (!hold->samples)
		return 0;
	sampled = calloc(HASH_COUNT(hold->places), sizeof(*sampled));
	if (!sampled)
		return -ENOMEM;
	HASH_ITER(hh, hold->places, place, next)
	{
		struct sampled *entry = &sampled[count];

		if (!place->samples)
			continue;
		entry->samples = place->samples;
		entry->count = kernel_frames(hold, place->stack_id, &entry->frames);
		if (!most || entry->samples > most->samples) {
			most = entry;
			story->stack_id = place->stack_id;
		}
		count++;
	}
	if (most)
		find_under(sampled, count, most, story);
	free(sampled);
	return 0;
}

int hold_tell(const struct hold *hold, struct hold_story *ret_story)
{
	struct hold_story story = { .samples = hold->samples };
	const struct stack_info *fact;
	struct place *place, *next;
	int r;

	memcpy(story.state_ns, hold->state_ns, sizeof(story.state_ns));
	r = tell_samples(hold, &story);
	if (r)
		return r;
	HASH_ITER(hh, hold->places, place, next)
	{
		if (place->blocked_ns <= story.longest_blocked_ns)
			continue;
		story.longest_blocked_ns = place->blocked_ns;
		story.blocked_stack_id = place->stack_id;
	}
	if (story.longest_blocked_ns) {
		fact = stack_infos_get(hold->stackfacts, story.blocked_stack_id);
		if (!fact)
			return -ENOMEM;
		story.blocked_class = fact->uninterruptible.class;
	}
	if (!story.samples || story.state_ns[THREAD_BLOCKED] > story.state_ns[THREAD_RUNNING])
		story.stack_id = story.longest_blocked_ns ? story.blocked_stack_id : story.stack_id;
	*ret_story = story;
	return 0;
}

static int watch_event(void *context, const struct event *event)
{
	return hold_event(context, event);
}

static int watch_closed(void *context, const struct interval *interval)
{
	return hold_closed(context, interval);
}

int hold_read(struct source *source, struct stack_infos *stackfacts, const struct thread *thread,
	      uint64_t start_ns, uint64_t end_ns, struct hold_story *ret_story)
{
	struct hold *hold = NULL;
	int r = hold_create(source_stacks(source), stackfacts, thread, start_ns, end_ns, &hold);

	if (!r)
		r = replay_over(source, stackfacts,
				&(struct replay_watcher){ watch_event, watch_closed, hold });
	if (!r)
		r = hold_tell(hold, ret_story);
	hold_destroy(hold);
	return r;
}
