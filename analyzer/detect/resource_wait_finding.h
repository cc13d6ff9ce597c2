/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings that a wait class proves by itself: threads waited for a CPU, a device or memory.
 */
#ifndef ANALYZER_DETECT_RESOURCE_WAIT_FINDING_H
#define ANALYZER_DETECT_RESOURCE_WAIT_FINDING_H

#include "analyzer/activity/wait_stats.h"
#include "analyzer/detect/lock_convoy_finding.h"
#include "analyzer/activity/stall.h"

/**
 * resource_wait_finding() - cpu-starved, io-stall, memcg-reclaim-stall ... for what most of the stall's time went to.
 *
 * @waits: the capture's long waits; those within @stall say which kind it is.
 *
 * Appends nothing where the classes have no such finding.
 * Return: 0 or -ENOMEM.
 */
int resource_wait_finding(const struct findings_context *context, const struct long_wait *waits, size_t count,
		      const struct stall *stall, struct model *model);

/* cpu-starved, or cpu-throttled. @longest: the longest wait for a CPU in @stall. Likewise. */
int cpu_starvation_finding(const struct findings_context *context, const struct long_wait *longest,
			const struct stall *stall, struct model *model);

#endif
