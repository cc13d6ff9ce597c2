/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The large address-space calls of the capture, and what their sizes tell.
 */
#ifndef ANALYZER_TRACE_LARGE_CALLS_H
#define ANALYZER_TRACE_LARGE_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/source.h"

struct large_call {
	struct thread *thread;
	uint64_t time_ns;
	enum ft_call call;
	uint64_t bytes;			/* what it asks for; mremap: the new length */
	uint64_t old_bytes;		/* mremap only */
	bool unasked;			/* mmap, mremap: its flags do not ask for the memory to be populated */
	uint32_t stack_id;		/* with user frames where they could be found */
};

struct large_calls;

int large_calls_create(struct large_calls **ret_calls);
void large_calls_destroy(struct large_calls *calls);

/* Feed every event, in order: keeps FT_EVENT_CALL and _UNWOUND. 0 or -ENOMEM. */
int large_calls_event(struct large_calls *calls, const struct event *event);

/* The last call of @thread that began from @not_before_ns up to and with @time_ns; NULL: there
 * is none. */
const struct large_call *large_calls_behind(const struct large_calls *calls,
					    const struct thread *thread, uint64_t not_before_ns,
					    uint64_t time_ns);

const char *large_calls_name(enum ft_call call);	/* "mmap" ... */

/**
 * large_calls_growth() - does @call look like a step of a table that doubles?
 *
 * The evidence is: earlier allocations of half the size each by the same thread, the release of
 * half the size after it, a size that is a small number times a power of two.
 *
 * @ret_text: malloc'ed sentence with the size of the next step; NULL: there is no evidence.
 * @ret_seen: whether other calls are evidence too, and not the size alone.
 *
 * Return: 0 or -ENOMEM.
 */
int large_calls_growth(const struct large_calls *calls, const struct large_call *call,
		       char **ret_text, bool *ret_seen);

#endif
