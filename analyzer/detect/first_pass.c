/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/first_pass.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/locks/replay.h"

/* A thread that came to a CPU this often and left it less than half as often has lost events: the first figure. Or
 * never left it: the second. */
#define SILENT_LEAST 10u
#define SILENT_NEVER_LEFT 2u

/* A damaged capture may be nothing but gaps; the report counts those past this, it does not list them. */
#define GAPS_MAX 10000u
#define NOTES_MAX 1000u /* a recorder has a few things to say; a made-up capture any number */

static int gap_append(struct first_pass *survey, const struct event *event)
{
	struct model_gap *gaps;

	if (event->raw.time_ns < survey->start_ns)
		return 0; /* before the recording proper */
	survey->lost_records += event->raw.lost.records;
	if (survey->gap_count == GAPS_MAX)
		return 0;
	gaps = reallocarray(survey->gaps, survey->gap_count + 1, sizeof(*gaps));
	if (!gaps)
		return -ENOMEM;
	survey->gaps = gaps;
	gaps[survey->gap_count++] = (struct model_gap){
		.cpu = event->raw.cpu,
		.start_ns = event->raw.lost.start_ns,
		.end_ns = event->raw.time_ns,
		.records = event->raw.lost.records,
	};
	return 0;
}

static int note_append(struct first_pass *survey, const struct event *event)
{
	struct model_note *notes;
	char *text;

	struct ft_filelock lock;

	if (survey->note_count == NOTES_MAX || ft_filelock_parse(event->raw.note.text, &lock))
		return 0;
	notes = reallocarray(survey->notes, survey->note_count + 1, sizeof(*notes));
	if (!notes)
		return -ENOMEM;
	survey->notes = notes;
	text = strdup(event->raw.note.text);
	if (!text)
		return -ENOMEM;
	notes[survey->note_count++] = (struct model_note){ event->raw.time_ns, text };
	return 0;
}

static struct switch_counts *switches_of(struct first_pass *survey, const struct thread *thread)
{
	size_t count = survey->switches_count ? survey->switches_count : 64;
	struct switch_counts *switches;

	if (thread->index < survey->switches_count)
		return &survey->switches[thread->index];
	while (count <= thread->index)
		count *= 2;
	switches = reallocarray(survey->switches, count, sizeof(*switches));
	if (!switches)
		return NULL;
	memset(switches + survey->switches_count, 0,
	       (count - survey->switches_count) * sizeof(*switches));
	survey->switches = switches;
	survey->switches_count = count;
	return &switches[thread->index];
}

static int switch_note(struct first_pass *survey, const struct event *event)
{
	struct switch_counts *switches;

	if (event->raw.cpu != FT_NO_CPU && event->raw.cpu >= survey->cpus)
		survey->cpus = event->raw.cpu + 1;
	if (event->raw.kind != FT_EVENT_SWITCH)
		return 0;
	switches = switches_of(survey, event->thread);
	if (!switches)
		return -ENOMEM;
	switches->out++;
	survey->switch_count++;
	switches = switches_of(survey, event->other);
	if (!switches)
		return -ENOMEM;
	switches->in++;
	return 0;
}

static int survey_event(void *context, const struct event *event)
{
	struct first_pass *survey = context;

	if (host_pauses_event(survey->silences, event))
		return -ENOMEM;
	if (event->raw.kind == FT_EVENT_LOST)
		return gap_append(survey, event);
	if (target_event(survey->target, event))
		return -ENOMEM;
	survey->events++;
	if (event->raw.kind == FT_EVENT_NOTE && note_append(survey, event))
		return -ENOMEM;
	if (event->raw.kind == FT_EVENT_EXTRA &&
	    event_counts_event(&survey->extras, event, target_counts(survey->target, event->thread)))
		return -ENOMEM;
	if (switch_note(survey, event))
		return -ENOMEM;
	if (!survey->judged && futex_locks_event(survey->futexes, event))
		return -ENOMEM;
	if (mmap_lock_offset_event(survey->mm_offset, event) || spins_event(survey->spins, event))
		return -ENOMEM;
	return large_calls_event(survey->calls, event);
}

static int survey_closed(void *context, const struct interval *interval)
{
	struct first_pass *survey = context;

	const struct stack_info *fact;

	if (spins_closed(survey->spins, interval))
		return -ENOMEM;
	if (!survey->judged && interval->state == THREAD_BLOCKED) {
		fact = stack_infos_get(survey->stackfacts, interval->stack_id);
		if (!fact || proc_locks_closed(futex_locks_proc_locks(survey->futexes), interval,
					   stack_info_reason(fact, interval->prev_state)->class))
			return -ENOMEM;
	}
	return wait_stats_closed(survey->account, interval);
}

