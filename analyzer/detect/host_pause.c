/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/host_pause.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/trace/per_thread.h"
#include "analyzer/locks/replay.h"

/* A running thread is sampled ten times in this. */
#define SILENCE_NS 200000000u

/* The recorder's thread wakes every 250 ms where it is quiet: this is twice. */
#define RECORDER_MISSED_NS 500000000u

/* Wakings of it seen before, without which their lack means nothing. */
#define RECORDER_WAKINGS_LEAST 3u

/* On one CPU alone it is so many times the longest time between two samples. */
#define SILENCE_SAMPLES 5u

/* A thread that is sampled at all; the kernel leaves some out. */
#define SAMPLES_LEAST 3u

#define CPUS_MAX 65536u /* beyond any Linux; a CPU above it is damage and passed over */
#define KEPT_MAX 1000u /* more silences than that are a made-up capture */

struct kept {
	uint64_t start_ns, end_ns;
	const struct thread *ran;
	uint32_t cpu;
	bool recorder_missed;
	bool one_cpu;
};

struct silent_cpu {
	const struct thread *occupant; /* NULL: not known, or idle */
	uint64_t last_ns; /* of its last event */
};

struct host_pauses {
	uint64_t start_ns, last_ns;
	uint64_t sampled_within_ns;
	uint64_t lost_until_ns; /* events of some CPU are missing up to there */
	int32_t recorder_tgid;
	uint32_t recorder_wakings;
	struct per_thread samples; /* uint32_t */
	struct silent_cpu *cpus;
	size_t cpu_count;
	struct kept *kept;
	size_t kept_count, kept_room;
	size_t open; /* place + 1 of the last one of all CPUs, until the CPU that ran somebody is heard of again */
};

int host_pauses_create(uint64_t start_ns, int32_t recorder_tgid, uint64_t sampled_within_ns,
		       struct host_pauses **ret_silences)
{
	struct host_pauses *silences = calloc(1, sizeof(*silences));

	if (!silences)
		return -ENOMEM;
	silences->start_ns = start_ns;
	silences->recorder_tgid = recorder_tgid;
	silences->sampled_within_ns = sampled_within_ns;
	silences->samples.entry_bytes = sizeof(uint32_t);
	*ret_silences = silences;
	return 0;
}

void host_pauses_destroy(struct host_pauses *silences)
{
	if (!silences)
		return;
	per_thread_free(&silences->samples);
	free(silences->cpus);
	free(silences->kept);
	free(silences);
}

static int cpus_grow(struct host_pauses *silences, uint32_t cpu)
{
	size_t count = silences->cpu_count ? silences->cpu_count : 8;
	struct silent_cpu *cpus;

	if (cpu < silences->cpu_count)
		return 0;
	while (count <= cpu)
		count *= 2;
	cpus = reallocarray(silences->cpus, count, sizeof(*cpus));
	if (!cpus)
		return -ENOMEM;
	memset(cpus + silences->cpu_count, 0, (count - silences->cpu_count) * sizeof(*cpus));
	silences->cpus = cpus;
	silences->cpu_count = count;
	return 0;
}

static bool is_sampled(const struct host_pauses *silences, const struct thread *thread)
{
	const uint32_t *samples = per_thread_find(&silences->samples, thread);

	return samples && *samples >= SAMPLES_LEAST;
}

/* Not heard of since: what the CPU ran proves nothing. */
static void silence_doubt(struct host_pauses *silences)
{
	if (silences->open)
		silences->kept[silences->open - 1].ran = NULL;
	silences->open = 0;
}

