/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why was the holder slow: what one thread did during one span of time.
 */
#ifndef ANALYZER_ACTIVITY_SPAN_SUMMARY_H
#define ANALYZER_ACTIVITY_SPAN_SUMMARY_H

#include <stdint.h>

#include "analyzer/trace/source.h"
#include "analyzer/timeline/stack_info.h"
#include "analyzer/timeline/timeline.h"

struct hold;

struct hold_story {
	uint64_t state_ns[THREAD_STATES]; /* adds up to the span, where the thread was observed */
	uint32_t samples;		/* CPU samples of it in the span */
	const char *under;		/* innermost kernel function that nearly all of them are under; NULL */
	uint32_t samples_under;
	uint32_t stack_id;		/* where it mostly was: sampled most often, or blocked longest */
	enum wait_class blocked_class;	/* where it was blocked longest */
	uint32_t blocked_stack_id;	/* STACK_NONE: was not blocked */
	uint64_t longest_blocked_ns;
};

int hold_create(const struct stack_table *stacks, struct stack_infos *stackfacts,
		const struct thread *thread, uint64_t start_ns, uint64_t end_ns,
		struct hold **ret_hold);
void hold_destroy(struct hold *hold);

/* Feed every event, and every interval of the timeline. 0 or -ENOMEM. */
int hold_event(struct hold *hold, const struct event *event);
int hold_closed(struct hold *hold, const struct interval *interval);

/* Return: 0 or -ENOMEM. */
int hold_tell(const struct hold *hold, struct hold_story *ret_story);

/* All of it, in a reading of the source of its own. Return: 0, -ENOMEM, -EIO. */
int hold_read(struct source *source, struct stack_infos *stackfacts, const struct thread *thread,
	      uint64_t start_ns, uint64_t end_ns, struct hold_story *ret_story);

#endif
