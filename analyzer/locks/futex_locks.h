/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which futexes are locks, and which are something to wait for work at.
 *
 * The kernel does not know. The value that a thread expects at the address, and who wakes it, tell. The first
 * decoding collects both, futex_locks_judge() decides, the replay asks.
 */
#ifndef ANALYZER_LOCKS_FUTEX_LOCKS_H
#define ANALYZER_LOCKS_FUTEX_LOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/locks/proc_locks.h"
#include "analyzer/trace/source.h"
#include "analyzer/timeline/stack_info.h"
#include "analyzer/locks/futex_handoff.h"
#include "analyzer/locks/futex_value.h"

struct futex_locks;

/* @facts: tell the number of the system call, for states. Borrowed. 0 or -ENOMEM. */
int futex_locks_create(const struct ft_facts *facts, struct stack_infos *stack_infos,
		   struct futex_locks **ret_futexes);
void futex_locks_destroy(struct futex_locks *futexes);

/* Whether @event says on what its thread waits, or is about to. @ret_wait: written only then. */
bool futex_locks_wait(const struct futex_locks *futexes, const struct event *event,
		  struct futex_wait *ret_wait);

/* What /proc/locks said of locks of files, which later readings ask as well; borrowed. */
struct proc_locks *futex_locks_proc_locks(const struct futex_locks *futexes);

/* Feed every event of the first reading. 0 or -ENOMEM. */
int futex_locks_event(struct futex_locks *futexes, const struct event *event);

/* After the first reading. Return: whether there are locks. */
bool futex_locks_judge(struct futex_locks *futexes, const struct threads *threads);

enum futex_judgement {
	FUTEX_NO_LOCK,
	FUTEX_LOCK,
	FUTEX_GUESSED,	/* a lock, but only the way the waiting there ended tells so, or several may have had it */
};

/* What @address of process @tgid was judged to be. */
enum futex_judgement futex_locks_judgement(const struct futex_locks *futexes, int32_t tgid,
					   uint64_t address);

/* No lock as far as it is known, but it only ever looked like one, and nobody was ever woken there. */
bool futex_locks_may_be_lock(const struct futex_locks *futexes, int32_t tgid, uint64_t address);

/* Several threads stood still at a futex that may be a lock. */
struct futex_doubt {
	uint64_t address;
	struct handoff_stall still;
	const struct handoff_wait *stood;	/* HANDOFF_TIMED: each of the threads, borrowed; else NULL */
};

/* The longest of a thread that @counts; false: there is none. After futex_locks_judge(). */
bool futex_locks_doubt(const struct futex_locks *futexes,
		   bool (*counts)(void *context, const struct thread *thread), void *context,
		   struct futex_doubt *ret_doubt);

#endif
