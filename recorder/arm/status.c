/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/arm/status.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "capture/ringfile.h"
#include "recorder/base/clock.h"
#include "recorder/base/message.h"
#include "recorder/perf/tier.h"
#include "recorder/base/text.h"

#define LOOK_LEAST_NS 900000000ull /* a rate over less time says little */
#define TIME_BYTES    32

/* A JSON object that is being filled. If memory is short once, finish_object() returns NULL. */
struct filling {
	json_t *object;
	int failed;
};

static struct filling begin_object(void)
{
	return (struct filling){ .object = json_object() };
}

static void add_value(struct filling *filling, const char *name, json_t *value)
{
	filling->failed |= json_object_set_new(filling->object, name, value);
}

static void add_text(struct filling *filling, const char *name, const char *text)
{
	add_value(filling, name, json_text(text));
}

static void add_number(struct filling *filling, const char *name, uint64_t value)
{
	add_value(filling, name, json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value));
}

/* Rounds to two decimals; JSON has no infinity. */
static void add_real(struct filling *filling, const char *name, double value)
{
	if (!(value > 0 && value < 1e15))
		value = 0;
	add_value(filling, name, json_real((double)(uint64_t)(value * 100 + 0.5) / 100));
}

/* RFC 3339 */
static void add_time(struct filling *filling, const char *name, int64_t realtime_ns)
{
	time_t seconds = realtime_ns / 1000000000;
	struct tm utc;
	char text[TIME_BYTES];

	if (gmtime_r(&seconds, &utc) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc))
		add_value(filling, name, json_string(text));
	else
		add_value(filling, name, json_null());
}

static json_t *finish_object(struct filling *filling)
{
	if (!filling->failed)
		return filling->object;
	json_decref(filling->object);
	return NULL;
}

static json_t *build_array(const struct status *status, size_t count,
			   json_t *(*entry)(const struct status *status, size_t index))
{
	json_t *array = json_array();
	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(array, entry(status, i))) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *build_kept_ring(const struct status *status, size_t index)
{
	return json_text(status->ring.kept[index]);
}

static json_t *build_ring(const struct status *status)
{
	struct filling ring = begin_object();
	add_text(&ring, "path", status->ring.path);
	add_number(&ring, "bytes", status->ring.bytes);
	add_number(&ring, "slots", status->ring.slots);
	add_real(&ring, "fill_percent", status->ring.fill_percent);
	add_value(&ring, "kept", build_array(status, status->ring.kept_count, build_kept_ring));
	return finish_object(&ring);
}

static json_t *build_recorder(const struct status *status)
{
	struct filling recorder = begin_object();
	add_number(&recorder, "cpu_ns", status->recorder.cpu_ns);
	add_real(&recorder, "cpu_share_percent", status->recorder.cpu_share_percent);
	add_number(&recorder, "delay_max_ns", status->recorder.delay_max_ns);
	add_number(&recorder, "rss_bytes", status->recorder.rss_bytes);
	return finish_object(&recorder);
}

static json_t *build_governor(const struct status *status)
{
	struct filling governor = begin_object();
	add_text(&governor, "step", status->governor.step);
	add_number(&governor, "since_ns", status->governor.since_ns);
	add_number(&governor, "steps_taken", status->governor.steps_taken);
	return finish_object(&governor);
}

static json_t *build_stacks(const struct status *status)
{
	struct filling stacks = begin_object();
	add_number(&stacks, "period", TIER_STACK_PERIOD);
	add_number(&stacks, "kept", status->stacks.kept);
	add_number(&stacks, "watched", status->stacks.watched);
	return finish_object(&stacks);
}

static json_t *build_triggers(const struct status *status)
{
	struct filling triggers = begin_object();
	add_number(&triggers, "seen", status->triggers.seen);
	add_number(&triggers, "captured", status->triggers.captured);
	add_number(&triggers, "suppressed", status->triggers.suppressed);
	add_number(&triggers, "joined", status->triggers.joined);
	add_number(&triggers, "failed", status->triggers.failed);
	return finish_object(&triggers);
}

static json_t *build_last_failure(const struct status *status)
{
	struct filling failure;
	if (!status->last_failure.file)
		return json_null();
	failure = begin_object();
	add_text(&failure, "file", status->last_failure.file);
	add_text(&failure, "reason", status->last_failure.reason);
	add_text(&failure, "error", status->last_failure.error);
	add_time(&failure, "at", status->last_failure.at_ns);
	return finish_object(&failure);
}

static json_t *build_capturing(const struct status *status)
{
	struct filling capturing;
	if (!status->capturing.file)
		return json_null();
	capturing = begin_object();
	add_text(&capturing, "file", status->capturing.file);
	add_text(&capturing, "reason", status->capturing.reason);
	add_number(&capturing, "since_ns", status->capturing.since_ns);
	return finish_object(&capturing);
}

static json_t *build_capture(const struct status *status, size_t index)
{
	struct filling capture = begin_object();
	add_text(&capture, "file", status->captures[index].file);
	add_text(&capture, "reason", status->captures[index].reason);
	add_number(&capture, "bytes", status->captures[index].bytes);
	add_time(&capture, "at", status->captures[index].at_ns);
	return finish_object(&capture);
}

static json_t *build_probe(const struct status *status, size_t index)
{
	struct filling probe = begin_object();
	add_text(&probe, "what", status->probes[index].what);
	add_number(&probe, "asked", status->probes[index].asked);
	add_number(&probe, "answered", status->probes[index].answered);
	add_number(&probe, "failed", status->probes[index].failed);
	add_text(&probe, "last_failure",
		 status->probes[index].last_why[0] ? status->probes[index].last_why : NULL);
	add_number(&probe, "fired", status->probes[index].fired);
	add_number(&probe, "last_ns", status->probes[index].last_ns);
	add_value(&probe, "stuck", json_boolean(status->probes[index].stuck));
	return finish_object(&probe);
}

