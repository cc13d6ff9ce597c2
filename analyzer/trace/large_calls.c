/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The large address-space calls of the capture, and what their sizes tell.
 */
#include "config.h"

#include "analyzer/trace/large_calls.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/util/array.h"
#include "analyzer/util/human.h"

/* These calls are rare: a capture with more is a made-up one. */
#define CALLS_MAX 1000000u

/* Allocators add a header of some pages: sizes that differ by no more count as equal. */
#define SLACK_BYTES (64u << 10)

/* People configure whole gibibytes: such a size says nothing about a table. */
#define CONFIGURED_UNIT_BYTES (1u << 30)

/* MAP_POPULATE and MAP_LOCKED of all architectures together. Where one of these bits means something
 * else the call only seems to ask. */
#define POPULATE_FLAGS 0x1a180u

struct large_calls {
	struct large_call *calls; /* in order of time */
	size_t count, capacity;
};

int large_calls_create(struct large_calls **ret_calls)
{
	struct large_calls *calls = calloc(1, sizeof(*calls));

	if (!calls)
		return -ENOMEM;
	*ret_calls = calls;
	return 0;
}

void large_calls_destroy(struct large_calls *calls)
{
	if (!calls)
		return;
	free(calls->calls);
	free(calls);
}

/* The flags of mremap() cannot ask. */
static bool is_unasked(const struct ft_event *event)
{
	return event->call.call == FT_CALL_MREMAP ||
	       (event->call.call == FT_CALL_MMAP && !(event->call.args[3] & POPULATE_FLAGS));
}

static int append_call(struct large_calls *calls, const struct event *event)
{
	const uint64_t *args = event->raw.call.args;
	bool mremap = event->raw.call.call == FT_CALL_MREMAP;

	if (calls->count == CALLS_MAX)
		return 0;
	if (array_grow(calls->calls, calls->count, calls->capacity))
		return -ENOMEM;
	calls->calls[calls->count++] = (struct large_call){
		.thread = event->thread,
		.time_ns = event->raw.time_ns,
		.call = event->raw.call.call,
		.bytes = mremap ? args[2] : args[1],
		.old_bytes = mremap ? args[1] : 0,
		.unasked = is_unasked(&event->raw),
		.stack_id = event->stack_id,
	};
	return 0;
}

int large_calls_event(struct large_calls *calls, const struct event *event)
{
	if (event->raw.kind == FT_EVENT_CALL && event->raw.call.call != FT_CALL_FUTEX)
		return append_call(calls, event);
	if (event->raw.kind != FT_EVENT_UNWOUND || event->stack_id == STACK_NONE)
		return 0;
	for (size_t i = calls->count; i-- > 0;) {
		if (calls->calls[i].time_ns < event->raw.time_ns)
			break;
		if (calls->calls[i].time_ns == event->raw.time_ns &&
		    calls->calls[i].thread == event->thread)
			calls->calls[i].stack_id = event->stack_id;
	}
	return 0;
}

const struct large_call *large_calls_behind(const struct large_calls *calls,
					    const struct thread *thread, uint64_t not_before_ns,
					    uint64_t time_ns)
{
	for (size_t i = calls->count; i-- > 0;) {
		const struct large_call *call = &calls->calls[i];

		if (call->time_ns < not_before_ns)
			break;
		if (call->time_ns <= time_ns && call->thread == thread)
			return call;
	}
	return NULL;
}

const char *large_calls_name(enum ft_call call)
{
	static const char *const names[FT_CALLS] = {
		[FT_CALL_MMAP] = "mmap",	 [FT_CALL_MUNMAP] = "munmap",
		[FT_CALL_MREMAP] = "mremap",	 [FT_CALL_MPROTECT] = "mprotect",
		[FT_CALL_MADVISE] = "madvise",	 [FT_CALL_FUTEX] = "futex",
		[FT_CALL_MLOCK] = "mlock",	 [FT_CALL_MUNLOCK] = "munlock",
		[FT_CALL_MLOCKALL] = "mlockall",
	};

	return call > 0 && call < FT_CALLS ? names[call] : "";
}

