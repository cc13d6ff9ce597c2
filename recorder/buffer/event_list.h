/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of the recorder itself that wait for a capture to take them: thread
 * states, unwound stacks, notes. Copies, oldest first, at most so many.
 */
#ifndef RECORDER_EVENTLIST_H
#define RECORDER_EVENTLIST_H

#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"
#include "recorder/buffer/recorder_events.h"

struct eventlist;

/* @most: then the oldest makes way. Return: 0 or -ENOMEM. */
int eventlist_create(size_t most, struct eventlist **ret_list);
void eventlist_destroy(struct eventlist *list);

/* STATE, UNWOUND or NOTE. Return: 0, -ENOMEM, -EINVAL (of another kind). */
int eventlist_add(struct eventlist *list, const struct ft_event *event);

/* Copy those from @since_ns on. Return: 0 or -ENOMEM. */
int eventlist_copy(const struct eventlist *list, uint64_t since_ns, struct ownlog *ownlog);

/* Copy those added since the last call with this @seen, at first 0. */
void eventlist_copy_new(const struct eventlist *list, uint64_t *seen, struct ownlog *ownlog);

void eventlist_forget(struct eventlist *list, uint64_t before_ns);

size_t eventlist_count(const struct eventlist *list);

#endif
