/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/locks/futex_wakes.h"

#include <errno.h>
#include <linux/futex.h>

/* Such a call takes microseconds, and does not sleep. Later it has returned, and what wakes is something else. */
#define CALL_NS 1000000u

/* The call that a thread is in, if it was the last that is known of it. */
struct release {
	uint64_t address; /* 0: none */
	uint32_t left; /* to be woken by it */
	uint64_t called_ns;
};

void futex_wakes_init(struct futex_wakes *releases)
{
	*releases = (struct futex_wakes){ .calls.entry_bytes = sizeof(struct release) };
}

void futex_wakes_free(struct futex_wakes *releases)
{
	per_thread_free(&releases->calls);
}

bool futex_wakes_call(const struct ft_event *event)
{
	if (event->kind != FT_EVENT_CALL || event->call.call != FT_CALL_FUTEX)
		return false;
	switch (event->call.args[1] & (uint32_t)FUTEX_CMD_MASK) {
	case FUTEX_WAKE:
	case FUTEX_WAKE_BITSET:
	case FUTEX_WAKE_OP:
	case FUTEX_UNLOCK_PI:
	case FUTEX_REQUEUE: /* whoever is woken at once slept at the first address */
	case FUTEX_CMP_REQUEUE:
	case FUTEX_CMP_REQUEUE_PI:
		return true;
	default:
		return false;
	}
}

static int enter(struct futex_wakes *releases, const struct event *event)
{
	struct release *release = per_thread_get(&releases->calls, event->thread);
	uint32_t value = (uint32_t)event->raw.call.args[2];

	if (!release)
		return -ENOMEM;
	*release = (struct release){
		.address = event->raw.call.args[0],
		.left = value && value <= INT32_MAX ? value : 1, /* FUTEX_UNLOCK_PI has none */
		.called_ns = event->raw.time_ns,
	};
	return 0;
}

static void leave(struct futex_wakes *releases, const struct thread *thread)
{
	struct release *release = per_thread_find(&releases->calls, thread);

	if (release)
		release->address = 0;
}

int futex_wakes_event(struct futex_wakes *releases, const struct event *event)
{
	if (futex_wakes_call(&event->raw))
		return enter(releases, event);
	if (event->raw.kind == FT_EVENT_LOST && event->raw.time_ns > releases->lost_ns)
		releases->lost_ns = event->raw.time_ns;
	if (event->raw.kind == FT_EVENT_CALL || event->raw.kind == FT_EVENT_SWITCH)
		leave(releases, event->thread);
	return 0;
}

bool futex_wakes_take(struct futex_wakes *releases, const struct thread *thread, uint64_t address,
		      uint64_t time_ns)
{
	struct release *release = per_thread_find(&releases->calls, thread);

	if (!release || !release->address || release->address != address || !release->left ||
	    /* It may have returned, and others may have been woken. */
	    release->called_ns <= releases->lost_ns || release->called_ns > time_ns ||
	    time_ns - release->called_ns > CALL_NS)
		return false;
	release->left--;
	return true;
}
