/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tier's events and those of -e, as this kernel wants them asked for: the
 * attributes, filters and record formats of everything to open on each CPU.
 */
#ifndef RECORDER_PERF_EVENT_PLAN_H
#define RECORDER_PERF_EVENT_PLAN_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>

#include "recorder/perf/tracepoint_format.h"
#include "recorder/perf/tier.h"
#include "recorder/perf/tracefs.h"

#define PLAN_EVENTS_MAX 64	/* the tier's and those of -e */

struct event_plan_entry {
	enum tier_role role;
	uint8_t modes;		/* as in struct tier_event */
	enum ft_call call;
	uint32_t hold;		/* likewise */
	char *name;		/* "sched:sched_switch", or as given to -e */
	char *filter;		/* NULL: none */
	struct perf_event_attr attr;
	struct tracepoint_format format;	/* of tracepoints */
};

struct event_plan {
	struct event_plan_entry events[PLAN_EVENTS_MAX];
	size_t count;
	struct tracepoint_states states;
	char missing[256];	/* optional events this kernel lacks, joined by ", " */
};

/* What could not be planned and what to do about it, in words; "" where there is nothing to say. */
struct event_plan_error {
	char text[512];
	const char *advice;
};

/**
 * event_plan_create() - what @tier records on this host.
 *
 * @watermark_bytes: of an unread ring, to wake the reader.
 *
 * Return: 0, -ENOTSUP (an event that is not optional is missing; see @ret_error), -ENOMEM.
 */
int event_plan_create(const struct tier *tier, const struct tracefs *tracefs, size_t watermark_bytes,
		struct event_plan **ret_plan, struct event_plan_error *ret_error);
void event_plan_destroy(struct event_plan *plan);

/**
 * event_plan_add_extra() - add what -e asks for: "EVENT" or "EVENT;FILTER".
 *
 * EVENT: subsystem:name of a tracepoint, the name of a preset (see tier.h), or anything libpfm4 knows.
 *
 * Return: 0, -EINVAL (unknown event, filter where none is possible; see @ret_error), -E2BIG,
 * -ENOMEM.
 */
int event_plan_add_extra(struct event_plan *plan, const struct tracefs *tracefs, const char *spec,
		   struct event_plan_error *ret_error);

/* Names of the planned events, each once, joined by commas. */
void event_plan_names(const struct event_plan *plan, char *ret_names, size_t names_bytes);

#endif
