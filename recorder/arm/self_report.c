/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/arm/self_report.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "capture/ringfile.h"
#include "recorder/base/clock.h"
#include "recorder/base/message.h"
#include "recorder/perf/tier.h"

#define LOOK_LEAST_NS 900000000ull /* a rate of less time says little */

void self_report_begin(struct self_report *report, const struct engine *engine,
		       const struct ring_map *ringmap, struct target_finder *finder)
{
	*report = (struct self_report){
		.engine = engine, .ringmap = ringmap, .finder = finder, .looked_ns = clock_now_ns()
	};
}

void self_report_look(struct self_report *report, uint64_t now_ns)
{
	uint64_t events = drain_counts(report->engine->drain)->events;

	if (now_ns - report->looked_ns < LOOK_LEAST_NS)
		return;
	report->events_per_s =
		(double)(events - report->events) * 1e9 / (double)(now_ns - report->looked_ns);
	report->events = events;
	report->looked_ns = now_ns;
}

static uint64_t history_ns(const struct self_report *report, uint64_t now_ns)
{
	uint64_t since_ns = segment_ring_since_ns(report->engine->slots);
	if (!since_ns)
		since_ns = report->engine->start_ns;
	return now_ns > since_ns ? now_ns - since_ns : 0;
}

void self_report_draw(const struct self_report *report, bool capturing)
{
	uint64_t lost = drain_counts(report->engine->drain)->lost;
	char lost_text[40] = "none lost";

	if (lost)
		snprintf(lost_text, sizeof(lost_text), "%llu LOST", (unsigned long long)lost);
	message_progress("%s: %.1f s of history, %.0f events/s, %s; Ctrl-C ends it",
			 capturing ? "capturing" : "armed",
			 (double)history_ns(report, clock_now_ns()) / 1e9, report->events_per_s,
			 lost_text);
}

static uint64_t rss_bytes(void)
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

static void report_ring(struct self_report *report, struct status *status)
{
	const struct ft_ringfile *layout = ring_map_layout(report->ringmap);
	uint64_t put = segment_ring_put_count(report->engine->slots);

	status->ring.path = ring_map_path(report->ringmap);
	status->ring.bytes = layout->bytes;
	status->ring.slots = layout->event_slots;
	status->ring.fill_percent =
		put >= layout->event_slots ? 100 : (double)put * 100 / layout->event_slots;
	for (size_t i = 0; i < RING_PATH_KEPT_MAX; i++)
		if (ring_map_kept(report->ringmap, i, report->kept[i], sizeof(report->kept[i])))
			status->ring.kept[status->ring.kept_count++] = report->kept[i];
}

void self_report_status(struct self_report *report, struct status *status)
{
	const struct drain_counts *counts = drain_counts(report->engine->drain);
	uint64_t now_ns = clock_now_ns(), up_ns = now_ns - report->engine->start_ns;
	struct target target;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	target_finder_target(report->finder, &target);
	target_text(&target, report->target, sizeof(report->target));
	status->tier = TRACEPOINT_TIER.name;
	status->target = target_finder_looks(report->finder) && !target.count ? "not running"
									      : report->target;
	target_finder_missing(report->finder, report->missing);
	status->target_missing = report->missing[0] ? report->missing : NULL;
	status->armed_since_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - (int64_t)up_ns;
	status->uptime_ns = up_ns;
	status->history_ns = history_ns(report, now_ns);
	report_ring(report, status);
	status->events = counts->events;
	status->lost = counts->lost;
	status->events_per_s = report->events_per_s;
	status->recorder.cpu_ns = clock_own_cpu_ns();
	status->recorder.cpu_share_percent =
		up_ns ? (double)status->recorder.cpu_ns * 100 / (double)up_ns : 0;
	status->recorder.delay_max_ns = counts->delay_max_ns;
	status->recorder.rss_bytes = rss_bytes();
}
