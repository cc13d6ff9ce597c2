/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owners of one lock over time, and what each owner's waiters lost by it.
 *
 * n waits may span n holds each. Closing a wait costs O(log n), and as much for each piece that a watcher is told of.
 */
#ifndef ANALYZER_LOCKS_OWNERSHIP_H
#define ANALYZER_LOCKS_OWNERSHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/util/grade.h"
#include "analyzer/trace/threads.h"

/* A span of time during which one thread is known to have held the lock. */
struct lock_hold {
	uint64_t start_ns, end_ns;
	bool start_exact;	/* start_ns is its entry, or the end of its wait; else the latest possible */
	bool still_open;	/* no release seen: the recording ended first */
	bool released_read;	/* a reader's release */
	bool mode_known;	/* released_read is valid though there is no stack */
	bool exact;		/* by the kernel's own word, not concluded */
	uint32_t stack_id;	/* the owner's, at the release, or where it was seen last */
	bool by_call;		/* the release is known by its system call, not by a stack */
	struct thread *first_woken; /* by the release; NULL */
};

struct lock_owner {
	struct thread *thread;	/* NULL: charged to nobody */
	uint64_t blamed_ns;
	uint64_t plausible_ns;	/* the part of blamed_ns that no release proves */
	uint64_t exact_ns;	/* the part for which the kernel says who held the lock */
	uint64_t named_ns;	/* when the kernel's log last named it; 0: never */
	uint32_t holds;		/* of 1 ms or more, with a waiter whose time is charged */
	struct lock_hold longest;
};

/* What is known of a thread that releases a lock, or may be holding it. */
struct lock_release {
	struct thread *thread;
	uint64_t time_ns;	/* of the release, or of the end of the recording */
	uint64_t since_ns;	/* it did not hold the lock before this time; 0: no bound known */
	bool since_exact;
	bool read;
	bool plausible;		/* it woke a waiter, but not necessarily out of the release path */
	bool mode_known;	/* read is valid even without a stack */
	bool exact;		/* the kernel says that it held the lock all the time since since_ns */
	uint64_t named_ns;	/* when the kernel's log named it; 0: it did not */
	bool by_call;		/* in a system call that wakes at the lock's address */
	uint32_t stack_id;
	struct thread *woken;	/* NULL */
};

struct ownership;

/* Who is told of each wait as it is closed. What is charged to nobody is left out. */
struct ownership_watcher {
	/* Each piece, the latest first. NULL: none. */
	void (*charged)(void *context, const struct thread *waiter, struct thread *owner,
			uint64_t start_ns, uint64_t end_ns, enum grade grade);
	void *context;
	/* Its longest piece, of several the latest. Costs less than to look for it in charged. NULL: not told. */
	void (*longest)(void *context, const struct thread *waiter, struct thread *owner,
			uint64_t start_ns, uint64_t end_ns, enum grade grade);
	/*
	 * Pieces shorter than this, one after the other without a pause, are one piece whose owner is
	 * NULL, except of a wait that is shorter itself: n waiters in a queue have n * n pieces. Borrowed,
	 * read at each wait. NULL: each piece is told.
	 */
	const uint64_t *short_ns;
	/* Whose waits it is told of. NULL: everybody's. */
	bool (*wants)(void *context, const struct thread *waiter);
};

/*
 * @ambiguous: the waits may be for several locks that cannot be told apart. Then there is no
 * timeline, and each wait is charged to its own waker alone, as plausible.
 */
int ownership_create(bool ambiguous, struct ownership **ret_ownership);
void ownership_destroy(struct ownership *ownership);

/* @watcher is copied. */
void ownership_watch(struct ownership *ownership, const struct ownership_watcher *watcher);

/* A thread began to sleep for the lock. 0 or -ENOMEM. */
int ownership_wait_opened(struct ownership *ownership, const struct thread *waiter, uint64_t time_ns);

/* The release that ends a wait; call it before ownership_wait_closed() of that wait. 0 or -ENOMEM. */
int ownership_released(struct ownership *ownership, const struct lock_release *release);

/*
 * A waiter was woken out of the release that was given last: a hold event comes just before the wake-up. 0 or -ENOMEM.
 */
int ownership_woken(struct ownership *ownership, const struct lock_release *release);

/*
 * The kernel's log named who holds the lock at holder->time_ns, while waits are open. Nobody else holds it from
 * then to the next release. Does nothing where the lock is ambiguous. 0 or -ENOMEM.
 */
int ownership_named(struct ownership *ownership, const struct lock_release *holder);

/* The same for an ambiguous lock: for the one wait that is closed next, and that nobody has ended. 0 or -ENOMEM. */
int ownership_named_alone(struct ownership *ownership, const struct lock_release *holder,
			  uint64_t start_ns, uint64_t end_ns);

/* Waits are open and the recording ends: @holder is thought to hold the lock. 0 or -ENOMEM. */
int ownership_held_at_end(struct ownership *ownership, const struct lock_release *holder);

/**
 * ownership_wait_closed() - a sleep for the lock is over; charge it.
 *
 * @start_ns, @end_ns: of the sleep.
 * @from_ns, @to_ns:   the part of it to charge (start_ns <= from_ns <= to_ns <= end_ns); empty for none.
 * @counts:            it counts in the owners' sums, too; else only the watcher is told of the charges.
 *
 * Return: 0 or -ENOMEM.
 */
int ownership_wait_closed(struct ownership *ownership, const struct thread *waiter,
			  uint64_t start_ns, uint64_t from_ns, uint64_t to_ns, bool counts);

bool ownership_ambiguous(const struct ownership *ownership);

/* The time of the last release; 0: none was seen. */
uint64_t ownership_released_ns(const struct ownership *ownership);

/* Number of threads asleep for the lock now. */
size_t ownership_waiting(const struct ownership *ownership);

/* Since when the lock has had waiters without a pause; valid where it has one now. */
uint64_t ownership_contended_since_ns(const struct ownership *ownership);

/* Owners, most blamed first (sorted by the call); borrowed until the next call with @ownership. */
size_t ownership_owners(struct ownership *ownership, const struct lock_owner **ret_owners);

/* Number of holds, tree nodes and waits looked at so far, which is the cost in other units than time. */
uint64_t ownership_steps(const struct ownership *ownership);

#endif
