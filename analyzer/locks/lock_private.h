/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of struct lock_tracker: for lock_tracker.c, lock_identity.c, lock_at_end.c, hung_task.c and proc_locks.c.
 */
#ifndef ANALYZER_LOCKS_LOCK_PRIVATE_H
#define ANALYZER_LOCKS_LOCK_PRIVATE_H

#include <uthash.h>

#include "analyzer/trace/per_thread.h"
#include "analyzer/locks/hold_events.h"
#include "analyzer/locks/hung_task.h"
#include "analyzer/locks/lock_tracker.h"
#include "analyzer/trace/lost_spans.h"
#include "analyzer/locks/futex_wakes.h"

/*
 * The identity of a lock: its address, or where that is not known, and always for an mmap_lock,
 * (process, class). A lock of user space has all three. A lock of a file has no process, as processes share
 * it; nor has the mmap_lock of another process, unless its address is known.
 */
struct lock_key {
	uint64_t address;
	int32_t tgid;
	uint32_t class;
};

struct lock_entry {
	struct lock lock;
	struct lock_key key;
	struct ownership *ownership;
	struct thread *released_by; /* by the last hold event; NULL: there was none */
	uint64_t released_ns; /* when */
	/* of a lock.user: */
	struct thread *taker; /* woken by the last release, so it most likely got the lock; NULL */
	uint64_t taken_ns;
	int32_t owner_tid; /* by the last value seen in the lock; 0: it does not tell */
	bool shared; /* between processes: some of its hand-offs may be unseen */
	bool guessed; /* FUTEX_GUESSED */
	UT_hash_handle hh;
	UT_hash_handle at; /* in by_address */
};

/* A line of the kernel's log. */
struct log_line {
	struct hung_task hung;
	uint64_t time_ns;
	uint64_t since_ns; /* of the operation that the owner was in then; 0: not known */
};

struct waiter {
	uint64_t contended_address; /* of the slow path it is in; 0: none, or no such events */
	uint32_t begins; /* slow paths entered so far */
	uint32_t wait_begins; /* the same when it last went to sleep for a lock */
	uint32_t stack_id; /* where it did */
	uint32_t wait_number; /* counts waits: several sleeps may be one */
	struct futex_wait futex; /* that it is in, or about to go to; address 0: none */
	uint64_t judged_address; /* of the futex asked about last, */
	enum futex_judgement judgement; /* and what it is */
	uint64_t futex_ns; /* when it said so; 0: somewhere in its present sleep */
	struct lock_entry *entry; /* the lock it waits for, or waited for last */
	bool open; /* asleep for it now */
	bool by_call; /* no stack says so, but its last call does */
	uint64_t start_ns; /* since then */
	bool began_before; /* or since before the recording */
	uint64_t end_ns; /* of its last sleep for it */
	uint64_t sum_ns; /* of the sleeps that are one wait */
	/* As far as losses let know it may have waited for any lock in that span, the longest such. 0: none. */
	uint64_t unclear_from_ns, unclear_ns;
	uint64_t end_lost_ns; /* its last sleep for the lock may have lasted till then; 0 */
};

struct lock_tracker {
	struct stack_infos *stack_infos;
	struct kernel_operations *operations;
	struct lock_tracker_options options;
	struct ownership_watcher watcher;
	struct lock_entry *by_key;
	struct lock_entry *by_address; /* by lock.address: the kernel's locks whose address is known */
	struct lock_entry **entries;
	size_t entry_count;
	struct per_thread waiters; /* struct waiter */
	struct hold_events *hold_events;
	struct futex_wakes wakes;
	uint64_t lost_until_ns; /* end of the last loss on any CPU */
	struct lost_spans losses; /* all losses on any CPU */
	struct threads *threads; /* NULL: the log is not believed */
	struct log_line *log;
	size_t log_count;
};

/* A gap in what is known of a thread matters if it is as long as UNCLEAR_NS, and if UNCLEAR_PART times it is
 * as long as the time since: only then may the thread have waited for a lock, and got it, meanwhile. */
#define UNCLEAR_NS 50000000u
#define UNCLEAR_PART 4

/* Whose release path ends a wait of this class. */
enum wait_class lock_tracker_family_of(enum wait_class class);

/* Such a lock is kept from one system call to another, so the call that its holder is in says nothing. */
bool lock_tracker_held_in_user_space(enum wait_class class);

/* Such a lock's slow path is told by a LOCK_BEGIN. */
bool lock_tracker_has_address(enum wait_class class);

/* The entry of the lock that @thread waits for, made if need be. @address: 0 where it is not known. NULL on
 * lack of memory. */
struct lock_entry *lock_tracker_entry_of(struct lock_tracker *locks, const struct thread *thread,
				  const struct wait_reason *reason, uint64_t address);

bool lock_tracker_waits_for(const struct lock_tracker *locks, const struct thread *thread,
		     const struct lock_entry *entry);

/* Raise release->since_ns to the end of the thread's own last wait for the lock: it did not hold what it waited
 * for. 0 or -ENOMEM. */
int lock_tracker_bound_by_own_wait(struct lock_tracker *locks, const struct lock_entry *entry,
			    struct lock_release *release);

/* hung_task.c: a line of the kernel's log named the owner of a lock. 0 or -ENOMEM. */
int lock_tracker_log_line(struct lock_tracker *locks, const struct hung_task *hung, uint64_t time_ns);

/*
 * The wait of @waiter, all of which is @interval, is closed next. Where locks of its class cannot be told
 * apart, what the log says is about this wait alone. 0 or -ENOMEM.
 */
int lock_tracker_log_alone(struct lock_tracker *locks, const struct interval *interval,
		    const struct waiter *waiter);

/*
 * The owner that the log named while somebody waited who waits still. Nobody has released the lock since that
 * line, as a release would have woken a waiter. *@ret_holder: its thread is NULL where nobody was named. 0 or -ENOMEM.
 */
int lock_tracker_log_ending(struct lock_tracker *locks, const struct lock_entry *entry,
		     const struct threads *threads, uint64_t end_ns,
		     struct lock_release *ret_holder);

/* proc_locks.c: stands for the file whose lock a wait is for, which @ret_reason then says; 0: not known which. */
uint64_t lock_tracker_file_address(const struct lock_tracker *locks, const struct interval *interval,
			      struct wait_reason *ret_reason);

/* The process in /proc/locks has held the lock since before the oldest wait, as a release would have ended
 * that. 0 or -ENOMEM. */
int lock_tracker_file_ending(struct lock_tracker *locks, struct lock_entry *entry,
			const struct threads *threads, uint64_t end_ns);

#endif