static int survey_read(struct first_pass *survey, struct source *source, struct stack_infos *stackfacts,
		       struct target *target, uint64_t long_ns)
{
	const struct lock_tracker_options locks = { 0, UINT64_MAX, target_counts, target,
					     survey->judged ? survey->futexes : NULL };
	const struct wait_stats_options account = { long_ns, target_counts, target,
						 !target->count };
	int r;

	survey->start_ns = source_start_ns(source);
	survey->target = target;
	survey->stackfacts = stackfacts;
	r = large_calls_create(&survey->calls);
	if (r)
		return r;
	r = mmap_lock_offset_create(&survey->mm_offset);
	if (r)
		return r;
	r = spins_create(source_stacks(source), target, long_ns, &survey->spins);
	if (r)
		return r;
	r = host_pauses_create(survey->start_ns, target->recorder_tgid,
			    replay_sampled_within_ns(source_facts(source)), &survey->silences);
	if (r)
		return r;
	r = replay_create(source, stackfacts, &locks, &survey->pass);
	if (r)
		return r;
	survey->locks = replay_locks(survey->pass);
	r = wait_baseline_create(stackfacts, long_ns, &survey->usual);
	if (r)
		return r;
	r = wait_stats_create(stackfacts, survey->locks, survey->usual, &account, &survey->account);
	if (r)
		return r;
	lock_tracker_watch(survey->locks,
		    &(struct ownership_watcher){ .context = survey->account,
						 .longest = wait_stats_charged });
	r = replay_run(survey->pass,
		     &(struct replay_watcher){ survey_event, survey_closed, survey });
	survey->contradictions = replay_contradictions(survey->pass);
	return r ? r : wait_stats_finish(survey->account);
}

/*
 * Seen with perf events on Linux 6.18: whatever some tasks do, idle tasks most often, is missing,
 * all of it, without a loss being told. Only that others give way to them is there. Of the time of
 * such a thread nothing may be concluded.
 *
 * Return: whether there are such threads.
 */
static bool find_silent(struct first_pass *survey, const struct threads *threads)
{
	bool found = false;

	for (size_t i = 0; i < survey->switches_count && i < threads_count(threads); i++) {
		const struct switch_counts *switches = &survey->switches[i];
		struct thread *thread = threads_at(threads, i);

		if (switches->in < (switches->out ? SILENT_LEAST : SILENT_NEVER_LEFT) ||
		    switches->out * 2 >= switches->in)
			continue;
		/* the timeline took these for contradictions */
		survey->contradictions -= switches->in - switches->out < survey->contradictions
						  ? switches->in - switches->out
						  : survey->contradictions;
		thread->silent = true;
		found = found || !thread->idle_task;
	}
	return found;
}

/* Return: whether hold events can be put to their locks from now on. */
static bool find_mmap_locks(const struct first_pass *survey, struct source *source)
{
	uint64_t offset = mmap_lock_offset_found(survey->mm_offset);

	if (offset)
		source_set_mmap_lock_offset(source, offset);
	return offset;
}

/* All but what is known of the futexes. */
static void survey_clear(struct first_pass *survey)
{
	struct first_pass kept = { .futexes = survey->futexes, .judged = survey->judged };

	wait_stats_destroy(survey->account);
	wait_baseline_destroy(survey->usual);
	large_calls_destroy(survey->calls);
	mmap_lock_offset_destroy(survey->mm_offset);
	spins_destroy(survey->spins);
	host_pauses_destroy(survey->silences);
	replay_destroy(survey->pass);
	for (size_t i = 0; i < survey->note_count; i++)
		free(survey->notes[i].text);
	free(survey->notes);
	event_counts_free(&survey->extras);
	free(survey->gaps);
	free(survey->switches);
	*survey = kept;
}

int first_pass_run(struct first_pass *survey, struct source *source, struct stack_infos *stackfacts,
	       struct target *target, uint64_t long_ns)
{
	bool again;
	int r;

	*survey = (struct first_pass){ 0 };
	r = futex_locks_create(source_facts(source), stackfacts, &survey->futexes);
	if (!r)
		r = survey_read(survey, source, stackfacts, target, long_ns);
	if (r)
		return r;
	again = futex_locks_judge(survey->futexes, source_threads(source));
	survey->judged = true;
	again = find_silent(survey, source_threads(source)) || again;
	again = find_mmap_locks(survey, source) || again;
	if (!again)
		return 0;
	survey_clear(survey);
	return survey_read(survey, source, stackfacts, target, long_ns);
}

void first_pass_free(struct first_pass *survey)
{
	survey_clear(survey);
	futex_locks_destroy(survey->futexes);
	*survey = (struct first_pass){ 0 };
}
