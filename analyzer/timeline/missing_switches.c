/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/timeline/missing_switches.h"

/*
 * Who took over from an idle task unseen did so since the CPU's last event; and since the CPU would
 * have been sampled with him on it, not long ago.
 */
struct arrival missing_switches_arrival(const struct timeline *timeline, const struct cpu *cpu,
					uint64_t time_ns)
{
	uint64_t unsampled_ns = timeline->sampled_within_ns;
	bool from_idle = cpu->occupant && cpu->occupant->idle_task;
	struct arrival arrival = { cpu->last_ns, from_idle && cpu->occupant->silent };

	if (from_idle && timeline->samples_seen && unsampled_ns && time_ns >= unsampled_ns)
		arrival.earliest_ns = later(cpu->last_ns, time_ns - unsampled_ns);
	return arrival;
}

/*
 * It was woken while somebody silent ran. One that was woken by an interrupt of its own CPU before,
 * as whoever sleeps for a time is, was woken so again; others, from any CPU.
 */
uint64_t missing_switches_latest_waking(const struct timeline *timeline,
					const struct thread_slot *slot, uint64_t time_ns)
{
	size_t first = 0, end = timeline->cpu_count;
	uint64_t latest_ns = 0;

	if (!timeline->wakings_recorded)
		return time_ns;
	if (slot->interrupt_cpu == slot->current.cpu && slot->interrupt_cpu < end) {
		first = slot->interrupt_cpu;
		end = first + 1;
	}
	for (size_t i = first; i < end; i++) {
		const struct cpu *cpu = &timeline->cpus[i];

		if (missing_switches_possible(cpu))
			return time_ns;
		latest_ns = later(latest_ns, cpu->unheard_ns);
	}
	return latest_ns;
}
