/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/activity/cpu_profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/activity/stack_sums.h"
#include "analyzer/trace/frame_name.h"

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

static int add_stacks(const struct stack_table *stacks, const struct stack_sum *sums,
		      struct cpu_profile *profile, struct named **named)
{
	uint32_t most = 0;

	for (const struct stack_sum *sum = sums; sum; sum = sum->hh.next) {
		const struct frame *frames = NULL;
		size_t count = stack_table_frames(stacks, sum->stack_id, &frames);

		profile->samples += sum->samples;
		if (!count)
			continue;
		if (frames[0].kernel)
			profile->kernel_samples += sum->samples;
		if (sum->samples > most) {
			most = sum->samples;
			profile->stack_id = sum->stack_id;
		}
		if (add_named(named, &frames[0], sum->samples))
			return -ENOMEM;
	}
	return 0;
}

int cpu_profile_read(const struct history *history, const struct stack_table *stacks,
		     const struct thread *thread, uint64_t start_ns, uint64_t end_ns,
		     struct cpu_profile *ret_profile)
{
	struct cpu_profile profile = { .stack_id = STACK_NONE };
	struct named *named = NULL, *entry, *next;
	struct stack_sum *sums = NULL;
	int r = stack_sums_add_samples(&sums, history, thread, start_ns, end_ns);

	if (!r)
		r = add_stacks(stacks, sums, &profile, &named);
	if (r)
		goto out;
	HASH_SORT(named, compare_samples);
	for (entry = named; entry && profile.top_count < PROFILE_TOP; entry = entry->hh.next) {
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
	stack_sums_free(&sums);
	return r;
}

void cpu_profile_free(struct cpu_profile *profile)
{
	for (size_t i = 0; i < profile->top_count; i++)
		free(profile->top[i].name);
	*profile = (struct cpu_profile){ 0 };
}
