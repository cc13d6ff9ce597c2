/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/buffer/event_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/event.h"
#include "recorder/buffer/recorder_events.h"

struct item {
	struct item *next;
	struct ft_event event;
	struct ft_task task, other;
	struct ft_stack stack;
	_Alignas(8) char bytes[]; /* the frames of the stack, then the texts */
};

struct event_list {
	size_t count_max, count;
	uint64_t added;
	struct item *first, **last;
};

int event_list_create(size_t count_max, struct event_list **ret_list)
{
	struct event_list *list = calloc(1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	list->count_max = count_max;
	list->last = &list->first;
	*ret_list = list;
	return 0;
}

static void remove_first(struct event_list *list)
{
	struct item *item = list->first;
	list->first = item->next;
	if (!list->first)
		list->last = &list->first;
	list->count--;
	free(item);
}

void event_list_destroy(struct event_list *list)
{
	if (!list)
		return;
	while (list->first)
		remove_first(list);
	free(list);
}

/* Return: a malloc'ed copy of the event with what it points to, or NULL. */
static struct item *copy_event(const struct ft_event *event)
{
	const struct ft_stack *stack = event->stack;
	size_t frames_bytes =
		stack ? ((size_t)stack->kernel_count + stack->user_count) * sizeof(*stack->frames)
		      : 0;
	struct item *item = malloc(sizeof(*item) + frames_bytes + ft_event_texts_bytes(event));
	if (!item)
		return NULL;
	item->next = NULL;
	item->event = *event;
	item->task = *event->task;
	item->event.task = &item->task;
	if (stack) {
		memcpy(item->bytes, stack->frames, frames_bytes);
		item->stack = *stack;
		item->stack.frames = (const uint64_t *)(const void *)item->bytes;
		item->event.stack = &item->stack;
	}
	if (event->kind == FT_EVENT_PEER) {
		item->other = *event->peer.task;
		item->event.peer.task = &item->other;
	}
	ft_event_move_texts(&item->event, item->bytes + frames_bytes);
	return item;
}

/* The kinds that the recorder itself has to say. */
static bool is_own_kind(enum ft_event_kind kind)
{
	return kind == FT_EVENT_STATE || kind == FT_EVENT_UNWOUND || kind == FT_EVENT_NOTE ||
	       kind == FT_EVENT_COUNTER || kind == FT_EVENT_SCHEDULING ||
	       kind == FT_EVENT_OBJECT || kind == FT_EVENT_PEER;
}

int event_list_add(struct event_list *list, const struct ft_event *event)
{
	if (!is_own_kind(event->kind))
		return -EINVAL;
	struct item *item = copy_event(event);
	if (!item)
		return -ENOMEM;
	*list->last = item;
	list->last = &item->next;
	list->added++;
	if (++list->count > list->count_max)
		remove_first(list);
	return 0;
}

int event_list_copy(const struct event_list *list, uint64_t since_ns,
		    struct recorder_events *events)
{
	for (const struct item *item = list->first; item; item = item->next)
		if (item->event.time_ns >= since_ns &&
		    recorder_events_add(events, &item->event) == -ENOMEM)
			return -ENOMEM;
	return 0;
}

void event_list_copy_new(const struct event_list *list, uint64_t *seen,
			 struct recorder_events *events)
{
	uint64_t number = list->added - list->count;
	for (const struct item *item = list->first; item; item = item->next)
		if (number++ >= *seen)
			recorder_events_add(events, &item->event);
	*seen = list->added;
}

void event_list_forget(struct event_list *list, uint64_t before_ns)
{
	while (list->first && list->first->event.time_ns < before_ns)
		remove_first(list);
}
