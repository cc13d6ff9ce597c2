/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/trigger/trigger_queue.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "recorder/base/clock.h"

#define WAITING_MOST 64 /* a power of 2 */

/*
 * A bounded queue without locks, since a thread that is preempted while it posts must not hold up
 * another one. turn says who owns a slot: the poster if it equals the position, the taker if it is
 * one more. The taker adds WAITING_MOST, which makes it free for the next round.
 */
struct slot {
	_Atomic uint64_t turn;
	struct trigger trigger;
};

struct trigger_queue {
	struct slot slots[WAITING_MOST];
	_Atomic uint64_t posted;
	_Atomic uint64_t forgotten;
	uint64_t taken; /* used by the only taker */
	int fd;
};

int trigger_queue_create(struct trigger_queue **ret_triggers)
{
	struct trigger_queue *triggers = calloc(1, sizeof(*triggers));
	if (!triggers)
		return -ENOMEM;
	for (uint64_t i = 0; i < WAITING_MOST; i++)
		triggers->slots[i].turn = i;
	triggers->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (triggers->fd < 0) {
		int error = -errno;
		free(triggers);
		return error;
	}
	*ret_triggers = triggers;
	return 0;
}

void trigger_queue_destroy(struct trigger_queue *triggers)
{
	if (!triggers)
		return;
	close(triggers->fd);
	free(triggers);
}

int trigger_queue_fd(const struct trigger_queue *triggers)
{
	return triggers->fd;
}

uint64_t trigger_queue_forgotten(const struct trigger_queue *triggers)
{
	return triggers->forgotten;
}

/* Makes @text one line; a character cut in half goes. */
static void clean_text(char *text, bool cut)
{
	size_t length = strlen(text);
	if (cut) {
		while (length && ((unsigned char)text[length - 1] & 0xc0) == 0x80)
			length--;
		if (length && (unsigned char)text[length - 1] >= 0xc0)
			length--;
		text[length] = '\0';
	}
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = ' ';
}

/* A full eventfd is readable already, so a failure does not matter. */
static void wake_taker(const struct trigger_queue *triggers)
{
	if (eventfd_write(triggers->fd, 1) < 0)
		return;
}

uint64_t trigger_queue_post(struct trigger_queue *triggers, const char *source, uint64_t time_ns,
			    const char *format, ...)
{
	uint64_t position = triggers->posted;
	struct slot *slot;

	for (;;) {
		slot = &triggers->slots[position % WAITING_MOST];
		uint64_t turn = slot->turn;
		if (turn == position) {
			if (atomic_compare_exchange_weak(&triggers->posted, &position,
							 position + 1))
				break;
		} else if (turn < position) {
			triggers->forgotten++;
			return 0;
		} else {
			position = triggers->posted;
		}
	}

	struct trigger *trigger = &slot->trigger;
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(trigger->reason, sizeof(trigger->reason), format, arguments);
	va_end(arguments);
	if (length < 0)
		trigger->reason[0] = '\0';
	clean_text(trigger->reason, length >= (int)sizeof(trigger->reason));
	snprintf(trigger->source, sizeof(trigger->source), "%s", source);
	trigger->time_ns = time_ns ? time_ns : clock_now_ns();
	trigger->number = position + 1;
	slot->turn = position + 1;
	wake_taker(triggers);
	return position + 1;
}

static bool is_posted(struct trigger_queue *triggers, uint64_t position)
{
	return triggers->slots[position % WAITING_MOST].turn == position + 1;
}

bool trigger_queue_take(struct trigger_queue *triggers, struct trigger *ret_trigger)
{
	/* Read the eventfd first: what is posted after the check below makes it readable again. */
	eventfd_t ignored;
	(void)!eventfd_read(triggers->fd, &ignored);

	uint64_t position = triggers->taken;
	if (!is_posted(triggers, position))
		return false;
	struct slot *slot = &triggers->slots[position % WAITING_MOST];
	*ret_trigger = slot->trigger;
	slot->turn = position + WAITING_MOST;
	triggers->taken = ++position;
	if (is_posted(triggers, position))
		wake_taker(triggers);
	return true;
}
