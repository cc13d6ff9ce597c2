/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input: one stream of events in order of time, with its facts, symbols, threads and stacks.
 *
 * Which kinds of file can be read is a table in source.c; a reader of one is a struct source_ops.
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

/* Beyond any Linux: a CPU of a greater number is damage, and passed over. */
#define SOURCE_CPUS_MAX 65536u

struct source;

/* An event with its task and stack resolved to threads and stack ids. */
struct event {
	struct ft_event raw;	/* its borrowed parts are valid until the next source_next() */
	struct thread *thread;	/* raw.task; NULL for FT_EVENT_LOST, _NOTE and _COUNTER */
	struct thread *other;	/* next, wakee, child or peer; NULL for other kinds */
	uint32_t stack_id;	/* STACK_NONE where raw.stack is NULL */
};

/**
 * source_open() - open a file for analysis.
 *
 * @ret_message: on failure a malloc'ed text for a person: what is wrong with the
 *               file and the next step, without the program's name and newline.
 *
 * Return: 0 or a negative errno of ft_reader_open(); -ENOMSG: no kind of file that can be read.
 */
int source_open(const char *path, struct source **ret_source, char **ret_message);
void source_close(struct source *source);

/**
 * source_next() - the next event.
 *
 * @ret_event: borrowed until the next call. Written only where there is one.
 *
 * Order: by time; at equal times WAKING before SWITCH, else as within the CPU. A LOST comes when
 * its loss begins (raw.lost.start_ns), before what other CPUs recorded meanwhile; raw.time_ns, the
 * end of the loss, is then later than what follows.
 *
 * Where a CPU's events are known to be missing without a record of it, an FT_EVENT_LOST of that CPU
 * comes too (raw.lost.records 0: number not known). In a history (a ring file, or FT_FACT_HISTORY)
 * what is missing before source_start_ns() is no loss. Events before it come too.
 *
 * FORK, COMM and EXIT have been entered in the table of threads when the event is returned,
 * and so has a switch-out for the last time: it sets thread->exited.
 *
 * Return: 1 an event, 0 the end, -ENOMEM, -EIO. Damage is no error here: see source_damage().
 */
int source_next(struct source *source, const struct event **ret_event);

/* Start again from the first event, with the same stacks. Threads keep their index, but not
 * exited and died_ns. */
void source_rewind(struct source *source);

const struct ft_facts *source_facts(const struct source *source);
const struct ft_symbols *source_symbols(const struct source *source);
struct stack_table *source_stacks(const struct source *source);
struct threads *source_threads(const struct source *source);

/*
 * The mmap_lock lies @offset bytes behind the start of its mm: from now on an FT_EVENT_LOCK_HOLD
 * that gives an mm comes with the address of the lock, and without FT_HOLD_OF_MM.
 */
void source_set_mmap_lock_offset(struct source *source, uint64_t offset);

/*
 * Time span of the recording: facts start-ns and end-ns, else the events' first and last time. The
 * start of a history is where nothing is missing any more. No event of a CPU is later than the end;
 * snapshots taken after it are dated back to it.
 */
uint64_t source_start_ns(const struct source *source);
uint64_t source_end_ns(const struct source *source);

/* Wall clock at source_start_ns(), since the epoch; 0: not known. */
int64_t source_start_realtime_ns(const struct source *source);

/* "running" or "left": a ring file that its recorder holds or has left; NULL: no ring file. */
const char *source_ring(const struct source *source);

/* Damage of the file and of segments seen so far. */
void source_damage(const struct source *source, struct ft_damage *ret_damage);

/* Where the file is damaged or not finished: a malloc'ed text for a person (as for
 * source_open()). NULL: it is whole. */
char *source_damage_text(const struct source *source);

#endif
