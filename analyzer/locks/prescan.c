/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/locks/prescan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/locks/mmap_lock_offset.h"
#include "analyzer/locks/proc_locks.h"
#include "analyzer/util/array.h"

/* A thread that came to a CPU this often and left it less than half as often has lost events: the first figure. Or
 * never left it: the second. */
#define SILENT_LEAST 10u
#define SILENT_NEVER_LEFT 2u

/* A damaged capture may be nothing but losses; the report counts those past this, it does not list them. */
#define LOSSES_MAX 10000u
#define NOTES_MAX 1000u /* a recorder has a few things to say; a made-up capture any number */

#define NS_A_SECOND 1000000000u
#define SAMPLE_HZ_LEAST 1 /* what is outside is damage */
#define SAMPLE_HZ_MOST 100000

struct scan {
	struct prescan *found;
	struct target *target;
	struct stack_infos *stack_infos;
	struct mmap_lock_offset *mmap_lock_offset;
	uint64_t start_ns;
};

/*
 * The clock ticks evenly, so of two samples one hits whoever ran from before the first to after the second. A count of
 * cycles takes longer on a CPU that has slowed down since its period was set.
 */
uint64_t prescan_sampled_within_ns(const struct ft_facts *facts)
{
	const char *event = ft_facts_get(facts, FT_FACT_SAMPLE_EVENT);
	int64_t hz = ft_facts_number(facts, FT_FACT_SAMPLE_HZ, 0);

	if (!event || hz < SAMPLE_HZ_LEAST || hz > SAMPLE_HZ_MOST)
		return 0;
	return NS_A_SECOND / (uint64_t)hz * (strcmp(event, "cpu-clock") ? 5 : 2);
}

static int append_loss(struct scan *scan, const struct event *event)
{
	struct prescan *found = scan->found;

	if (event->raw.time_ns < scan->start_ns)
		return 0; /* before the recording proper */
	found->lost_records += event->raw.lost.records;
	if (found->loss_count == LOSSES_MAX)
		return 0;
	if (array_grow(found->losses, found->loss_count, found->loss_room))
		return -ENOMEM;
	found->losses[found->loss_count++] = (struct event_loss){
		.cpu = event->raw.cpu,
		.start_ns = event->raw.lost.start_ns,
		.end_ns = event->raw.time_ns,
		.records = event->raw.lost.records,
	};
	return 0;
}

static int append_note(struct prescan *found, const struct event *event)
{
	struct ft_filelock lock;
	char *text;

	if (found->note_count == NOTES_MAX || ft_filelock_parse(event->raw.note.text, &lock))
		return 0;
	text = strdup(event->raw.note.text);
	if (!text || array_grow(found->notes, found->note_count, found->note_room)) {
		free(text);
		return -ENOMEM;
	}
	found->notes[found->note_count++] = (struct recorder_note){ event->raw.time_ns, text };
	return 0;
}

static int count_switch(struct prescan *found, const struct event *event)
{
	if (array_reach(found->switch_counts, found->switch_counts_room, event->thread->index) ||
	    array_reach(found->switch_counts, found->switch_counts_room, event->other->index))
		return -ENOMEM;
	found->switch_counts[event->thread->index].out++;
	found->switch_counts[event->other->index].in++;
	found->switches++;
	return 0;
}

static int scan_switch(struct scan *scan, const struct event *event)
{
	struct prescan *found = scan->found;

	if (count_switch(found, event) ||
	    proc_locks_sleep_event(futex_locks_proc_locks(found->futexes), scan->stack_infos, event,
				   scan->start_ns))
		return -ENOMEM;
	return futex_locks_event(found->futexes, event);
}

