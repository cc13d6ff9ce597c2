/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/perf/event_plan.h"

#include <errno.h>
#include <perfmon/pfmlib_perf_event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/perf/tracefs.h"
#include "recorder/symbols/unwind.h"

#define CALLCHAIN_SYSCTL   "/proc/sys/kernel/perf_event_max_stack"
#define EXTRA_STACK_FRAMES 64

__attribute__((format(printf, 3, 4))) static void
set_error(struct event_plan_error *ret_error, const char *advice, const char *format, ...)
{
	ret_error->advice = advice;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(ret_error->text, sizeof(ret_error->text), format, arguments);
	va_end(arguments);
}

/* The kernel refuses more frames than the sysctl allows with EOVERFLOW. */
static uint16_t clamp_frames(uint16_t frames)
{
	unsigned int limit = 127;
	FILE *file = fopen(CALLCHAIN_SYSCTL, "re");
	if (file) {
		if (fscanf(file, "%u", &limit) != 1)
			limit = 127;
		fclose(file);
	}
	return frames < limit ? frames : (uint16_t)limit;
}

/* All events of a CPU share one ring, and their records are told apart by their ids. */
static void fill_common(struct perf_event_attr *attr, size_t watermark_bytes)
{
	attr->size = sizeof(*attr);
	attr->disabled = 1;
	attr->sample_type |= PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME;
	attr->sample_id_all = 1;
	attr->use_clockid = 1;
	attr->clockid = CLOCK_MONOTONIC;
	attr->watermark = 1;
	attr->wakeup_watermark = (uint32_t)watermark_bytes;
}

static void fill_stack(struct perf_event_attr *attr, uint16_t frames, bool user)
{
	attr->sample_type |= PERF_SAMPLE_CALLCHAIN;
	attr->exclude_callchain_user = !user;
	attr->sample_max_stack = clamp_frames(frames);
}

static void fill_dump(struct perf_event_attr *attr)
{
	uint64_t registers = unwind_registers_mask();
	if (!registers)
		return;
	attr->sample_type |= PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
	attr->sample_regs_user = registers;
	attr->sample_stack_user = TIER_DUMP_BYTES;
}

static int read_format_file(const struct tracefs *tracefs, const char *subsystem, const char *name,
			    char **ret_text, size_t *ret_bytes)
{
	char path[256];
	int length = snprintf(path, sizeof(path), "events/%s/%s/format", subsystem, name);
	if (length < 0 || (size_t)length >= sizeof(path))
		return -ENAMETOOLONG;
	return tracefs_read(tracefs, path, ret_text, ret_bytes);
}

static int read_id(const struct tracefs *tracefs, const char *subsystem, const char *name,
		   uint64_t *ret_id)
{
	char path[256];
	int length = snprintf(path, sizeof(path), "events/%s/%s/id", subsystem, name);
	if (length < 0 || (size_t)length >= sizeof(path))
		return -ENAMETOOLONG;
	char *text;
	size_t bytes;
	int error = tracefs_read(tracefs, path, &text, &bytes);
	if (error)
		return error;
	char *end;
	*ret_id = strtoull(text, &end, 10);
	error = end == text ? -EBADMSG : 0;
	free(text);
	return error;
}

/* Fills in attr and format of @event, a tracepoint. */
static int plan_tracepoint(struct event_plan *plan, const struct tracefs *tracefs,
			   const char *subsystem, const char *name, const char *const *fields,
			   struct event_plan_entry *event, struct event_plan_error *ret_error)
{
	uint64_t id;
	int error = read_id(tracefs, subsystem, name, &id);
	if (error) {
		set_error(ret_error, "", "tracepoint %s:%s: %s", subsystem, name, strerror(-error));
		return error;
	}
	char *text;
	size_t bytes;
	error = read_format_file(tracefs, subsystem, name, &text, &bytes);
	if (error) {
		set_error(ret_error, "", "format of %s:%s: %s", subsystem, name, strerror(-error));
		return error;
	}
	const char *missing = "?";
	error = tracepoint_format_parse(text, bytes, subsystem, fields, &event->format,
					event->role == ROLE_SWITCH ? &plan->states : NULL,
					&missing);
	free(text);
	if (error == -ENOKEY)
		set_error(ret_error, "", "tracepoint %s:%s has no field %s on this kernel",
			  subsystem, name, missing);
	else if (error)
		set_error(ret_error, "", "format of %s:%s is not understood", subsystem, name);
	event->attr.type = PERF_TYPE_TRACEPOINT;
	event->attr.config = id;
	event->attr.sample_period = 1;
	event->attr.sample_type |= PERF_SAMPLE_RAW;
	return error;
}

