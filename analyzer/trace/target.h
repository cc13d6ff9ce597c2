/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes that the report is about.
 */
#ifndef ANALYZER_TRACE_TARGET_H
#define ANALYZER_TRACE_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/source.h"
#include "capture/facts.h"

struct target {
	int32_t *tgids;		/* if none: every process of the host but the recorder */
	size_t count;
	size_t chosen;		/* so many of them were named; the others were forked by these */
	char (*forked_as)[FT_COMM_BYTES]; /* names of the others */
	int32_t recorder_tgid;	/* 0: not known */
};

/**
 * target_choose() - set the target to @tgids if there are any, else to what the facts name.
 *
 * Return: 0 or -ENOMEM. Free with target_free().
 */
int target_choose(struct target *target, const struct ft_facts *facts, const int32_t *tgids,
		  size_t count);
void target_free(struct target *target);

/*
 * Feed every event of the first pass. Processes that the target forks belong to it as long as they
 * keep their name up to a colon. 0 or -ENOMEM.
 */
int target_event(struct target *target, const struct event *event);

/* Whether @thread is one of the target's. @context: a struct target; the signature is that of
 * filters. */
bool target_counts(void *context, const struct thread *thread);

#endif
