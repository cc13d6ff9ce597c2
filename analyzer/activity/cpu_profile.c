/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/activity/cpu_profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "analyzer/trace/frame_name.h"

struct place {
	uint32_t stack_id;
	uint32_t samples;
	UT_hash_handle hh;
};

struct cpu_profiler {
	const struct stack_table *stacks;
	const struct thread *thread;
	uint64_t start_ns, end_ns;
	struct place *places;
};

int cpu_profiler_create(const struct stack_table *stacks, const struct thread *thread,
			uint64_t start_ns, uint64_t end_ns, struct cpu_profiler **ret_profiler)
{
	struct cpu_profiler *profiler = calloc(1, sizeof(*profiler));

	if (!profiler)
		return -ENOMEM;
	profiler->stacks = stacks;
	profiler->thread = thread;
	profiler->start_ns = start_ns;
	profiler->end_ns = end_ns;
	*ret_profiler = profiler;
	return 0;
}

void cpu_profiler_destroy(struct cpu_profiler *profiler)
{
	struct place *place, *next;

	if (!profiler)
		return;
	HASH_ITER(hh, profiler->places, place, next)
	{
		HASH_DEL(profiler->places, place);
		free(place);
	}
	free(profiler);
}

int cpu_profiler_event(struct cpu_profiler *profiler, const struct event *event)
{
	struct place *place;
	uint32_t stack_id = event->stack_id;

	if (event->raw.kind != FT_EVENT_SAMPLE || event->thread != profiler->thread ||
	    event->raw.time_ns < profiler->start_ns || event->raw.time_ns > profiler->end_ns)
		return 0;
	HASH_FIND_INT(profiler->places, &stack_id, place);
	if (!place) {
		place = calloc(1, sizeof(*place));
		if (!place)
			return -ENOMEM;
		place->stack_id = stack_id;
		HASH_ADD_INT(profiler->places, stack_id, place);
	}
	place->samples++;
	return 0;
}

/* Sum of samples by name of the innermost function. */
struct named {
	char *name;
	uint32_t samples;
	UT_hash_handle hh;
};

static int compare_samples(const void *left, const void *right)
{
	const struct named *a = left, *b = right;

	if (a->samples != b->samples)
		return a->samples < b->samples ? 1 : -1;
	return strcmp(a->name, b->name);
}

/* A function without a symbol is its module: addresses in it would each be alone. */
static char *find_leaf_name(const struct frame *leaf)
{
	if (!leaf->symbol && leaf->module)
		return strdup(leaf->module);
	return frame_name_of(leaf);
}

static int add_named(struct named **named, const struct frame *leaf, uint32_t samples)
{
	char *name = find_leaf_name(leaf);
	struct named *entry;

	if (!name)
		return -ENOMEM;
	HASH_FIND_STR(*named, name, entry);
	if (entry) {
		free(name);
	} else {
		entry = calloc(1, sizeof(*entry));
		if (!entry) {
			free(name);
			return -ENOMEM;
		}
		entry->name = name;
		HASH_ADD_KEYPTR(hh, *named, entry->name, strlen(entry->name), entry);
	}
	entry->samples += samples;
	return 0;
}

static int add_places(const struct cpu_profiler *profiler, struct cpu_profile *profile,
		      struct named **named)
{
	struct place *place, *next;
	uint32_t most = 0;

	HASH_ITER(hh, profiler->places, place, next)
	{
		const struct frame *frames = NULL;
		size_t count = stack_table_frames(profiler->stacks, place->stack_id, &frames);

		profile->samples += place->samples;
		if (!count)
			continue;
		if (frames[0].kernel)
			profile->kernel_samples += place->samples;
		if (place->samples > most) {
			most = place->samples;
			profile->stack_id = place->stack_id;
		}
		if (add_named(named, &frames[0], place->samples))
			return -ENOMEM;
	}
	return 0;
}

int cpu_profiler_read(const struct cpu_profiler *profiler, struct cpu_profile *ret_profile)
{
	struct cpu_profile profile = { .stack_id = STACK_NONE };
	struct named *named = NULL, *entry, *next;
	int r = add_places(profiler, &profile, &named);

	if (r)
		goto out;
	HASH_SORT(named, compare_samples);
	HASH_ITER(hh, named, entry, next)
	{
		if (profile.top_count == PROFILE_TOP)
			break;
		profile.top[profile.top_count++] =
			(struct cpu_profile_place){ entry->name, entry->samples };
		entry->name = NULL;
	}
	*ret_profile = profile;
out:
	HASH_ITER(hh, named, entry, next)
	{
		HASH_DEL(named, entry);
		free(entry->name);
		free(entry);
	}
	return r;
}

void cpu_profile_free(struct cpu_profile *profile)
{
	for (size_t i = 0; i < profile->top_count; i++)
		free(profile->top[i].name);
	*profile = (struct cpu_profile){ 0 };
}
