/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/locks/futex_wakes.h"

#include <errno.h>
#include <linux/futex.h>

/* Such a call takes microseconds and does not sleep: after this time it has returned. */
#define CALL_NS 1000000u

/* The call that a thread is in. */
struct wake_call {
	uint64_t address; /* 0: none */
	uint32_t left; /* to be woken by it */
	uint64_t called_ns;
};

void futex_wakes_init(struct futex_wakes *wakes)
{
	*wakes = (struct futex_wakes){ .calls.entry_bytes = sizeof(struct wake_call) };
}

void futex_wakes_free(struct futex_wakes *wakes)
{
	per_thread_free(&wakes->calls);
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
	case FUTEX_REQUEUE: /* those woken at once slept at the first address */
	case FUTEX_CMP_REQUEUE:
	case FUTEX_CMP_REQUEUE_PI:
		return true;
	default:
		return false;
	}
}

static int enter_call(struct futex_wakes *wakes, const struct event *event)
{
	struct wake_call *call = per_thread_get(&wakes->calls, event->thread);
	uint32_t value = (uint32_t)event->raw.call.args[2];

	if (!call)
		return -ENOMEM;
	*call = (struct wake_call){
		.address = event->raw.call.args[0],
		.left = value && value <= INT32_MAX ? value : 1, /* FUTEX_UNLOCK_PI has none */
		.called_ns = event->raw.time_ns,
	};
	return 0;
}

static void leave_call(struct futex_wakes *wakes, const struct thread *thread)
{
	struct wake_call *call = per_thread_find(&wakes->calls, thread);

	if (call)
		call->address = 0;
}

int futex_wakes_event(struct futex_wakes *wakes, const struct event *event)
{
	if (futex_wakes_call(&event->raw))
		return enter_call(wakes, event);
	if (event->raw.kind == FT_EVENT_LOST && event->raw.time_ns > wakes->lost_ns)
		wakes->lost_ns = event->raw.time_ns;
	if (event->raw.kind == FT_EVENT_CALL || event->raw.kind == FT_EVENT_SWITCH)
		leave_call(wakes, event->thread);
	return 0;
}

bool futex_wakes_take(struct futex_wakes *wakes, const struct thread *thread, uint64_t address,
		      uint64_t time_ns)
{
	struct wake_call *call = per_thread_find(&wakes->calls, thread);

	if (!call || !call->address || call->address != address || !call->left ||
	    /* A later call, or another wake-up by this one, may have been lost. */
	    call->called_ns <= wakes->lost_ns || call->called_ns > time_ns ||
	    time_ns - call->called_ns > CALL_NS)
		return false;
	call->left--;
	return true;
}
