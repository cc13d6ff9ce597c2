/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/trace/cpu_gaps.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/trace/per_thread.h"
#include "analyzer/trace/source.h"
#include "analyzer/util/array.h"
#include "analyzer/util/span.h"

/* A running thread is sampled ten times in this. */
#define GAP_NS 200000000u

/* The recorder's thread wakes every 250 ms where it is quiet: this is twice. */
#define RECORDER_MISSED_NS 500000000u

/* Wakings of it seen before, without which their lack means nothing. */
#define RECORDER_WAKINGS_LEAST 3u

/* On one CPU alone it is so many times the longest time between two samples. */
#define GAP_SAMPLES 5u

/* A thread that is sampled at all; the kernel leaves some out. */
#define SAMPLES_LEAST 3u

#define GAPS_MAX 1000u /* more gaps than that are a made-up capture */

struct heard_cpu {
	const struct thread *occupant; /* NULL: not known, or idle */
	uint64_t last_ns; /* of its last event */
};

struct cpu_gaps {
	uint64_t start_ns, last_ns;
	uint64_t sampled_within_ns;
	uint64_t lost_until_ns; /* events of some CPU are missing up to there */
	int32_t recorder_tgid;
	uint32_t recorder_wakings;
	struct per_thread samples; /* uint32_t */
	struct heard_cpu *cpus;
	size_t cpu_count;
	struct cpu_gap *kept;
	size_t count, room;
	size_t open; /* place + 1 of the last one of all CPUs, until the CPU that ran somebody is heard of again */
};

int cpu_gaps_create(uint64_t start_ns, int32_t recorder_tgid, uint64_t sampled_within_ns,
		       struct cpu_gaps **ret_gaps)
{
	struct cpu_gaps *gaps = calloc(1, sizeof(*gaps));

	if (!gaps)
		return -ENOMEM;
	gaps->start_ns = start_ns;
	gaps->recorder_tgid = recorder_tgid;
	gaps->sampled_within_ns = sampled_within_ns;
	gaps->samples.entry_bytes = sizeof(uint32_t);
	*ret_gaps = gaps;
	return 0;
}

void cpu_gaps_destroy(struct cpu_gaps *gaps)
{
	if (!gaps)
		return;
	per_thread_free(&gaps->samples);
	free(gaps->cpus);
	free(gaps->kept);
	free(gaps);
}

static bool is_sampled(const struct cpu_gaps *gaps, const struct thread *thread)
{
	const uint32_t *samples = per_thread_find(&gaps->samples, thread);

	return samples && *samples >= SAMPLES_LEAST;
}

/* Not heard of since: what the CPU ran proves nothing. */
static void doubt_open_gap(struct cpu_gaps *gaps)
{
	if (gaps->open)
		gaps->kept[gaps->open - 1].ran = NULL;
	gaps->open = 0;
}

static int append_gap(struct cpu_gaps *gaps, const struct cpu_gap *kept)
{
	if (array_grow(gaps->kept, gaps->count, gaps->room))
		return -ENOMEM;
	gaps->kept[gaps->count++] = *kept;
	return 0;
}

/* These are not inlined: an event that asks for none of them saves no registers. */
#define RARE __attribute__((noinline))

/* Silence up to @now_ns: is there a CPU that ran somebody who is sampled? */
static RARE int keep_gap_of_all(struct cpu_gaps *gaps, uint64_t now_ns)
{
	struct cpu_gap kept = { .start_ns = gaps->last_ns, .end_ns = now_ns };

	for (uint32_t cpu = 0; cpu < gaps->cpu_count && !kept.ran; cpu++) {
		const struct thread *occupant = gaps->cpus[cpu].occupant;

		if (!occupant || !is_sampled(gaps, occupant))
			continue;
		kept.ran = occupant;
		kept.cpu = cpu;
	}
	kept.recorder_missed = now_ns - gaps->last_ns >= RECORDER_MISSED_NS &&
			       gaps->recorder_wakings >= RECORDER_WAKINGS_LEAST;
	if ((!kept.ran && !kept.recorder_missed) || gaps->count == GAPS_MAX)
		return 0;
	doubt_open_gap(gaps);
	if (append_gap(gaps, &kept))
		return -ENOMEM;
	gaps->open = kept.ran ? gaps->count : 0;
	return 0;
}