static size_t limit_count(size_t count, size_t max)
{
	return count < max ? count : max;
}

char *status_to_json(const struct status *status)
{
	struct filling root = begin_object();
	add_text(&root, "schema", "freezetrap.status/1");
	add_text(&root, "version", PACKAGE_VERSION);
	add_number(&root, "pid", (uint64_t)status->pid);
	add_text(&root, "tier", status->tier);
	add_text(&root, "target", status->target);
	add_text(&root, "target_missing", status->target_missing);
	add_time(&root, "armed_since", status->armed_since_ns);
	add_number(&root, "uptime_ns", status->uptime_ns);
	add_number(&root, "history_ns", status->history_ns);
	add_value(&root, "ring", build_ring(status));
	add_number(&root, "events", status->events);
	add_real(&root, "events_per_s", status->events_per_s);
	add_number(&root, "lost", status->lost);
	add_value(&root, "recorder", build_recorder(status));
	add_value(&root, "governor", build_governor(status));
	add_value(&root, "stacks", build_stacks(status));
	add_value(&root, "triggers", build_triggers(status));
	add_value(&root, "last_failure", build_last_failure(status));
	add_value(&root, "capturing", build_capturing(status));
	add_value(&root, "captures",
		  build_array(status, limit_count(status->capture_count, STATUS_CAPTURES_MAX),
			      build_capture));
	add_value(&root, "probes",
		  build_array(status, limit_count(status->probe_count, STATUS_PROBES_MAX),
			      build_probe));

	json_t *object = finish_object(&root);
	char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15));
	json_decref(object);
	return line;
}

void status_meter_init(struct status_meter *meter, const struct engine *engine,
		       const struct ring_map *ringmap, struct target_finder *finder)
{
	*meter = (struct status_meter){
		.engine = engine, .ringmap = ringmap, .finder = finder, .looked_ns = clock_now_ns()
	};
}

void status_meter_update(struct status_meter *meter, uint64_t now_ns)
{
	uint64_t events = drain_counts(meter->engine->drain)->events;

	if (now_ns - meter->looked_ns < LOOK_LEAST_NS)
		return;
	meter->events_per_s =
		(double)(events - meter->events) * 1e9 / (double)(now_ns - meter->looked_ns);
	meter->events = events;
	meter->looked_ns = now_ns;
}

static uint64_t get_history_ns(const struct status_meter *meter, uint64_t now_ns)
{
	uint64_t since_ns = segment_ring_since_ns(meter->engine->slots);
	if (!since_ns)
		since_ns = meter->engine->start_ns;
	return now_ns > since_ns ? now_ns - since_ns : 0;
}

void status_meter_draw(const struct status_meter *meter, bool capturing)
{
	uint64_t lost = drain_counts(meter->engine->drain)->lost;
	char lost_text[40] = "none lost";

	if (lost)
		snprintf(lost_text, sizeof(lost_text), "%llu LOST", (unsigned long long)lost);
	message_progress("%s: %.1f s of history, %.0f events/s, %s; Ctrl-C ends it",
			 capturing ? "capturing" : "armed",
			 (double)get_history_ns(meter, clock_now_ns()) / 1e9, meter->events_per_s,
			 lost_text);
}

static uint64_t read_rss_bytes(void)
{
	char text[128];
	unsigned long long total, resident;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (got <= 0)
		return 0;
	text[got] = '\0';
	if (sscanf(text, "%llu %llu", &total, &resident) != 2)
		return 0;
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void report_ring(struct status_meter *meter, struct status *status)
{
	const struct ft_ringfile *layout = ring_map_layout(meter->ringmap);
	uint64_t put = segment_ring_put_count(meter->engine->slots);

	status->ring.path = ring_map_path(meter->ringmap);
	status->ring.bytes = layout->bytes;
	status->ring.slots = layout->event_slots;
	status->ring.fill_percent =
		put >= layout->event_slots ? 100 : (double)put * 100 / layout->event_slots;
	for (size_t i = 0; i < RING_PATH_KEPT_MAX; i++)
		if (ring_map_kept(meter->ringmap, i, meter->kept[i], sizeof(meter->kept[i])))
			status->ring.kept[status->ring.kept_count++] = meter->kept[i];
}

void status_meter_fill(struct status_meter *meter, struct status *status)
{
	const struct drain_counts *counts = drain_counts(meter->engine->drain);
	uint64_t now_ns = clock_now_ns(), up_ns = now_ns - meter->engine->start_ns;
	struct target target;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	target_finder_target(meter->finder, &target);
	target_text(&target, meter->target, sizeof(meter->target));
	status->tier = TRACEPOINT_TIER.name;
	status->target =
		target_finder_looks(meter->finder) && !target.count ? "not running" : meter->target;
	target_finder_missing(meter->finder, meter->missing);
	status->target_missing = meter->missing[0] ? meter->missing : NULL;
	status->armed_since_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - (int64_t)up_ns;
	status->uptime_ns = up_ns;
	status->history_ns = get_history_ns(meter, now_ns);
	report_ring(meter, status);
	status->events = counts->events;
	status->lost = counts->lost;
	status->events_per_s = meter->events_per_s;
	status->recorder.cpu_ns = clock_own_cpu_ns();
	status->recorder.cpu_share_percent =
		up_ns ? (double)status->recorder.cpu_ns * 100 / (double)up_ns : 0;
	status->recorder.delay_max_ns = counts->delay_max_ns;
	status->recorder.rss_bytes = read_rss_bytes();
}
