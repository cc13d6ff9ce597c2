/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events to open on each CPU, those of a tier and of -e: their attributes for this kernel,
 * filters and record formats.
 */
#ifndef RECORDER_PERF_EVENT_PLAN_H
#define RECORDER_PERF_EVENT_PLAN_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>

#include "recorder/perf/tracepoint_format.h"
#include "recorder/perf/tier.h"

struct tracefs;

#define PLAN_EVENTS_MAX 64	/* of the tier and -e together */

struct event_plan_entry {
	enum tier_role role;
	uint8_t modes;		/* as in struct tier_event */
	enum ft_call call;
	uint32_t hold;		/* likewise */
	bool on_demand;		/* likewise */
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

/* What could not be planned, and what to do about it; "" where there is nothing to say. */
struct event_plan_error {
	char text[512];
	const char *advice;
};

/**
 * event_plan_create() - plan what @tier records on this host.
 *
 * @watermark_bytes: so many unread bytes of a ring wake its reader.
 *
 * Return: 0, -ENOTSUP (an event that is not optional is missing; see @ret_error), -ENOMEM.
 */
int event_plan_create(const struct tier *tier, const struct tracefs *tracefs,
		      size_t watermark_bytes, struct event_plan **ret_plan,
		      struct event_plan_error *ret_error);
void event_plan_destroy(struct event_plan *plan);

/**
 * event_plan_add_extra() - add the event of an option -e, "EVENT" or "EVENT;FILTER".
 *
 * EVENT: subsystem:name of a tracepoint, the name of a preset (see tier.h), or anything libpfm4
 * knows.
 *
 * Return: 0, -EINVAL (unknown event, filter where none is possible; see @ret_error), -E2BIG,
 * -ENOMEM.
 */
int event_plan_add_extra(struct event_plan *plan, const struct tracefs *tracefs, const char *spec,
			 struct event_plan_error *ret_error);

/* Names of the planned events, each once, joined by commas. */
void event_plan_names(const struct event_plan *plan, char *ret_names, size_t names_bytes);

#endif
