/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/wait_groups.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/util/hash.h"

int wait_groups_order(const void *left, const void *right)
{
	const struct model_wait *a = left, *b = right;
	uint64_t a_ns = a->blocked_ns + a->runnable_ns, b_ns = b->blocked_ns + b->runnable_ns;

	if (a->idle != b->idle)
		return a->idle - b->idle;
	if (a_ns != b_ns)
		return a_ns < b_ns ? 1 : -1;
	return (a->count < b->count) - (a->count > b->count);
}

/* Several stacks are one row where a person would call it the same wait. */
struct group_key {
	uint32_t class, idle;
	const char *operation; /* interned: same text, same address */
};

struct group {
	struct group_key key;
	size_t place; /* in model->wait_groups */
	uint64_t stack_ns;
	UT_hash_handle hh;
};

struct member {
	uint64_t group_thread; /* place of the group and thread index */
	UT_hash_handle hh;
};

struct grouping {
	struct model *model;
	struct group *by_key;
	struct {
		struct group *asleep, *woken;
	} * by_wait; /* by place in wait_stats_waits() */
	struct member *members;
};

/* The group of @key, made from @wait if need be; NULL on lack of memory. */
static struct group *get_group(struct grouping *grouping, const struct group_key *key,
			       const struct model_wait *wait)
{
	struct model_wait *row;
	struct group *group;

	HASH_FIND(hh, grouping->by_key, key, sizeof(*key), group);
	if (group)
		return group;
	group = calloc(1, sizeof(*group));
	if (!group)
		return NULL;
	group->key = *key;
	group->place = grouping->model->wait_group_count++;
	HASH_ADD(hh, grouping->by_key, key, sizeof(group->key), group);
	row = &grouping->model->wait_groups[group->place];
	*row = (struct model_wait){
		.class = wait->class,
		.idle = wait->idle,
		.operation = wait->operation,
	};
	return group;
}

static struct group *add_to_group(struct grouping *grouping, const struct model_wait *wait)
{
	struct group_key key = { wait->class, wait->idle,
				 *wait->operation ? wait->operation : NULL };
	uint64_t wait_ns = wait->blocked_ns + wait->runnable_ns;
	struct group *group = get_group(grouping, &key, wait);
	struct model_wait *row;

	if (!group)
		return NULL;
	row = &grouping->model->wait_groups[group->place];
	row->blocked_ns += wait->blocked_ns;
	row->runnable_ns += wait->runnable_ns;
	row->count += wait->count;
	row->estimated_ns += wait->estimated_ns;
	row->estimated_count += wait->estimated_count;
	if (wait->max_ns > row->max_ns)
		row->max_ns = wait->max_ns;
	if (wait_ns > group->stack_ns || !group->stack_ns) {
		group->stack_ns = wait_ns;
		row->stack = wait->stack;
		row->detail = wait->detail;
	}
	return group;
}

/* Once woken, a thread no longer waits for what it slept for, but for a CPU. */
static int add_wait(struct grouping *grouping, const struct model_wait *wait, size_t place)
{
	struct model_wait asleep = *wait, woken = {
		.class = WAIT_CPU_RUNQUEUE,
		.idle = false,
		.operation = "",
		.detail = "after a wake-up",
		.runnable_ns = wait->woken_ns,
		.count = wait->woken,
		.max_ns = wait->woken_max_ns,
	};

	asleep.runnable_ns -= wait->woken_ns;
	grouping->by_wait[place].asleep = add_to_group(grouping, &asleep);
	if (wait->woken)
		grouping->by_wait[place].woken = add_to_group(grouping, &woken);
	return grouping->by_wait[place].asleep && (!wait->woken || grouping->by_wait[place].woken)
		       ? 0
		       : -ENOMEM;
}

static int add_thread(struct grouping *grouping, const struct group *group, uint32_t thread_index)
{
	uint64_t group_thread = (uint64_t)group->place << 32 | thread_index;
	struct member *member;

	HASH_FIND(hh, grouping->members, &group_thread, sizeof(group_thread), member);
	if (member)
		return 0;
	member = calloc(1, sizeof(*member));
	if (!member)
		return -ENOMEM;
	member->group_thread = group_thread;
	HASH_ADD(hh, grouping->members, group_thread, sizeof(member->group_thread), member);
	grouping->model->wait_groups[group->place].threads++;
	return 0;
}

static int add_thread_of_wait(void *context, size_t place, uint32_t thread_index)
{
	struct grouping *grouping = context;
	int r = add_thread(grouping, grouping->by_wait[place].asleep, thread_index);

	if (!r && grouping->by_wait[place].woken)
		r = add_thread(grouping, grouping->by_wait[place].woken, thread_index);
	return r;
}

static void free_grouping(struct grouping *grouping)
{
	hash_free(grouping->members);
	hash_free(grouping->by_key);
	free(grouping->by_wait);
}

int wait_groups_make(const struct wait_stats *stats, struct model *model)
{
	struct grouping grouping = { .model = model };
	int r = -ENOMEM;

	model->wait_groups = calloc(2 * model->wait_count + 1, sizeof(*model->wait_groups));
	grouping.by_wait = calloc(model->wait_count + 1, sizeof(*grouping.by_wait));
	if (!model->wait_groups || !grouping.by_wait)
		goto out;
	for (size_t i = 0; i < model->wait_count; i++) {
		r = add_wait(&grouping, &model->waits[i], i);
		if (r)
			goto out;
	}
	r = wait_stats_wait_threads(stats, add_thread_of_wait, &grouping);
	if (r)
		goto out;
	if (model->wait_group_count)
		qsort(model->wait_groups, model->wait_group_count, sizeof(*model->wait_groups),
		      wait_groups_order);
out:
	free_grouping(&grouping);
	return r;
}
