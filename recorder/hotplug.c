/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/hotplug.h"

#include <errno.h>
#include <stdlib.h>

#include "recorder/clock.h"

#define SILENT_NS 500000000 /* an idle CPU says something more often, mostly */

struct hotplug_cpu {
	uint64_t asked_ns; /* when counters_alive() was; 0: not since it was heard of */
	bool gone; /* the drain was told to let go */
	uint64_t offline_ns; /* it was so for sure then */
};

struct hotplug {
	const struct plan *plan;
	struct counters *counters;
	struct drain *drain;
	struct hotplug_cpu cpus[];
};

int hotplug_create(const struct plan *plan, struct counters *counters, struct drain *drain,
		   struct hotplug **ret_hotplug)
{
	struct hotplug *hotplug =
		calloc(1, sizeof(*hotplug) + counters->cpu_count * sizeof(hotplug->cpus[0]));
	if (!hotplug)
		return -ENOMEM;
	hotplug->plan = plan;
	hotplug->counters = counters;
	hotplug->drain = drain;
	*ret_hotplug = hotplug;
	return 0;
}

void hotplug_destroy(struct hotplug *hotplug)
{
	free(hotplug);
}

/* Also one that went and came back between two looks. */
static bool has_gone(struct hotplug *hotplug, size_t index)
{
	struct hotplug_cpu *cpu = &hotplug->cpus[index];
	uint64_t now_ns = clock_now_ns();

	if (now_ns < drain_heard_ns(hotplug->drain, index) + SILENT_NS) {
		cpu->asked_ns = 0;
		return false;
	}
	if (cpu->asked_ns && now_ns < cpu->asked_ns + SILENT_NS)
		return false;
	bool alive = counters_alive(hotplug->counters, &hotplug->counters->cpus[index]);
	bool gone = !alive && cpu->asked_ns;
	cpu->asked_ns = now_ns;
	return gone;
}

static void try_again(struct hotplug *hotplug, size_t index)
{
	struct hotplug_cpu *cpu = &hotplug->cpus[index];
	struct counters_cpu *counter = &hotplug->counters->cpus[index];
	uint64_t now_ns = clock_now_ns();

	if (counter->map)
		counters_close_cpu(hotplug->counters, counter);
	int error = counters_open_cpu(hotplug->counters, hotplug->plan, counter);
	if (error == -ENODEV)
		cpu->offline_ns = now_ns;
	if (error)
		return; /* whatever it is, it may pass */
	drain_take(hotplug->drain, index, cpu->offline_ns, clock_now_ns());
	cpu->gone = false;
	cpu->asked_ns = 0;
}

void hotplug_look(struct hotplug *hotplug)
{
	for (size_t i = 0; i < hotplug->counters->cpu_count; i++) {
		struct hotplug_cpu *cpu = &hotplug->cpus[i];
		if (cpu->gone) {
			if (drain_dropped(hotplug->drain, i))
				try_again(hotplug, i);
		} else if (has_gone(hotplug, i)) {
			cpu->gone = true;
			cpu->offline_ns = clock_now_ns(); /* until then it is unknown anyway */
			drain_drop(hotplug->drain, i);
		}
	}
}
