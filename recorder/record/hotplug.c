/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/record/hotplug.h"

#include <errno.h>
#include <stdlib.h>

#include "recorder/base/clock.h"
#include "recorder/perf/cpu_hotplug_watch.h"

#define QUIET_NS   500000000 /* even an idle CPU mostly records more often */
#define CHECK_NS   500000000 /* between two checks of one CPU: a live event counts on meanwhile */
#define CHECKS_MAX 8 /* CPUs checked in one call: each takes 10 us */

struct hotplug_cpu {
	uint64_t checked_ns; /* last check; 0: none since its last record */
	bool moved; /* its hotplug thread ran: the event has to be checked */
	bool alive_read; /* perf_events_alive() was called once since then */
	bool detached; /* drain_detach() was called */
	uint64_t offline_ns; /* it was surely offline at that time */
};

struct hotplug {
	const struct event_plan *plan;
	struct perf_events *counters;
	struct drain *drain;
	struct cpu_hotplug_watch *threads;
	size_t next; /* CPU to begin with, so that each gets its turn */
	unsigned int checks_left; /* left in this call */
	struct hotplug_cpu cpus[];
};

int hotplug_create(const struct event_plan *plan, struct perf_events *counters, struct drain *drain,
		   struct hotplug **ret_hotplug)
{
	struct hotplug *hotplug =
		calloc(1, sizeof(*hotplug) + counters->cpu_count * sizeof(hotplug->cpus[0]));
	if (!hotplug)
		return -ENOMEM;
	hotplug->threads = calloc(counters->cpu_count, sizeof(*hotplug->threads));
	if (!hotplug->threads) {
		free(hotplug);
		return -ENOMEM;
	}
	for (size_t i = 0; i < counters->cpu_count; i++)
		hotplug->threads[i].cpu = counters->cpus[i].cpu;
	cpu_hotplug_watch_open(hotplug->threads, counters->cpu_count);
	hotplug->plan = plan;
	hotplug->counters = counters;
	hotplug->drain = drain;
	*ret_hotplug = hotplug;
	return 0;
}

void hotplug_destroy(struct hotplug *hotplug)
{
	if (!hotplug)
		return;
	cpu_hotplug_watch_close(hotplug->threads, hotplug->counters->cpu_count);
	free(hotplug->threads);
	free(hotplug);
}

/* Finds also a CPU that went and came back between two checks: its events are dead. */
static bool has_gone(struct hotplug *hotplug, size_t index)
{
	struct hotplug_cpu *cpu = &hotplug->cpus[index];
	uint64_t now_ns = clock_now_ns();

	if (now_ns < drain_last_record_ns(hotplug->drain, index) + QUIET_NS) {
		cpu->checked_ns = 0;
		return false;
	}
	if (cpu->checked_ns && now_ns < cpu->checked_ns + CHECK_NS)
		return false;
	if (!hotplug->checks_left)
		return false;
	hotplug->checks_left--;
	hotplug->next = index + 1;
	cpu->checked_ns = now_ns;
	if (cpu_hotplug_watch_moved(&hotplug->threads[index])) {
		cpu->moved = true;
		cpu->alive_read = false;
	}
	if (!cpu->moved)
		return false;
	bool alive = perf_events_alive(hotplug->counters, &hotplug->counters->cpus[index]);
	if (!cpu->alive_read) {
		cpu->alive_read = true;
		return false; /* only a second call can compare */
	}
	cpu->moved = cpu->alive_read = false;
	return !alive;
}

static void reopen_cpu(struct hotplug *hotplug, size_t index)
{
	struct hotplug_cpu *cpu = &hotplug->cpus[index];
	struct perf_events_cpu *counter = &hotplug->counters->cpus[index];
	uint64_t now_ns = clock_now_ns();

	if (counter->map)
		perf_events_close_cpu(hotplug->counters, counter);
	int error = perf_events_open_cpu(hotplug->counters, hotplug->plan, counter);
	if (error == -ENODEV)
		cpu->offline_ns = now_ns;
	if (error)
		return; /* the next call tries again */
	drain_attach(hotplug->drain, index, cpu->offline_ns, clock_now_ns());
	cpu->detached = false;
	cpu->checked_ns = 0;
}

void hotplug_look(struct hotplug *hotplug)
{
	size_t count = hotplug->counters->cpu_count, first = hotplug->next;

	hotplug->checks_left = CHECKS_MAX;
	for (size_t n = 0; n < count; n++) {
		size_t i = (first + n) % count;
		struct hotplug_cpu *cpu = &hotplug->cpus[i];
		if (cpu->detached) {
			if (drain_is_detached(hotplug->drain, i))
				reopen_cpu(hotplug, i);
		} else if (has_gone(hotplug, i)) {
			cpu->detached = true;
			cpu->offline_ns =
				clock_now_ns(); /* the gap begins at its last record anyway */
			drain_detach(hotplug->drain, i);
		}
	}
}
