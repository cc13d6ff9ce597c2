/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every thread that the events name. A tid that is used again is another thread.
 */
#ifndef ANALYZER_TRACE_THREADS_H
#define ANALYZER_TRACE_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"

struct threads;

struct thread {
	uint32_t index;		/* dense, from 0, in order of first mention: see per_thread.h */
	int32_t tid, tgid;	/* tgid -1: not known */
	char comm[FT_COMM_BYTES]; /* the latest name; any bytes */
	bool idle_task;		/* tid 0: one such thread for each CPU */
	bool silent;		/* the kernel leaves out its switches; set by the first pass */
	bool exited;		/* off the CPU for good: who has its tid now is another thread */
	/* time of its fork; if that was lost, of the death of the tid's former thread; else 0 */
	uint64_t born_ns;
	/* time of its exit, though it still runs a little then; if that was lost, when it was
	 * known to be gone; else 0 */
	uint64_t died_ns;
	struct thread *former;	/* the thread that had this tid before; NULL */
};

int threads_create(struct threads **ret_threads);
void threads_destroy(struct threads *threads);

#define THREADS_MAX (1u << 22)	/* as many as Linux can have at once; more is no real capture */

/**
 * threads_get() - the living thread that @task names, made if need be; updates tgid and comm.
 *
 * A task whose tgid and comm are both others than the tid's thread had is a new thread too:
 * the end of that one and the birth of this one were lost.
 *
 * @cpu: tells the idle tasks (tid 0) apart.
 * Pointers stay valid until destroyed. Return: NULL on lack of memory.
 */
struct thread *threads_get(struct threads *threads, const struct ft_task *task, uint32_t cpu);

/* Enter the thread that a fork or clone made; a living one with its tid is gone: its exit was
 * lost. NULL on lack of memory. */
struct thread *threads_born(struct threads *threads, const struct ft_task *task, uint64_t time_ns);
void threads_died(struct thread *thread, uint64_t time_ns);

/* Forget who lives. The same events will find the same threads again, in the same order. */
void threads_rewind(struct threads *threads);

/* The latest thread with this tid; NULL: there is none. */
struct thread *threads_find(const struct threads *threads, int32_t tid);

size_t threads_count(const struct threads *threads);
struct thread *threads_at(const struct threads *threads, size_t index);

#endif
