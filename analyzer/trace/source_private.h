/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kind of input file has to provide: a new kind is one file with a struct source_ops, and
 * one row in source.c.
 */
#ifndef ANALYZER_TRACE_SOURCE_PRIVATE_H
#define ANALYZER_TRACE_SOURCE_PRIVATE_H

#include "analyzer/trace/source.h"

/* Greater times are damage: no host has been up for 146 years. */
#define SOURCE_TIME_MAX_NS (1ull << 62)

struct source_ops {
	/**
	 * open() - open source->path.
	 *
	 * Sets source->input, start_ns, end_ns and ring; adds to facts and symbols, which are there
	 * and empty.
	 *
	 * @ret_message: on failure, as for source_open(); left alone on -ENOMSG.
	 *
	 * Return: 0 or a negative errno; -ENOMSG: a file of another kind, nothing was changed.
	 */
	int (*open)(struct source *source, char **ret_message);

	/* Free source->input; called after a failed open() too, also where input is NULL. */
	void (*close)(struct source *source);

	/**
	 * next() - the next events in the order that source_next() promises.
	 *
	 * @ret_first: an array, borrowed until the next call; the caller may change it. Everything
	 *             is set but other of a FORK. An event that changes who is alive is alone.
	 *
	 * Return: how many, 0 the end, or as source_next().
	 */
	int (*next)(struct source *source, struct event **ret_first);

	/* The next event is the first again. */
	void (*rewind)(struct source *source);

	/* As source_damage() and source_damage_text(). */
	void (*damage)(const struct source *source, struct ft_damage *ret_damage);
	char *(*damage_text)(const struct source *source);
};

struct source {
	const struct source_ops *ops;
	void *input; /* owned by ops */
	char *path;
	struct ft_facts *facts;
	struct ft_symbols *symbols;
	struct stack_table *stacks;
	struct threads *threads;
	struct event *next, *end; /* got from ops, and not given yet */
	uint64_t start_ns, end_ns;
	const char *ring; /* as source_ring(); static */
	uint64_t mmap_lock_offset; /* 0: not known */
};

extern const struct source_ops capture_source_ops; /* captures and ring files of the recorder */

#endif
