/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What threads lost in a stall to waits for a device, for memory, or for a process that should have answered or taken
 * something: who, in which operations, and who ended the waits. What a wait is for, its rule says, and that proves the
 * findings by itself: io-stall, memcg-reclaim-stall, direct-reclaim-stall, backpressure-stall, request-stall.
 */
#ifndef ANALYZER_DETECT_RESOURCE_WAIT_H
#define ANALYZER_DETECT_RESOURCE_WAIT_H

#include "analyzer/activity/span_summary.h"
#include "analyzer/activity/victims.h"
#include "analyzer/detect/detectors.h"
#include "analyzer/detect/resource_object.h"

#define RESOURCE_TOP 3

struct resource_wait {
	enum finding_kind kind;
	const struct long_wait *longest;
	uint64_t class_ns[WAIT_CLASSES];
	uint64_t blocked_ns; /* of all victims */
	struct victim *victims; /* most blocked first */
	size_t victim_count;
	struct resource_operation {
		const char *text; /* "fsync"; borrowed from the stack_infos */
		uint64_t ns;
	} operations[RESOURCE_TOP]; /* most first; text NULL: no more */
	struct resource_waker {
		struct thread *thread; /* NULL: no more */
		uint64_t ns; /* of the waits that it ended */
		uint32_t stack_id; /* where it did */
		uint64_t since_ns, until_ns; /* the longest of them */
	} wakers[RESOURCE_TOP]; /* most first */
	uint64_t interrupt_ns; /* of the waits that an interrupt ended: a device answered */
	const struct wait_words *words; /* of most of the time */
	/* Whether wakers[0] is the one who should have answered, or taken what was given. */
	bool answered;
	struct span_summary did; /* of that one in the longest wait that it ended */
	struct resource_object object; /* at which most of the time was lost, as far as was seen */
};

/* The finding; see struct detector. */
void resource_wait_report(const struct detect_context *in, const void *found, struct model_finding *finding);

#endif