static int kept_append(struct host_pauses *silences, const struct kept *kept)
{
	size_t room = silences->kept_room ? silences->kept_room * 2 : 16;
	struct kept *grown;

	if (silences->kept_count == silences->kept_room) {
		grown = reallocarray(silences->kept, room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		silences->kept = grown;
		silences->kept_room = room;
	}
	silences->kept[silences->kept_count++] = *kept;
	return 0;
}

/* Silence up to @now_ns: is there a CPU that ran somebody who is sampled? */
static int silence_keep(struct host_pauses *silences, uint64_t now_ns)
{
	struct kept kept = { .start_ns = silences->last_ns, .end_ns = now_ns };

	for (uint32_t cpu = 0; cpu < silences->cpu_count && !kept.ran; cpu++) {
		const struct thread *occupant = silences->cpus[cpu].occupant;

		if (!occupant || !is_sampled(silences, occupant))
			continue;
		kept.ran = occupant;
		kept.cpu = cpu;
	}
	kept.recorder_missed = now_ns - silences->last_ns >= RECORDER_MISSED_NS &&
			       silences->recorder_wakings >= RECORDER_WAKINGS_LEAST;
	if ((!kept.ran && !kept.recorder_missed) || silences->kept_count == KEPT_MAX)
		return 0;
	silence_doubt(silences);
	if (kept_append(silences, &kept))
		return -ENOMEM;
	silences->open = kept.ran ? silences->kept_count : 0;
	return 0;
}

/* The first event of a CPU after a time without any: of the thread that ran there, and it was to be sampled meanwhile? */
static int silence_keep_cpu(struct host_pauses *silences, const struct event *event)
{
	const struct silent_cpu *cpu = &silences->cpus[event->raw.cpu];
	uint64_t least_ns = silences->sampled_within_ns * SILENCE_SAMPLES;

	if (!silences->sampled_within_ns || !cpu->occupant || event->thread != cpu->occupant ||
	    event->raw.time_ns < cpu->last_ns + SILENCE_NS ||
	    event->raw.time_ns < cpu->last_ns + least_ns || !is_sampled(silences, cpu->occupant) ||
	    silences->kept_count == KEPT_MAX)
		return 0;
	return kept_append(silences, &(struct kept){ .start_ns = cpu->last_ns,
						     .end_ns = event->raw.time_ns,
						     .ran = cpu->occupant,
						     .cpu = event->raw.cpu,
						     .one_cpu = true });
}

/* The first event of its CPU after a silence must be of the thread that is said to have run all along. */
static void confirm(struct host_pauses *silences, const struct event *event)
{
	const struct kept *kept;

	if (!silences->open)
		return;
	kept = &silences->kept[silences->open - 1];
	if (event->raw.cpu != kept->cpu)
		return;
	if (event->thread != kept->ran)
		silence_doubt(silences);
	silences->open = 0;
}

static void note_occupant(struct host_pauses *silences, const struct event *event)
{
	const struct thread *now = event->thread;

	if (event->raw.kind == FT_EVENT_SWITCH)
		now = event->other;
	silences->cpus[event->raw.cpu] = (struct silent_cpu){
		.occupant = now && !now->idle_task && !now->silent ? now : NULL,
		.last_ns = event->raw.time_ns,
	};
}

int host_pauses_event(struct host_pauses *silences, const struct event *event)
{
	uint32_t *samples;

	if (event->raw.cpu >= CPUS_MAX || event->raw.time_ns < silences->start_ns)
		return 0;
	if (cpus_grow(silences, event->raw.cpu))
		return -ENOMEM;
	if (event->raw.kind == FT_EVENT_LOST) {
		silences->cpus[event->raw.cpu].occupant = NULL;
		if (event->raw.time_ns > silences->lost_until_ns)
			silences->lost_until_ns = event->raw.time_ns;
		return 0;
	}
	if (silences->last_ns > silences->lost_until_ns &&
	    event->raw.time_ns >= silences->last_ns + SILENCE_NS &&
	    silence_keep(silences, event->raw.time_ns))
		return -ENOMEM;
	if (event->raw.time_ns > silences->last_ns)
		silences->last_ns = event->raw.time_ns;
	if (silence_keep_cpu(silences, event))
		return -ENOMEM;
	confirm(silences, event);
	note_occupant(silences, event);
	if (event->raw.kind == FT_EVENT_SAMPLE && event->thread) {
		samples = per_thread_get(&silences->samples, event->thread);
		if (!samples)
			return -ENOMEM;
		++*samples;
	}
	if (event->raw.kind == FT_EVENT_SWITCH && silences->recorder_tgid &&
	    event->other->tgid == silences->recorder_tgid)
		silences->recorder_wakings++;
	return 0;
}

/* Who wanted to go on meanwhile. */

struct watch {
	struct target *target;
	struct host_pause *silence;
	struct per_thread victims; /* struct delayed */
};

struct delayed {
	struct victim victim;
	uint64_t runnable_ns, since_ns; /* as long as it is not known on which CPU it runs next */
};

/* What of @interval is charged to the silence: of one CPU, running there and waiting to. */
static uint64_t delay_of(const struct watch *watch, const struct interval *interval,
			 struct delayed *delayed, uint64_t *from_ns, uint64_t delay_ns)
{
	const struct host_pause *silence = watch->silence;

	if (!silence->one_cpu)
		return delay_ns;
	if (interval->state == THREAD_RUNNABLE) {
		delayed->runnable_ns = delay_ns;
		delayed->since_ns = *from_ns;
		return 0;
	}
	if (interval->cpu != silence->cpu)
		delay_ns = 0;
	else if (delayed->runnable_ns) {
		delay_ns += delayed->runnable_ns;
		*from_ns = delayed->since_ns;
	}
	delayed->runnable_ns = 0;
	return delay_ns;
}

static int watch_closed(void *context, const struct interval *interval)
{
	struct watch *watch = context;
	uint64_t from_ns = interval->start_ns, to_ns = interval->end_ns;
	struct delayed *delayed;
	uint64_t delay_ns;

	if ((interval->state != THREAD_RUNNING && interval->state != THREAD_RUNNABLE) ||
	    !target_counts(watch->target, interval->thread))
		return 0;
	if (from_ns < watch->silence->start_ns)
		from_ns = watch->silence->start_ns;
	if (to_ns > watch->silence->end_ns)
		to_ns = watch->silence->end_ns;
	if (to_ns <= from_ns &&
	    !watch->silence->one_cpu) /* else its next run tells where it waited */
		return 0;
	delayed = per_thread_get(&watch->victims, interval->thread);
	if (!delayed)
		return -ENOMEM;
	delay_ns =
		delay_of(watch, interval, delayed, &from_ns, to_ns > from_ns ? to_ns - from_ns : 0);
	if (!delay_ns)
		return 0;
	if (!delayed->victim.thread)
		delayed->victim =
			(struct victim){ .thread = interval->thread, .since_ns = from_ns };
	delayed->victim.blocked_ns += delay_ns;
	delayed->victim.longest_ns = delayed->victim.blocked_ns;
	return 0;
}

static int by_blocked(const void *left, const void *right)
{
	const struct victim *a = left, *b = right;

	if (a->blocked_ns != b->blocked_ns)
		return a->blocked_ns < b->blocked_ns ? 1 : -1;
	return (a->thread->index > b->thread->index) - (a->thread->index < b->thread->index);
}

static int take_victims(const struct watch *watch)
{
	struct host_pause *silence = watch->silence;

	silence->victims = calloc(per_thread_count(&watch->victims) + 1, sizeof(*silence->victims));
	if (!silence->victims)
		return -ENOMEM;
	for (size_t i = 0; i < per_thread_count(&watch->victims); i++) {
		const struct delayed *delayed = per_thread_at(&watch->victims, i);

		if (delayed && delayed->victim.thread)
			silence->victims[silence->victim_count++] = delayed->victim;
	}
	qsort(silence->victims, silence->victim_count, sizeof(*silence->victims), by_blocked);
	return 0;
}

static int find_victims(struct source *source, struct stack_infos *stackfacts,
			struct target *target, struct host_pause *silence)
{
	struct watch watch = { target, silence, { .entry_bytes = sizeof(struct delayed) } };
	int r = replay_over(source, stackfacts,
			    &(struct replay_watcher){ .closed = watch_closed, .context = &watch });

	if (!r)
		r = take_victims(&watch);
	per_thread_free(&watch.victims);
	return r;
}

/* While all CPUs were silent each of them was. */
static bool of_all(const struct host_pauses *silences, const struct kept *one)
{
	for (size_t i = 0; i < silences->kept_count; i++) {
		const struct kept *all = &silences->kept[i];
		uint64_t from_ns = one->start_ns > all->start_ns ? one->start_ns : all->start_ns;
		uint64_t to_ns = one->end_ns < all->end_ns ? one->end_ns : all->end_ns;

		if (!all->one_cpu && (all->ran || all->recorder_missed) && to_ns > from_ns &&
		    (to_ns - from_ns) * 2 > one->end_ns - one->start_ns)
			return true;
	}
	return false;
}

static bool counts(const struct host_pauses *silences, const struct kept *kept)
{
	return kept->one_cpu ? !of_all(silences, kept) : kept->ran || kept->recorder_missed;
}

/* The longest; NULL. */
static const struct kept *longest(const struct host_pauses *silences)
{
	const struct kept *found = NULL;

	for (size_t i = 0; i < silences->kept_count; i++) {
		const struct kept *kept = &silences->kept[i];

		if ((!found || kept->end_ns - kept->start_ns > found->end_ns - found->start_ns) &&
		    counts(silences, kept))
			found = kept;
	}
	return found;
}

int host_pauses_find(struct host_pauses *silences, struct source *source,
		     struct stack_infos *stackfacts, struct target *target,
		     struct host_pause *ret_silence)
{
	struct host_pause silence = { .found = false };
	const struct kept *found;
	int r = 0;

	silence_doubt(silences);
	found = longest(silences);
	if (found) {
		silence.found = true;
		silence.start_ns = found->start_ns;
		silence.end_ns = found->end_ns;
		silence.ran = found->ran;
		silence.cpu = found->cpu;
		silence.one_cpu = found->one_cpu;
		silence.recorder_missed = found->recorder_missed;
		silence.of_target = found->ran && target_counts(target, found->ran);
	}
	for (size_t i = 0; i < silences->kept_count && found; i++) {
		const struct kept *kept = &silences->kept[i];

		if (kept->one_cpu != found->one_cpu || (kept->one_cpu && kept->cpu != found->cpu) ||
		    !counts(silences, kept))
			continue;
		silence.count++;
		silence.total_ns += kept->end_ns - kept->start_ns;
	}
	if (silence.found)
		r = find_victims(source, stackfacts, target, &silence);
	*ret_silence = silence;
	return r;
}

void host_pause_free(struct host_pause *silence)
{
	free(silence->victims);
	silence->victims = NULL;
}
