/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/perf/diagnostic.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/base/exit_status.h"
#include "recorder/perf/permission.h"

int refuse(struct diagnostic *refusal, int status, const char *advice, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(refusal->text, sizeof(refusal->text), format, arguments);
	va_end(arguments);
	snprintf(refusal->advice, sizeof(refusal->advice), "%s%sNothing was recorded.", advice,
		 advice[0] ? " " : "");
	refusal->status = status;
	return -1;
}

int refusal_for_memory(struct diagnostic *refusal)
{
	return refuse(refusal, EXIT_FAILED, "A smaller --kernel-buffer needs less.",
		      "not enough memory.");
}

static int explain(struct diagnostic *refusal, int error, const char *what)
{
	struct permission permission;
	char reason[512];
	permission_read(&permission);
	bool refused = permission_explain(&permission, error, reason, sizeof(reason));
	return refuse(refusal, refused ? EXIT_NOT_PERMITTED : EXIT_FAILED, reason, "cannot %s: %s.",
		      what, strerror(-error));
}

int refusal_of_tracefs(struct diagnostic *refusal, int error)
{
	if (error == -ENOENT)
		return refuse(refusal, EXIT_NOT_PERMITTED,
			      "As root: mount -t tracefs nodev /sys/kernel/tracing",
			      "cannot read event formats: tracefs is not mounted, and this user may"
			      " not mount it.");
	if (error == -EACCES)
		return refuse(refusal, EXIT_NOT_PERMITTED, PERMISSION_TRACEFS_ADVICE,
			      "cannot read event formats in /sys/kernel/tracing: %s.",
			      strerror(-error));
	return explain(refusal, error, "find the kernel's events");
}

/* The names that a filter could have used. */
static void filter_fields(const struct tracefs *tracefs, const char *event, char *ret_names,
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

int refusal_of_counters(struct diagnostic *refusal, int error,
			const struct perf_events_failure *failure, const struct tracefs *tracefs)
{
	char what[256], names[512], advice[768];
	const char *name = failure->event ? failure->event->name : "events";
	bool extra = failure->event && failure->event->role == ROLE_EXTRA;

	if (error == -ENOMEM && failure->step != COUNTERS_RING)
		return refusal_for_memory(refusal);
	if (extra && failure->step == COUNTERS_FILTER) {
		filter_fields(tracefs, name, names, sizeof(names));
		snprintf(advice, sizeof(advice),
			 "A filter compares fields with numbers or texts, joined by && and ||. "
			 "Fields: %s.",
			 names);
		return refuse(refusal, EXIT_USAGE, advice,
			      "event %s: the kernel refuses the filter '%s': %s.", name,
			      failure->event->filter, strerror(-error));
	}
	if (extra && error != -EACCES && error != -EPERM && error != -EMFILE)
		return refuse(refusal, EXIT_USAGE,
			      "This host has no such counter, or not for every CPU; leave it out.",
			      "event %s cannot be recorded on CPU %u: %s.", name, failure->cpu,
			      strerror(-error));
	if (failure->step == COUNTERS_RING && (error == -EPERM || error == -ENOMEM))
		return refuse(
			refusal, error == -EPERM ? EXIT_NOT_PERMITTED : EXIT_FAILED,
			"Without CAP_IPC_LOCK the memory for rings is kernel.perf_event_mlock_kb:"
			" raise it, or try a smaller --kernel-buffer.",
			"cannot get a ring for CPU %u: %s.", failure->cpu, strerror(-error));
	snprintf(what, sizeof(what), "record %s on CPU %u", name, failure->cpu);
	return explain(refusal, error, what);
}
