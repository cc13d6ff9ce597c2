/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose threads the report is about.
 */
#ifndef ANALYZER_TRACE_TARGET_H
#define ANALYZER_TRACE_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/source.h"
#include "capture/facts.h"

struct target {
	int32_t *tgids;		/* none: every process of the host but the recorder */
	size_t count;
	size_t chosen;		/* the first of them; the others were forked by them */
	char (*forked_as)[FT_COMM_BYTES]; /* names of the others */
	int32_t recorder_tgid;	/* 0: not known */
};

/**
 * target_choose() - @tgids if there are any, else what the capture's facts name.
 *
 * Return: 0 or -ENOMEM. Free with target_free().
 */
int target_choose(struct target *target, const struct ft_facts *facts, const int32_t *tgids,
		  size_t count);
void target_free(struct target *target);

/*
 * Feed every event of the first reading: processes that the target's fork belong to it as long as they keep the
 * name, but for what comes behind a colon. 0 or -ENOMEM.
 */
int target_event(struct target *target, const struct event *event);

/* Signature fits the options of account.h and locks.h; @context is a struct target. */
bool target_counts(void *context, const struct thread *thread);

#endif