/* What is rare, or of one kind only. */
static int scan_kind(struct scan *scan, const struct event *event)
{
	struct prescan *found = scan->found;
	int r = 0;

	switch (event->raw.kind) {
	case FT_EVENT_SWITCH:
		return scan_switch(scan, event);
	case FT_EVENT_WAKING:
		return futex_locks_event(found->futexes, event);
	case FT_EVENT_FORK:
	case FT_EVENT_COMM:
		return target_event(scan->target, event);
	case FT_EVENT_STATE:
		r = proc_locks_sleep_event(futex_locks_proc_locks(found->futexes),
					   scan->stack_infos, event, scan->start_ns);
		break;
	case FT_EVENT_NOTE:
		r = append_note(found, event);
		break;
	case FT_EVENT_EXTRA:
		return event_counts_event(&found->extras, event,
					  target_counts(scan->target, event->thread));
	case FT_EVENT_LOCK_BEGIN:
	case FT_EVENT_LOCK_HOLD:
		return mmap_lock_offset_event(scan->mmap_lock_offset, event);
	case FT_EVENT_CALL:
	case FT_EVENT_UNWOUND:
		r = large_calls_event(found->calls, event);
		break;
	default:
		return 0;
	}
	return r ? r : futex_locks_event(found->futexes, event);
}

static int scan_event(struct scan *scan, const struct event *event)
{
	struct prescan *found = scan->found;

	if (cpu_gaps_event(found->gaps, event))
		return -ENOMEM;
	if (event->raw.kind == FT_EVENT_LOST)
		return append_loss(scan, event);
	found->events++;
	if (event->raw.cpu != FT_NO_CPU && event->raw.cpu >= found->cpus)
		found->cpus = event->raw.cpu + 1;
	return scan_kind(scan, event);
}

/*
 * Seen with perf events on Linux 6.18: whatever some tasks do, idle tasks most often, is missing,
 * all of it, without a loss being told. Only that others give way to them is there. Of the time of
 * such a thread nothing may be concluded.
 */
static void find_silent(struct prescan *found, const struct threads *threads)
{
	for (size_t i = 0; i < found->switch_counts_room && i < threads_count(threads); i++) {
		const struct switch_counts *counts = &found->switch_counts[i];

		if (counts->in < (counts->out ? SILENT_LEAST : SILENT_NEVER_LEFT) ||
		    counts->out * 2 >= counts->in)
			continue;
		found->unseen_switches += counts->in - counts->out;
		threads_at(threads, i)->silent = true;
	}
}

static int start_scan(struct scan *scan, struct source *source)
{
	struct prescan *found = scan->found;
	int r = futex_locks_create(source_facts(source), scan->stack_infos, &found->futexes);

	if (!r)
		r = large_calls_create(&found->calls);
	if (!r)
		r = mmap_lock_offset_create(&scan->mmap_lock_offset);
	if (!r)
		r = cpu_gaps_create(scan->start_ns, scan->target->recorder_tgid,
				    prescan_sampled_within_ns(source_facts(source)), &found->gaps);
	return r;
}

static int conclude_scan(struct scan *scan, struct source *source)
{
	uint64_t offset = mmap_lock_offset_found(scan->mmap_lock_offset);

	if (proc_locks_end_sleeps(futex_locks_proc_locks(scan->found->futexes), source_end_ns(source)))
		return -ENOMEM;
	futex_locks_judge(scan->found->futexes, source_threads(source));
	find_silent(scan->found, source_threads(source));
	cpu_gaps_finish(scan->found->gaps);
	if (offset)
		source_set_mmap_lock_offset(source, offset);
	return 0;
}

int prescan_run(struct source *source, struct stack_infos *stack_infos, struct target *target,
		struct prescan *ret_prescan)
{
	struct scan scan = { ret_prescan, target, stack_infos, NULL, source_start_ns(source) };
	const struct event *event;
	int r;

	*ret_prescan = (struct prescan){ 0 };
	r = start_scan(&scan, source);
	if (r)
		goto out;
	source_rewind(source);
	while ((r = source_next(source, &event)) > 0) {
		r = scan_event(&scan, event);
		if (r)
			goto out;
	}
	if (!r)
		r = conclude_scan(&scan, source);
out:
	mmap_lock_offset_destroy(scan.mmap_lock_offset);
	return r;
}

void prescan_free(struct prescan *prescan)
{
	futex_locks_destroy(prescan->futexes);
	large_calls_destroy(prescan->calls);
	cpu_gaps_destroy(prescan->gaps);
	for (size_t i = 0; i < prescan->note_count; i++)
		free(prescan->notes[i].text);
	free(prescan->notes);
	free(prescan->losses);
	event_counts_free(&prescan->extras);
	free(prescan->switch_counts);
	*prescan = (struct prescan){ 0 };
}