/* Notes each tracepoint once. Events of one tracepoint with different filters follow each other. */
static void note_missing(struct event_plan *plan, const struct tier_event *source)
{
	const char *last = strrchr(plan->missing, ':');
	size_t used = strlen(plan->missing);

	if (last && !strcmp(last + 1, source->name))
		return;
	snprintf(plan->missing + used, sizeof(plan->missing) - used, "%s%s:%s", used ? ", " : "",
		 source->subsystem, source->name);
}

/*
 * Asking for the process costs the kernel 100 to 150 ns a record, since it looks up IDs as the
 * recorder's namespace has them. The raw record has the thread, and the process of a thread is
 * known from its fork or from the start. So the records that come most often go without.
 */
static bool goes_without_tid(const struct tier_event *source)
{
	return (source->role == ROLE_SWITCH || source->role == ROLE_WAKING) &&
	       !source->stack_frames;
}

static int plan_tier_event(struct event_plan *plan, const struct tier_event *source,
			   const struct tracefs *tracefs, size_t watermark_bytes,
			   struct event_plan_error *ret_error)
{
	struct event_plan_entry event = { .role = source->role,
					  .modes = source->modes,
					  .call = source->call,
					  .hold = source->hold,
					  .on_demand = source->on_demand };
	int error = 0;

	fill_common(&event.attr, watermark_bytes);
	if (goes_without_tid(source))
		event.attr.sample_type &= ~(uint64_t)PERF_SAMPLE_TID;
	if (source->stack_frames)
		fill_stack(&event.attr, source->stack_frames, source->user_stack);
	if (source->user_dump)
		fill_dump(&event.attr);
	switch (source->role) {
	case ROLE_TASKS:
		event.attr.type = PERF_TYPE_SOFTWARE;
		event.attr.config = PERF_COUNT_SW_DUMMY;
		event.attr.task = event.attr.comm = event.attr.comm_exec = 1;
		event.attr.mmap = event.attr.mmap2 = 1;
		break;
	case ROLE_SAMPLE: /* perf_events_open() falls back to cpu-clock */
		event.attr.type = PERF_TYPE_HARDWARE;
		event.attr.config = PERF_COUNT_HW_CPU_CYCLES;
		event.attr.freq = 1;
		event.attr.sample_freq = TIER_SAMPLE_HZ;
		event.attr.exclude_idle = 1;
		break;
	default:
		error = plan_tracepoint(plan, tracefs, source->subsystem, source->name,
					source->fields, &event, ret_error);
	}
	if (source->period)
		event.attr.sample_period = source->period;
	if (error == -ENOENT || error == -ENOKEY) {
		if (!source->optional)
			return -ENOTSUP;
		if (!source->rare)
			note_missing(plan, source);
		return 0;
	}
	if (error)
		return error == -ENOMEM ? error : -ENOTSUP;

	if (asprintf(&event.name, "%s%s%s", source->subsystem ? source->subsystem : "",
		     source->subsystem ? ":" : "", source->name) < 0)
		return -ENOMEM;
	if (source->filter && !(event.filter = strdup(source->filter))) {
		free(event.name);
		return -ENOMEM;
	}
	plan->events[plan->count++] = event;
	return 0;
}

int event_plan_create(const struct tier *tier, const struct tracefs *tracefs,
		      size_t watermark_bytes, struct event_plan **ret_plan,
		      struct event_plan_error *ret_error)
{
	struct event_plan *plan = calloc(1, sizeof(*plan));
	if (!plan)
		return -ENOMEM;
	for (size_t i = 0; i < tier->event_count; i++) {
		int error = plan_tier_event(plan, &tier->events[i], tracefs, watermark_bytes,
					    ret_error);
		if (error) {
			event_plan_destroy(plan);
			return error;
		}
	}
	*ret_plan = plan;
	return 0;
}

void event_plan_destroy(struct event_plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->count; i++) {
		free(plan->events[i].name);
		free(plan->events[i].filter);
	}
	free(plan);
}

static int encode_with_libpfm(const char *name, struct event_plan_entry *event,
			      struct event_plan_error *ret_error)
{
	struct perf_event_attr attr = { 0 };
	pfm_perf_encode_arg_t argument = { .attr = &attr, .size = sizeof(argument) };

	int status = pfm_initialize();
	if (status == PFM_SUCCESS)
		status = pfm_get_os_event_encoding(name, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT_EXT,
						   &argument);
	if (status != PFM_SUCCESS) {
		set_error(ret_error,
			  "Names are SUBSYSTEM:NAME of a tracepoint (perf list tracepoint shows "
			  "them) or what"
			  " libpfm4 knows, such as page-faults.",
			  "event %s: %s", name, pfm_strerror(status));
		return -EINVAL;
	}
	event->attr.type = attr.type;
	event->attr.config = attr.config;
	event->attr.config1 = attr.config1;
	event->attr.config2 = attr.config2;
	event->attr.exclude_user = attr.exclude_user;
	event->attr.exclude_kernel = attr.exclude_kernel;
	event->attr.exclude_hv = attr.exclude_hv;
	event->attr.precise_ip = attr.precise_ip;
	event->attr.freq = attr.freq;
	event->attr.sample_period = attr.sample_period;
	if (attr.sample_period)
		return 0;
	/* Sample each happening of an event, but a rate of what counts all the time. */
	bool happening = attr.type == PERF_TYPE_SOFTWARE &&
			 attr.config != PERF_COUNT_SW_CPU_CLOCK &&
			 attr.config != PERF_COUNT_SW_TASK_CLOCK;
	event->attr.freq = !happening;
	event->attr.sample_period = happening ? 1 : TIER_SAMPLE_HZ;
	return 0;
}

