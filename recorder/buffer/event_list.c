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
	struct ft_task task;
	struct ft_stack stack;
	_Alignas(8) char text[]; /* of a note; for other events the frames of the stack */
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
	const struct ft_stack *stack = event->kind == FT_EVENT_NOTE ? NULL : event->stack;
	size_t frames = stack ? (size_t)stack->kernel_count + stack->user_count : 0;
	size_t bytes = event->kind == FT_EVENT_NOTE ? strlen(event->note.text) + 1
						    : frames * sizeof(*stack->frames);
	struct item *item = malloc(sizeof(*item) + bytes);
	if (!item)
		return NULL;
	item->next = NULL;
	item->event = *event;
	item->task = *event->task;
	item->event.task = &item->task;
	item->event.stack = NULL;
	if (event->kind == FT_EVENT_NOTE) {
		memcpy(item->text, event->note.text, bytes);
		item->event.note.text = item->text;
	} else if (stack) {
		memcpy(item->text, stack->frames, bytes);
		item->stack = *stack;
		item->stack.frames = (const uint64_t *)(const void *)item->text;
		item->event.stack = &item->stack;
	}
	return item;
}

int event_list_add(struct event_list *list, const struct ft_event *event)
{
	if (event->kind != FT_EVENT_STATE && event->kind != FT_EVENT_UNWOUND &&
	    event->kind != FT_EVENT_NOTE)
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
