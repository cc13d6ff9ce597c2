/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/perf/refusal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/base/diagnostic.h"
#include "recorder/base/exit_status.h"
#include "recorder/perf/perf_events.h"
#include "recorder/perf/permission.h"
#include "recorder/perf/tracefs.h"

static int refuse_with_reason(struct diagnostic *diagnostic, int error, const char *what)
{
	struct permission permission;
	char reason[512];
	permission_read(&permission);
	bool refused = permission_explain(&permission, error, reason, sizeof(reason));
	return refuse(diagnostic, refused ? EXIT_NOT_PERMITTED : EXIT_FAILED, reason,
		      "cannot %s: %s.", what, strerror(-error));
}

int refusal_of_tracefs(struct diagnostic *diagnostic, int error)
{
	if (error == -ENOENT)
		return refuse(diagnostic, EXIT_NOT_PERMITTED,
			      "As root: mount -t tracefs nodev /sys/kernel/tracing",
			      "cannot read event formats: tracefs is not mounted, and this user may"
			      " not mount it.");
	if (error == -EACCES)
		return refuse(diagnostic, EXIT_NOT_PERMITTED, PERMISSION_TRACEFS_ADVICE,
			      "cannot read event formats in /sys/kernel/tracing: %s.",
			      strerror(-error));
	return refuse_with_reason(diagnostic, error, "find the kernel's events");
}

/* Joins the names that a filter can use; "" where they cannot be read. */
static void list_filter_fields(const struct tracefs *tracefs, const char *event, char *ret_names,
			       size_t names_bytes)
{
	char path[256], *text;
	size_t bytes;
	ret_names[0] = '\0';
	snprintf(path, sizeof(path), "events/%s/format", event);
	char *colon = strchr(path, ':');
	if (!colon)
		return;
	*colon = '/';
	if (tracefs_read(tracefs, path, &text, &bytes))
		return;
	if (tracepoint_format_field_names(text, bytes, "", ret_names, names_bytes))
		ret_names[0] = '\0';
	free(text);
}

int refusal_of_counters(struct diagnostic *diagnostic, int error,
			const struct perf_events_failure *failure, const struct tracefs *tracefs)
{
	char what[256], names[512], advice[768];
	const char *name = failure->event ? failure->event->name : "events";
	bool extra = failure->event && failure->event->role == ROLE_EXTRA;

	if (error == -ENOMEM && failure->step != PERF_EVENTS_RING)
		return refusal_for_memory(diagnostic);
	if (extra && failure->step == PERF_EVENTS_FILTER) {
		list_filter_fields(tracefs, name, names, sizeof(names));
		snprintf(advice, sizeof(advice),
			 "A filter compares fields with numbers or texts, joined by && and ||. "
			 "Fields: %s.",
			 names);
		return refuse(diagnostic, EXIT_USAGE, advice,
			      "event %s: the kernel refuses the filter '%s': %s.", name,
			      failure->event->filter, strerror(-error));
	}
	if (extra && error != -EACCES && error != -EPERM && error != -EMFILE)
		return refuse(diagnostic, EXIT_USAGE,
			      "This host has no such counter, or not for every CPU; leave it out.",
			      "event %s cannot be recorded on CPU %u: %s.", name, failure->cpu,
			      strerror(-error));
	if (failure->step == PERF_EVENTS_RING && (error == -EPERM || error == -ENOMEM))
		return refuse(
			diagnostic, error == -EPERM ? EXIT_NOT_PERMITTED : EXIT_FAILED,
			"Without CAP_IPC_LOCK the memory for rings is kernel.perf_event_mlock_kb:"
			" raise it, or try a smaller --kernel-buffer.",
			"cannot get a ring for CPU %u: %s.", failure->cpu, strerror(-error));
	snprintf(what, sizeof(what), "record %s on CPU %u", name, failure->cpu);
	return refuse_with_reason(diagnostic, error, what);
}
