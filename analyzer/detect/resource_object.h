/* SPDX-License-Identifier: Apache-2.0 */
/*
 * At which object most of the time was lost, and what those did meanwhile who have its other end.
 */
#ifndef ANALYZER_DETECT_RESOURCE_OBJECT_H
#define ANALYZER_DETECT_RESOURCE_OBJECT_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/observations.h"
#include "analyzer/activity/span_summary.h"
#include "analyzer/detect/detectors.h"
#include "analyzer/detect/finding.h"

/* One object, and the waits at it. */
struct resource_object {
	const struct wait_object *object; /* as it was seen in the longest wait; NULL: none */
	const struct thread *latest;	/* who was counted last */
	size_t threads;
	uint64_t ns;
	uint64_t since_ns, until_ns;	/* the longest wait */
	const struct thread *peer;	/* of the only process at the other end, who matters most there; NULL */
	struct span_summary did;	/* of peer, in the longest wait */
};

#define RESOURCE_OBJECTS 32

/* Objects told apart; the rest is not counted. All zero: none. */
struct resource_objects {
	struct resource_object list[RESOURCE_OBJECTS];
	size_t count;
	uint64_t known_ns; /* of all waits whose object is known */
};

/* @thread waited from @from_ns to @to_ns, a part of @interval. Thread by thread. */
void resource_objects_note(struct resource_objects *objects, const struct observations *observations,
			   const struct thread *thread, const struct history_interval *interval,
			   uint64_t from_ns, uint64_t to_ns);

/* The one that most time was lost at, if that is enough to tell of. 0 or -ENOMEM. */
int resource_objects_choose(const struct resource_objects *objects, const struct observations *observations,
			    struct resource_object *ret_object);

/* ", at pipe:[8123] (stdout)", or "". */
struct wait_object_text resource_object_clause(const struct resource_object *object);

/* Who has the other end, and what it did, as a sentence of the summary behind a blank; "" where that is not known. */
void resource_object_print_peer(const struct detect_context *in, const struct resource_object *object,
				struct model_finding *finding, char *text, size_t text_bytes);

/* As evidence: how many waited at the object, and who has the other ends. */
void resource_object_tell(const struct resource_object *object, struct model_finding *finding);

/* The peer is the culprit. */
void resource_object_blame(const struct detect_context *in, const struct resource_object *object,
			   struct model_finding *finding);

/* "ran for 1.20 s", "was asleep for 3.90 s, in clock_nanosleep", "was stopped for 4.00 s": what somebody did in @span_ns. */
void resource_did_text(const struct detect_context *in, const struct span_summary *did, uint64_t span_ns,
		       struct model_finding *finding, char *text, size_t text_bytes);

#endif
