/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded list of copied events, oldest first: the recorder's own events (thread states, unwound
 * stacks, notes) that wait for a capture.
 */
#ifndef RECORDER_BUFFER_EVENT_LIST_H
#define RECORDER_BUFFER_EVENT_LIST_H

#include <stddef.h>
#include <stdint.h>

struct event_list;
struct ft_event;
struct recorder_events;

/* A list of @count_max events drops its oldest for a new one. Return: 0 or -ENOMEM. */
int event_list_create(size_t count_max, struct event_list **ret_list);
void event_list_destroy(struct event_list *list);

/* Copy @event, a STATE, UNWOUND, NOTE, COUNTER, SCHEDULING, OBJECT or PEER. Return: 0, -ENOMEM, -EINVAL (another kind). */
int event_list_add(struct event_list *list, const struct ft_event *event);

/* Append the events from @since_ns on to @events. Return: 0 or -ENOMEM. */
int event_list_copy(const struct event_list *list, uint64_t since_ns,
		    struct recorder_events *events);

/* Append the events added since the last call with this @seen, which starts as 0. */
void event_list_copy_new(const struct event_list *list, uint64_t *seen,
			 struct recorder_events *events);

void event_list_forget(struct event_list *list, uint64_t before_ns);

#endif
