/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/silence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/by_thread.h"
#include "analyzer/pass.h"

/* A running thread is sampled ten times in this. */
#define SILENCE_NS 200000000u

/* The recorder's thread wakes every 250 ms where it is quiet: this is twice. */
#define RECORDER_MISSED_NS 500000000u

/* Wakings of it seen before, without which their lack means nothing. */
#define RECORDER_WAKINGS_LEAST 3u

/* A thread that is sampled at all; the kernel leaves some out. */
#define SAMPLES_LEAST 3u

#define CPUS_MAX 65536u /* beyond any Linux; a CPU above it is damage and passed over */
#define KEPT_MAX 1000u /* more silences than that are a made-up capture */

struct kept {
	uint64_t start_ns, end_ns;
	const struct thread *ran;
	uint32_t cpu;
	bool recorder_missed;
};

struct silences {
	uint64_t start_ns, last_ns;
	uint64_t lost_until_ns; /* events of some CPU are missing up to there */
	int32_t recorder_tgid;
	uint32_t recorder_wakings;
	struct by_thread samples; /* uint32_t */
	const struct thread **occupants; /* by CPU; NULL: not known, or idle */
	size_t cpu_count;
	struct kept *kept;
	size_t kept_count, kept_room;
	struct kept *open; /* the last one, until the CPU that ran somebody is heard of again */
};

int silences_create(uint64_t start_ns, int32_t recorder_tgid, struct silences **ret_silences)
{
	struct silences *silences = calloc(1, sizeof(*silences));

	if (!silences)
		return -ENOMEM;
	silences->start_ns = start_ns;
	silences->recorder_tgid = recorder_tgid;
	silences->samples.entry_bytes = sizeof(uint32_t);
	*ret_silences = silences;
	return 0;
}

void silences_destroy(struct silences *silences)
{
	if (!silences)
		return;
	by_thread_free(&silences->samples);
	free(silences->occupants);
	free(silences->kept);
	free(silences);
}

static int occupants_grow(struct silences *silences, uint32_t cpu)
{
	size_t count = silences->cpu_count ? silences->cpu_count : 8;
	const struct thread **occupants;

	if (cpu < silences->cpu_count)
		return 0;
	while (count <= cpu)
		count *= 2;
	occupants = reallocarray(silences->occupants, count, sizeof(*occupants));
	if (!occupants)
		return -ENOMEM;
	memset(occupants + silences->cpu_count, 0,
	       (count - silences->cpu_count) * sizeof(*occupants));
	silences->occupants = occupants;
	silences->cpu_count = count;
	return 0;
}

static bool is_sampled(const struct silences *silences, const struct thread *thread)
{
	const uint32_t *samples = by_thread_find(&silences->samples, thread);

	return samples && *samples >= SAMPLES_LEAST;
}

