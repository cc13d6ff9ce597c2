/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose threads the report is about.
 */
#ifndef ANALYZER_TARGET_H
#define ANALYZER_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/threads.h"
#include "capture/facts.h"

struct target {
	int32_t *tgids;		/* none: every process of the host but the recorder */
	size_t count;
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

/* Signature fits the options of account.h and locks.h; @context is a struct target. */
bool target_counts(void *context, const struct thread *thread);

#endif