static bool sizes_match(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) <= SLACK_BYTES;
}

/* Whether @bytes is 7 * 2^29 or the like: the size of a power-of-two table with entries of a few
 * bytes. */
static bool is_table_size(uint64_t bytes)
{
	for (uint64_t unit = 1ull << 22; unit && unit <= bytes; unit <<= 1) {
		uint64_t entries = (bytes + SLACK_BYTES / 2) / unit;

		if (entries <= 64 && sizes_match(entries * unit, bytes))
			return true;
	}
	return false;
}

/* The last allocation of half of @bytes by the same thread before @before; NULL: there is none. */
static const struct large_call *find_half_before(const struct large_calls *calls,
						 const struct large_call *before, uint64_t bytes)
{
	for (const struct large_call *call = before; call-- > calls->calls;)
		if (call->thread == before->thread && sizes_match(call->bytes * 2, bytes) &&
		    (call->call == FT_CALL_MMAP || call->call == FT_CALL_MREMAP))
			return call;
	return NULL;
}

/* Whether the process released half of the size afterwards. */
static bool was_half_released(const struct large_calls *calls, const struct large_call *after)
{
	for (const struct large_call *call = after + 1; call < calls->calls + calls->count; call++)
		if (call->thread->tgid == after->thread->tgid && call->call == FT_CALL_MUNMAP &&
		    sizes_match(call->bytes * 2, after->bytes))
			return true;
	return false;
}

/* Write the sizes of the doublings that end with @call: "0.9 GiB, 1.75 GiB, 3.5 GiB". */
static void list_steps(const struct large_calls *calls, const struct large_call *call, char *text,
		       size_t text_bytes, unsigned int *ret_steps)
{
	const struct large_call *steps[4] = { call };
	unsigned int count = 1;

	while (count < 4) {
		steps[count] = find_half_before(calls, steps[count - 1], steps[count - 1]->bytes);
		if (!steps[count])
			break;
		count++;
	}
	*ret_steps = count;
	*text = '\0';
	for (unsigned int i = count; i-- > 0;) {
		size_t used = strlen(text);

		snprintf(text + used, text_bytes - used, "%s%s", used ? ", " : "",
			 human_size(steps[i]->bytes).text);
	}
}

int large_calls_growth(const struct large_calls *calls, const struct large_call *call,
		       char **ret_text, bool *ret_seen)
{
	char steps_text[256];
	struct human next = human_size(call->bytes * 2);
	unsigned int steps;
	bool doubled, released;
	int r;

	*ret_text = NULL;
	*ret_seen = false;
	if (call->call != FT_CALL_MMAP && call->call != FT_CALL_MREMAP)
		return 0;
	doubled = call->call == FT_CALL_MREMAP && sizes_match(call->old_bytes * 2, call->bytes);
	released = was_half_released(calls, call);
	list_steps(calls, call, steps_text, sizeof(steps_text), &steps);
	*ret_seen = steps > 1 || doubled || released;
	if (steps > 1)
		r = asprintf(ret_text, "%s: a table that doubles. Next: %s", steps_text, next.text);
	else if (doubled || released)
		r = asprintf(ret_text, "%s, and half of that %s: a table that doubles. Next: %s",
			     steps_text, doubled ? "before" : "given back soon after", next.text);
	else if (call->bytes % CONFIGURED_UNIT_BYTES && is_table_size(call->bytes))
		r = asprintf(ret_text,
			     "%s is a small number times a power of two, as a table that doubles "
			     "has. If it is one, next: %s",
			     steps_text, next.text);
	else
		r = 0;
	if (r < 0) {
		*ret_text = NULL;
		return -ENOMEM;
	}
	return 0;
}