/* Silence up to @now_ns: is there a CPU that ran somebody who is sampled? */
static int silence_keep(struct silences *silences, uint64_t now_ns)
{
	size_t room = silences->kept_room ? silences->kept_room * 2 : 16;
	struct kept kept = { .start_ns = silences->last_ns, .end_ns = now_ns };
	struct kept *grown;

	for (uint32_t cpu = 0; cpu < silences->cpu_count && !kept.ran; cpu++) {
		if (!silences->occupants[cpu] || !is_sampled(silences, silences->occupants[cpu]))
			continue;
		kept.ran = silences->occupants[cpu];
		kept.cpu = cpu;
	}
	kept.recorder_missed = now_ns - silences->last_ns >= RECORDER_MISSED_NS &&
			       silences->recorder_wakings >= RECORDER_WAKINGS_LEAST;
	if ((!kept.ran && !kept.recorder_missed) || silences->kept_count == KEPT_MAX)
		return 0;
	if (silences->open)
		silences->open->ran = NULL; /* not heard of since */
	if (silences->kept_count == silences->kept_room) {
		grown = reallocarray(silences->kept, room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		silences->kept = grown;
		silences->kept_room = room;
	}
	silences->kept[silences->kept_count] = kept;
	silences->open = kept.ran ? &silences->kept[silences->kept_count] : NULL;
	silences->kept_count++;
	return 0;
}

/* The first event of its CPU after a silence must be of the thread that is said to have run all along. */
static void confirm(struct silences *silences, const struct event *event)
{
	struct kept *kept = silences->open;

	if (!kept || event->raw.cpu != kept->cpu)
		return;
	silences->open = NULL;
	if (event->thread != kept->ran)
		kept->ran = NULL;
}

static void note_occupant(struct silences *silences, const struct event *event)
{
	const struct thread *now = event->thread;

	if (event->raw.kind == FT_EVENT_SWITCH)
		now = event->other;
	silences->occupants[event->raw.cpu] = now && !now->idle_task && !now->silent ? now : NULL;
}

int silences_event(struct silences *silences, const struct event *event)
{
	uint32_t *samples;

	if (event->raw.cpu >= CPUS_MAX || event->raw.time_ns < silences->start_ns)
		return 0;
	if (occupants_grow(silences, event->raw.cpu))
		return -ENOMEM;
	if (event->raw.kind == FT_EVENT_LOST) {
		silences->occupants[event->raw.cpu] = NULL;
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
	confirm(silences, event);
	note_occupant(silences, event);
	if (event->raw.kind == FT_EVENT_SAMPLE && event->thread) {
		samples = by_thread_get(&silences->samples, event->thread);
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
	struct silence *silence;
	struct by_thread victims; /* struct victim */
};

static int watch_closed(void *context, const struct interval *interval)
{
	struct watch *watch = context;
	uint64_t from_ns = interval->start_ns, to_ns = interval->end_ns;
	struct victim *victim;

	if ((interval->state != THREAD_RUNNING && interval->state != THREAD_RUNNABLE) ||
	    !target_counts(watch->target, interval->thread))
		return 0;
	if (from_ns < watch->silence->start_ns)
		from_ns = watch->silence->start_ns;
	if (to_ns > watch->silence->end_ns)
		to_ns = watch->silence->end_ns;
	if (to_ns <= from_ns)
		return 0;
	victim = by_thread_get(&watch->victims, interval->thread);
	if (!victim)
		return -ENOMEM;
	if (!victim->thread)
		*victim = (struct victim){ .thread = interval->thread, .since_ns = from_ns };
	victim->blocked_ns += to_ns - from_ns;
	victim->longest_ns = victim->blocked_ns;
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
	const struct victim *victims = watch->victims.entries;
	struct silence *silence = watch->silence;

	silence->victims = calloc(watch->victims.count + 1, sizeof(*silence->victims));
	if (!silence->victims)
		return -ENOMEM;
	for (size_t i = 0; i < watch->victims.count; i++)
		if (victims[i].thread)
			silence->victims[silence->victim_count++] = victims[i];
	qsort(silence->victims, silence->victim_count, sizeof(*silence->victims), by_blocked);
	return 0;
}

static int find_victims(struct source *source, struct stackfacts *stackfacts, struct target *target,
			struct silence *silence)
{
	struct watch watch = { target, silence, { .entry_bytes = sizeof(struct victim) } };
	const struct locks_options options = { 0 };
	struct pass *pass = NULL;
	int r = pass_create(source, stackfacts, &options, &pass);

	if (!r)
		r = pass_run(pass,
			     &(struct pass_watcher){ .closed = watch_closed, .context = &watch });
	if (!r)
		r = take_victims(&watch);
	pass_destroy(pass);
	by_thread_free(&watch.victims);
	return r;
}

int silences_find(const struct silences *silences, struct source *source,
		  struct stackfacts *stackfacts, struct target *target, struct silence *ret_silence)
{
	struct silence silence = { .found = false };
	int r = 0;

	for (size_t i = 0; i < silences->kept_count; i++) {
		const struct kept *kept = &silences->kept[i];
		const struct thread *ran = kept == silences->open ? NULL : kept->ran;
		uint64_t length_ns = kept->end_ns - kept->start_ns;

		if (!ran && !kept->recorder_missed)
			continue;
		silence.count++;
		silence.total_ns += length_ns;
		if (length_ns <= silence.end_ns - silence.start_ns)
			continue;
		silence.found = true;
		silence.start_ns = kept->start_ns;
		silence.end_ns = kept->end_ns;
		silence.ran = ran;
		silence.cpu = kept->cpu;
		silence.recorder_missed = kept->recorder_missed;
	}
	if (silence.found)
		r = find_victims(source, stackfacts, target, &silence);
	*ret_silence = silence;
	return r;
}

void silence_free(struct silence *silence)
{
	free(silence->victims);
	silence->victims = NULL;
}