/* Splits @name, which has no filter, in place if it is a tracepoint of this kernel. */
static bool split_tracepoint(char *name, const struct tracefs *tracefs, char **ret_subsystem,
			     char **ret_name)
{
	char *colon = strchr(name, ':');
	if (!colon || strchr(colon + 1, ':') || strchr(name, '/') || strchr(name, '.'))
		return false;
	*colon = '\0';
	uint64_t id;
	if (read_id(tracefs, name, colon + 1, &id)) {
		*colon = ':';
		return false;
	}
	*ret_subsystem = name;
	*ret_name = colon + 1;
	return true;
}

static int refuse_one_more(struct event_plan_error *ret_error)
{
	set_error(ret_error, "Leave some out.", "more than %d events in all", PLAN_EVENTS_MAX);
	return -E2BIG;
}

static const struct tier_preset *find_preset(const char *name)
{
	for (size_t i = 0; i < TIER_PRESET_COUNT; i++)
		if (strcmp(TIER_PRESETS[i].name, name) == 0)
			return &TIER_PRESETS[i];
	return NULL;
}

static int add_preset(struct event_plan *plan, const struct tracefs *tracefs,
		      const struct tier_preset *preset, struct event_plan_error *ret_error)
{
	size_t watermark_bytes = plan->events[0].attr.wakeup_watermark;
	int error = 0;

	for (size_t i = 0; i < preset->event_count && !error; i++)
		error = plan->count == PLAN_EVENTS_MAX
				? refuse_one_more(ret_error)
				: plan_tier_event(plan, &preset->events[i], tracefs,
						  watermark_bytes, ret_error);
	return error == -ENOTSUP ? -EINVAL : error;
}

int event_plan_add_extra(struct event_plan *plan, const struct tracefs *tracefs, const char *spec,
			 struct event_plan_error *ret_error)
{
	const struct tier_preset *preset = find_preset(spec);
	static const char *const NO_FIELDS[] = { NULL };
	struct event_plan_entry event = { .role = ROLE_EXTRA };
	char *subsystem, *name;
	int error;

	if (preset)
		return add_preset(plan, tracefs, preset, ret_error);
	if (plan->count == PLAN_EVENTS_MAX)
		return refuse_one_more(ret_error);
	char *copy = strdup(spec);
	char *filter = copy ? strchr(copy, ';') : NULL;
	if (!copy)
		return -ENOMEM;
	if (filter)
		*filter++ = '\0';
	event.name = strdup(copy);
	event.filter = filter ? strdup(filter) : NULL;
	if (!event.name || (filter && !event.filter)) {
		error = -ENOMEM;
		goto out;
	}

	event.attr = plan->events[0].attr; /* for the watermark */
	size_t watermark_bytes = event.attr.wakeup_watermark;
	event.attr = (struct perf_event_attr){ 0 };
	fill_common(&event.attr, watermark_bytes);
	fill_stack(&event.attr, EXTRA_STACK_FRAMES, false);
	if (split_tracepoint(copy, tracefs, &subsystem, &name)) {
		error = plan_tracepoint(plan, tracefs, subsystem, name, NO_FIELDS, &event,
					ret_error);
		error = error == -ENOMEM ? error : error ? -EINVAL : 0;
	} else {
		error = encode_with_libpfm(copy, &event, ret_error);
		if (!error && filter) {
			set_error(ret_error, "Leave the filter off.",
				  "event %s: only tracepoints can have a filter, not ';%s'", copy,
				  filter);
			error = -EINVAL;
		}
	}
out:
	free(copy);
	if (error) {
		free(event.name);
		free(event.filter);
		return error;
	}
	plan->events[plan->count++] = event;
	return 0;
}

void event_plan_names(const struct event_plan *plan, char *ret_names, size_t names_bytes)
{
	size_t used = 0;
	ret_names[0] = '\0';
	for (size_t i = 0; i < plan->count; i++) {
		if (i && !strcmp(plan->events[i].name, plan->events[i - 1].name))
			continue;
		int wrote = snprintf(ret_names + used, names_bytes - used, "%s%s", used ? "," : "",
				     plan->events[i].name);
		if (wrote < 0 || (size_t)wrote >= names_bytes - used)
			break;
		used += (size_t)wrote;
	}
}
