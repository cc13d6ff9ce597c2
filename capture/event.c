/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all events of a kind have in common, and copies of the texts that an event borrows.
 */
#include "capture/event.h"

#include <string.h>

#include "capture/event_table.h"

const struct ft_task ft_nobody;

#define OF_TASK	  false
#define OF_NOBODY true
#define AT(member) offsetof(struct ft_event, member)
#define ROW(kind, whose, other, fields, ...)                                                       \
	[FT_EVENT_##kind] = { .of_nobody = OF_##whose,                                             \
			      .other_at = other,                                                   \
			      .texts_at = { __VA_ARGS__ } },

/* clang-format off */
const struct ft_event_descriptor ft_event_descriptors[FT_EVENT_KINDS] = {
	FT_EVENT_TABLE(ROW, FT_EVENT_TABLE_NOTHING, AT)
};
/* clang-format on */

/* @number: of the text. NULL: @event has not so many. */
static const char **find_text(struct ft_event *event, unsigned int number)
{
	const uint8_t *at = ft_event_descriptors[event->kind].texts_at;

	if (number >= FT_EVENT_TEXTS_MAX || !at[number])
		return NULL;
	return (const char **)(void *)((char *)event + at[number]);
}

size_t ft_event_texts_bytes(const struct ft_event *event)
{
	struct ft_event copy = *event;
	const char **text;
	size_t bytes = 0;

	for (unsigned int i = 0; (text = find_text(&copy, i)); i++)
		bytes += strlen(*text) + 1;
	return bytes;
}

void ft_event_move_texts(struct ft_event *event, char *to)
{
	const char **text;

	for (unsigned int i = 0; (text = find_text(event, i)); i++) {
		size_t bytes = strlen(*text) + 1;

		*text = memcpy(to, *text, bytes);
		to += bytes;
	}
}
