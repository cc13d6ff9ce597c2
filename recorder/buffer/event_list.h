/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of the recorder itself that wait for a capture to take them: thread
 * states, unwound stacks, notes. Copies, oldest first, at most so many.
 */
#ifndef RECORDER_BUFFER_EVENT_LIST_H
#define RECORDER_BUFFER_EVENT_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"
#include "recorder/buffer/recorder_events.h"

struct event_list;

/* @most: then the oldest makes way. Return: 0 or -ENOMEM. */
int event_list_create(size_t most, struct event_list **ret_list);
void event_list_destroy(struct event_list *list);

/* STATE, UNWOUND or NOTE. Return: 0, -ENOMEM, -EINVAL (of another kind). */
int event_list_add(struct event_list *list, const struct ft_event *event);

/* Copy those from @since_ns on. Return: 0 or -ENOMEM. */
int event_list_copy(const struct event_list *list, uint64_t since_ns, struct recorder_events *ownlog);

/* Copy those added since the last call with this @seen, at first 0. */
void event_list_copy_new(const struct event_list *list, uint64_t *seen, struct recorder_events *ownlog);

void event_list_forget(struct event_list *list, uint64_t before_ns);

size_t event_list_count(const struct event_list *list);

#endif
