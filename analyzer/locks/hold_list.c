/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/locks/hold_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_LEAST 8u

void hold_list_free(struct hold_list *list)
{
	free(list->holds);
	free(list->longest);
	*list = (struct hold_list){ .count = 0 };
}

static uint64_t hold_length(const struct hold *hold)
{
	return hold->end_ns - hold->start_ns;
}

/* Of two indices, the one of the longer hold. @right: later than @left; may be behind the last hold. */
static uint32_t pick_longer(struct hold_list *list, uint32_t left, uint32_t right)
{
	list->steps++;
	if (right >= list->count)
		return left;
	return hold_length(&list->holds[right]) >= hold_length(&list->holds[left]) ? right : left;
}

static void update_node(struct hold_list *list, size_t node)
{
	list->longest[node] =
		pick_longer(list, list->longest[2 * node], list->longest[2 * node + 1]);
}

static void rebuild_tree(struct hold_list *list)
{
	for (size_t i = 0; i < list->room; i++)
		list->longest[list->room + i] = (uint32_t)i;
	for (size_t node = list->room; --node > 0;)
		update_node(list, node);
}

static void update_last(struct hold_list *list)
{
	for (size_t node = (list->room + list->count - 1) / 2; node > 0; node /= 2)
		update_node(list, node);
}

static int grow_room(struct hold_list *list)
{
	size_t room = list->room ? list->room * 2 : ROOM_LEAST;
	struct hold *holds;
	uint32_t *longest;

	if (room > UINT32_MAX / 2)
		return -ENOMEM;
	holds = reallocarray(list->holds, room, sizeof(*holds));
	if (!holds)
		return -ENOMEM;
	list->holds = holds;
	longest = reallocarray(list->longest, room * 2, sizeof(*longest));
	if (!longest)
		return -ENOMEM;
	list->longest = longest;
	list->room = room;
	rebuild_tree(list);
	return 0;
}

int hold_list_append(struct hold_list *list, const struct hold *hold)
{
	struct hold *last = list->count ? &list->holds[list->count - 1] : NULL;
	struct hold added = *hold;

	added.run_first = list->count;
	added.held_before_ns = 0;
	added.wait_step = 0;
	if (last) {
		if (added.start_ns < last->end_ns)
			added.start_ns = last->end_ns;
		if (added.end_ns < added.start_ns)
			added.end_ns = added.start_ns;
		if (added.start_ns == last->end_ns)
			added.run_first = last->run_first;
		added.held_before_ns = last->held_before_ns + hold_length(last);
	}
	if (last && !hold_length(last)) {
		if (added.start_ns > last->end_ns)
			added.run_first = list->count - 1;
		*last = added;
		update_last(list);
		return 0;
	}
	if (list->count == list->room && grow_room(list))
		return -ENOMEM;
	list->holds[list->count++] = added;
	update_last(list);
	return 0;
}

void hold_list_extend(struct hold_list *list, uint64_t end_ns)
{
	list->holds[list->count - 1].end_ns = end_ns;
	update_last(list);
}

void hold_list_drop(struct hold_list *list, size_t count)
{
	list->count -= count;
	if (!list->count)
		return;
	memmove(list->holds, list->holds + count, list->count * sizeof(*list->holds));
	for (size_t i = 0; i < list->count; i++) {
		struct hold *hold = &list->holds[i];

		hold->run_first = hold->run_first > count ? hold->run_first - count : 0;
	}
	list->steps += list->count;
	rebuild_tree(list);
}

size_t hold_list_ending_after(struct hold_list *list, uint64_t time_ns)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		list->steps++;
		if (list->holds[middle].end_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t hold_list_starting_before(struct hold_list *list, uint64_t time_ns)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		list->steps++;
		if (list->holds[middle].start_ns < time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t hold_list_longest(struct hold_list *list, size_t first, size_t last)
{
	size_t left_node = first + list->room, right_node = last + list->room + 1;
	uint32_t left = (uint32_t)first, right = (uint32_t)last;

	for (; left_node < right_node; left_node /= 2, right_node /= 2) {
		if (left_node & 1)
			left = pick_longer(list, left, list->longest[left_node++]);
		if (right_node & 1)
			right = pick_longer(list, list->longest[--right_node], right);
	}
	return pick_longer(list, left, right);
}

/* Whether no hold below @node is as long as @least_ns. */
static bool is_all_shorter(struct hold_list *list, size_t node, uint64_t least_ns)
{
	const struct hold *longest = &list->holds[list->longest[node]];

	list->steps++;
	return hold_length(longest) < least_ns;
}

/* Number of holds up to and with the last one before @end that is as long as @least_ns; 0: none is. */
static size_t count_to_long(struct hold_list *list, size_t end, uint64_t least_ns)
{
	size_t node = list->room + end - 1;

	if (!end)
		return 0;
	while (is_all_shorter(list, node, least_ns)) {
		while (!(node & 1))
			node /= 2;
		if (node == 1)
			return 0;
		node--;
	}
	while (node < list->room) {
		node = 2 * node + 1;
		if (is_all_shorter(list, node, least_ns))
			node--;
	}
	return node - list->room + 1;
}

size_t hold_list_run(struct hold_list *list, size_t first, size_t last, uint64_t short_ns)
{
	size_t run_first = list->holds[last].run_first;
	size_t behind_long = count_to_long(list, last, short_ns);

	if (run_first < first)
		run_first = first;
	return behind_long > run_first ? behind_long : run_first;
}
