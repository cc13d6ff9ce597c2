/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that lost time, and how much: collected by thread, listed with the most blocked first.
 */
#ifndef ANALYZER_ACTIVITY_VICTIMS_H
#define ANALYZER_ACTIVITY_VICTIMS_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/per_thread.h"

struct victim {
	struct thread *thread;
	uint64_t blocked_ns;
	uint64_t longest_ns, since_ns;	/* its longest wait, and when that began */
};

/* Initialise with VICTIM_SET; free with victim_set_free(), or victim_set_take(). */
struct victim_set {
	struct per_thread by_thread;	/* struct victim */
};
#define VICTIM_SET ((struct victim_set){ { .entry_bytes = sizeof(struct victim) } })

/* @thread lost the time from @from_ns to @to_ns, in one go. 0 or -ENOMEM. */
int victim_set_add(struct victim_set *set, struct thread *thread, uint64_t from_ns, uint64_t to_ns);

/* @victim lost what @lost says, too. */
void victim_add(struct victim *victim, const struct victim *lost);

/* @thread lost what @victim says, too. 0 or -ENOMEM. */
int victim_set_join(struct victim_set *set, struct thread *thread, const struct victim *victim);

/**
 * victim_set_take() - those who lost at least @least_ns, most first. The set is empty then.
 *
 * @ret_victims: malloc'ed, never NULL on success.
 * @ret_lost_ns: of all of them; may be NULL.
 *
 * Return: 0 or -ENOMEM.
 */
int victim_set_take(struct victim_set *set, uint64_t least_ns, struct victim **ret_victims,
		    size_t *ret_count, uint64_t *ret_lost_ns);
void victim_set_free(struct victim_set *set);

/* Most blocked first. */
void victims_sort(struct victim *victims, size_t count);

#endif
