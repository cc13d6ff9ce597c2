/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capture, or the ring file of a recorder, as one stream of events in order of time, with its
 * facts and symbols. Streams: holds one decoded segment a CPU.
 */
#ifndef ANALYZER_TRACE_SOURCE_H
#define ANALYZER_TRACE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/stack_table.h"
#include "analyzer/trace/threads.h"
#include "capture/event.h"
#include "capture/facts.h"
#include "capture/reader.h"
#include "capture/symbols.h"

struct source;

/* An event with its names resolved to this analysis' tables. */
struct event {
	struct ft_event raw;	/* valid until the next source_next() */
	struct thread *thread;	/* raw.task; NULL for FT_EVENT_LOST, _NOTE and _COUNTER */
	struct thread *other;	/* next, wakee or child; NULL for other kinds */
	uint32_t stack_id;	/* STACK_NONE where raw.stack is NULL */
};

/**
 * source_open() - open a capture for analysis.
 *
 * @ret_message: on failure a malloc'ed text for a person: what is wrong with the
 *               file and the next step, without the program's name and newline.
 *
 * Return: 0 or a negative errno of ft_reader_open().
 */
int source_open(const char *path, struct source **ret_source, char **ret_message);
void source_close(struct source *source);

/**
 * source_next() - the next event.
 *
 * Order: by time; at equal times WAKING before SWITCH, else as within the CPU. A LOST comes when
 * its loss begins (raw.lost.start_ns), before what other CPUs recorded meanwhile; raw.time_ns, the
 * end of the loss, is then later than what follows.
 *
 * A CPU's missing sequence number (they count from 0), damaged segment or, in a damaged file, end
 * before the recording's end appears as an FT_EVENT_LOST of that CPU too (raw.lost.records 0:
 * number not known). In a history (a ring file, or FT_FACT_HISTORY) the sequence may start anywhere:
 * what is missing then lies before source_start_ns(). Events before it come too. In a ring file the
 * end of each CPU was not put yet.
 *
 * FORK, COMM and EXIT have been entered in the table of threads when the event is returned,
 * and so has a switch-out for the last time: it sets thread->exited.
 *
 * Return: 1 an event, 0 the end, -ENOMEM, -EIO. Damage is no error here: see source_damage().
 */
int source_next(struct source *source, struct event *ret_event);

/* Start again from the first event, with the same stacks; the threads keep their index but not exited, died_ns. */
int source_rewind(struct source *source);

const struct ft_facts *source_facts(const struct source *source);
const struct ft_symbols *source_symbols(const struct source *source);
struct stack_table *source_stacks(const struct source *source);
struct threads *source_threads(const struct source *source);

/*
 * The mmap_lock lies so many bytes behind the start of its mm: from now on an FT_EVENT_LOCK_HOLD
 * that gives an mm comes with the address of the lock, and without FT_HOLD_OF_MM.
 */
void source_set_mmap_lock_offset(struct source *source, uint64_t offset);

/* Time span of the recording: facts start-ns and end-ns, else the events' first and last time; of a
 * history, the start is where nothing is missing any more. No
 * event of a CPU is later than the end; snapshots taken after it are dated back to it. */
uint64_t source_start_ns(const struct source *source);
uint64_t source_end_ns(const struct source *source);

/* Wall clock at source_start_ns(), since the epoch; 0: not known. */
int64_t source_start_realtime_ns(const struct source *source);

/* "running" or "left": a ring file, whose recorder holds it or not; NULL: a capture. */
const char *source_ring(const struct source *source);

/* Damage of the file and of segments seen so far. */
void source_damage(const struct source *source, struct ft_damage *ret_damage);

/* Where damage or the lack of an end mark is: a malloc'ed text for a person (as for source_open()), NULL where the capture is whole. */
char *source_damage_text(const struct source *source);

#endif