/* The first event of a CPU after a time without any: of the thread that ran there, and it was to be sampled meanwhile? */
static RARE int keep_gap_of_cpu(struct cpu_gaps *gaps, const struct heard_cpu *cpu,
				const struct event *event)
{
	uint64_t least_ns = gaps->sampled_within_ns * GAP_SAMPLES;

	if (!gaps->sampled_within_ns || !cpu->occupant || event->thread != cpu->occupant ||
	    event->raw.time_ns < cpu->last_ns + least_ns || !is_sampled(gaps, cpu->occupant) ||
	    gaps->count == GAPS_MAX)
		return 0;
	return append_gap(gaps, &(struct cpu_gap){ .start_ns = cpu->last_ns,
						     .end_ns = event->raw.time_ns,
						     .ran = cpu->occupant,
						     .cpu = event->raw.cpu,
						     .one_cpu = true });
}

/* The first event of its CPU after a silence must be of the thread that is said to have run all along. */
static RARE void confirm_open_gap(struct cpu_gaps *gaps, const struct event *event)
{
	const struct cpu_gap *kept = &gaps->kept[gaps->open - 1];

	if (event->raw.cpu != kept->cpu)
		return;
	if (event->thread != kept->ran)
		doubt_open_gap(gaps);
	gaps->open = 0;
}

static RARE int count_sample(struct cpu_gaps *gaps, const struct event *event)
{
	uint32_t *samples = event->thread ? per_thread_get(&gaps->samples, event->thread) : NULL;

	if (!samples)
		return event->thread ? -ENOMEM : 0;
	++*samples;
	return 0;
}

static RARE void note_loss(struct cpu_gaps *gaps, const struct event *event)
{
	gaps->cpus[event->raw.cpu].occupant = NULL;
	if (event->raw.time_ns > gaps->lost_until_ns)
		gaps->lost_until_ns = event->raw.time_ns;
}

/* Events come by the million: each asks a few questions, and nearly always that is all. */
int cpu_gaps_event(struct cpu_gaps *gaps, const struct event *event)
{
	const struct thread *now = event->thread;
	uint64_t time_ns = event->raw.time_ns;
	struct heard_cpu *cpu;

	if (event->raw.cpu >= SOURCE_CPUS_MAX || time_ns < gaps->start_ns)
		return 0;
	if (array_reach(gaps->cpus, gaps->cpu_count, event->raw.cpu))
		return -ENOMEM;
	if (event->raw.kind == FT_EVENT_LOST) {
		note_loss(gaps, event);
		return 0;
	}
	cpu = &gaps->cpus[event->raw.cpu];
	if (time_ns >= gaps->last_ns + GAP_NS && gaps->last_ns > gaps->lost_until_ns &&
	    keep_gap_of_all(gaps, time_ns))
		return -ENOMEM;
	gaps->last_ns = later(gaps->last_ns, time_ns);
	if (time_ns >= cpu->last_ns + GAP_NS && keep_gap_of_cpu(gaps, cpu, event))
		return -ENOMEM;
	if (gaps->open)
		confirm_open_gap(gaps, event);
	if (event->raw.kind == FT_EVENT_SWITCH) {
		now = event->other;
		gaps->recorder_wakings += gaps->recorder_tgid && now->tgid == gaps->recorder_tgid;
	}
	cpu->occupant = now && !now->idle_task && !now->silent ? now : NULL;
	cpu->last_ns = time_ns;
	return event->raw.kind == FT_EVENT_SAMPLE ? count_sample(gaps, event) : 0;
}

void cpu_gaps_finish(struct cpu_gaps *gaps)
{
	doubt_open_gap(gaps);
	/* Who is silent is not heard of anyway. */
	for (size_t i = 0; i < gaps->count; i++)
		if (gaps->kept[i].ran && gaps->kept[i].ran->silent)
			gaps->kept[i].ran = NULL;
}

size_t cpu_gaps_list(const struct cpu_gaps *gaps, const struct cpu_gap **ret_gaps)
{
	*ret_gaps = gaps->kept;
	return gaps->count;
}
