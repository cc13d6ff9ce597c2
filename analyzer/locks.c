/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/locks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "analyzer/by_thread.h"

/* One wait for a lock may be many sleeps: woken, a waiter loses to another and sleeps again. */
#define SAME_WAIT_GAP_NS 5000000u

/* What makes a lock the same one: its address, or for lack of one, and always
 * for an mmap_lock, (process, class). File locks have neither: processes share them. */
struct lock_key {
	uint64_t address;
	int32_t tgid;
	uint32_t class;
};

struct lock_entry {
	struct lock lock;
	struct lock_key key;
	struct ownership *ownership;
	UT_hash_handle hh;
};

struct waiter {
	uint64_t contended_address; /* of the slow path it is in; 0: none, or no such events */
	uint32_t begins;	    /* slow paths entered so far */
	uint32_t wait_begins;	    /* the same when it last went to sleep for a lock */
	uint32_t stack_id;	    /* where it did */
	uint32_t wait_number;	    /* counts waits: several sleeps may be one */
	struct lock_entry *entry;   /* the lock it waits for, or waited for last */
	bool open;		    /* asleep for it now */
	uint64_t end_ns;	    /* of its last sleep for it */
	uint64_t sum_ns;	    /* of the sleeps that are one wait */
};

struct locks {
	struct stackfacts *stackfacts;
	struct operations *operations;
	struct locks_options options;
	struct ownership_watcher watcher;
	struct lock_entry *by_key;
	struct lock_entry **entries;
	size_t entry_count;
	struct by_thread waiters; /* struct waiter */
};

int locks_create(struct stackfacts *stackfacts, struct operations *operations,
		 const struct locks_options *options, struct locks **ret_locks)
{
	struct locks *locks = calloc(1, sizeof(*locks));

	if (!locks)
		return -ENOMEM;
	locks->waiters.entry_bytes = sizeof(struct waiter);
	locks->stackfacts = stackfacts;
	locks->operations = operations;
	locks->options = *options;
	*ret_locks = locks;
	return 0;
}

void locks_destroy(struct locks *locks)
{
	if (!locks)
		return;
	HASH_CLEAR(hh, locks->by_key);
	for (size_t i = 0; i < locks->entry_count; i++) {
		ownership_destroy(locks->entries[i]->ownership);
		free(locks->entries[i]);
	}
	free(locks->entries);
	by_thread_free(&locks->waiters);
	free(locks);
}

void locks_watch(struct locks *locks, const struct ownership_watcher *watcher)
{
	locks->watcher = *watcher;
}

int locks_event(struct locks *locks, const struct event *event)
{
	struct waiter *waiter;

	if (event->raw.kind != FT_EVENT_LOCK_BEGIN && event->raw.kind != FT_EVENT_LOCK_END)
		return 0;
	waiter = by_thread_get(&locks->waiters, event->thread);
	if (!waiter)
		return -ENOMEM;
	waiter->contended_address = 0;
	if (event->raw.kind == FT_EVENT_LOCK_BEGIN) {
		waiter->contended_address = event->raw.lock_begin.address;
		waiter->begins++;
	}
	return 0;
}

/* Whose release path ends a wait of this class. */
static enum wait_class family_of(enum wait_class class)
{
	return class == WAIT_LOCK_MMAP || class == WAIT_LOCK_INODE ? WAIT_LOCK_RWSEM : class;
}

/* Such a lock is kept from one system call to another: which call its holder is in says nothing. */
static bool held_in_user_space(enum wait_class class)
{
	return class == WAIT_LOCK_FILE || class == WAIT_LOCK_FUTEX;
}

/* Such a lock's slow path is told by a LOCK_BEGIN. */
static bool has_address(enum wait_class class)
{
	return !held_in_user_space(class);
}

static struct lock_key key_of(const struct thread *thread, const struct wait_reason *reason,
			      uint64_t address)
{
	struct lock_key key;

	/* Hashed as bytes: no padding may hold garbage. */
	memset(&key, 0, sizeof(key));
	key.class = reason->class;
	if (reason->class == WAIT_LOCK_MMAP && !reason->remote_mm)
		key.tgid = thread->tgid;
	else if (address)
		key.address = address;
	else if (reason->class != WAIT_LOCK_FILE)
		key.tgid = thread->tgid;
	return key;
}

static struct lock_entry *entry_create(struct locks *locks, const struct lock_key *key)
{
	struct lock_entry **entries;
	struct lock_entry *entry;

	entries = reallocarray(locks->entries, locks->entry_count + 1, sizeof(struct lock_entry *));
	if (!entries)
		return NULL;
	locks->entries = entries;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	if (ownership_create(!key->address && key->class != WAIT_LOCK_MMAP, &entry->ownership)) {
		free(entry);
		return NULL;
	}
	ownership_watch(entry->ownership, &locks->watcher);
	entry->key = *key;
	entry->lock.class = (enum wait_class)key->class;
	HASH_ADD(hh, locks->by_key, key, sizeof(entry->key), entry);
	entries[locks->entry_count++] = entry;
	return entry;
}

/* Another process' mmap_lock is told by its address alone; its owner's entry has that address too. */
static struct lock_entry *mmap_lock_at(const struct locks *locks, uint64_t address)
{
	for (size_t i = 0; address && i < locks->entry_count; i++)
		if (locks->entries[i]->lock.class == WAIT_LOCK_MMAP &&
		    locks->entries[i]->lock.address == address)
			return locks->entries[i];
	return NULL;
}

static struct lock_entry *entry_of(struct locks *locks, const struct thread *thread,
				   const struct wait_reason *reason, uint64_t address)
{
	struct lock_key key = key_of(thread, reason, address);
	struct lock_entry *entry = NULL;

	HASH_FIND(hh, locks->by_key, &key, sizeof(key), entry);
	if (!entry && reason->class == WAIT_LOCK_MMAP && reason->remote_mm)
		entry = mmap_lock_at(locks, address);
	if (!entry)
		entry = entry_create(locks, &key);
	if (!entry)
		return NULL;
	if (!entry->lock.detail)
		entry->lock.detail = reason->detail;
	if (!entry->lock.address)
		entry->lock.address = address;
	if (!entry->lock.tgid)
		entry->lock.tgid = thread->tgid;
	return entry;
}

/* Whether an interval is a wait for a lock; *ret_reason says for which. */
static int lock_wait(struct locks *locks, const struct interval *interval,
		     const struct wait_reason **ret_reason)
{
	const struct wait_reason *reason;
	const struct stack_fact *fact;

	*ret_reason = NULL;
	if (interval->state != THREAD_BLOCKED)
		return 0;
	fact = stackfacts_get(locks->stackfacts, interval->stack_id);
	if (!fact)
		return -ENOMEM;
	reason = stack_fact_reason(fact, interval->prev_state);
	if (wait_class_lock(reason->class))
		*ret_reason = reason;
	return 0;
}

/* Woken, it lost the lock to another and sleeps again: it has not entered the slow path anew. */
static bool same_wait(const struct waiter *waiter, const struct lock_entry *entry,
		      const struct interval *interval)
{
	return waiter->entry == entry && waiter->begins == waiter->wait_begins &&
	       waiter->stack_id == interval->stack_id &&
	       interval->start_ns - waiter->end_ns <= SAME_WAIT_GAP_NS;
}

int locks_opened(struct locks *locks, const struct interval *interval)
{
	const struct wait_reason *reason;
	struct lock_entry *entry;
	struct waiter *waiter;

	if (lock_wait(locks, interval, &reason))
		return -ENOMEM;
	waiter = by_thread_get(&locks->waiters, interval->thread);
	if (!waiter)
		return -ENOMEM;
	waiter->open = false;
	if (interval->stack_id == STACK_NONE)
		return 0; /* where it sleeps is not known, or not yet */
	if (!reason) {
		/* Asleep outside any lock: whatever slow path it was in, it has left it. */
		waiter->contended_address = 0;
		return 0;
	}
	entry = entry_of(locks, interval->thread, reason,
			 has_address(reason->class) ? waiter->contended_address : 0);
	if (!entry)
		return -ENOMEM;
	if (!same_wait(waiter, entry, interval)) {
		waiter->sum_ns = 0;
		waiter->wait_number++;
	}
	waiter->wait_begins = waiter->begins;
	waiter->stack_id = interval->stack_id;
	waiter->entry = entry;
	waiter->open = true;
	return ownership_wait_opened(entry->ownership, interval->thread, interval->start_ns);
}

/*
 * The wake-up that ended @interval, if it came out of the lock's release path. Where the waker's stack was not
 * recorded, it most likely did: who sleeps in a lock's slow path is hardly woken by anything else. 0 or -ENOMEM.
 */
static int hand_off(struct locks *locks, const struct interval *interval, struct lock_entry *entry)
{
	const struct waiter *own;
	const struct stack_fact *fact;
	struct operation_since since = { 0 };
	struct lock_release release;

	if (!interval->waker || interval->waker_in_interrupt || interval->waker->idle_task)
		return 0;
	fact = stackfacts_get(locks->stackfacts, interval->waker_stack_id);
	if (!fact)
		return -ENOMEM;
	if (interval->waker_stack_id != STACK_NONE &&
	    (fact->releases == WAIT_UNKNOWN || fact->releases != family_of(entry->lock.class)))
		return 0;
	if (!held_in_user_space(entry->lock.class))
		since = operations_since(locks->operations, interval->waker);
	release = (struct lock_release){
		.thread = interval->waker,
		.time_ns = interval->end_ns,
		.since_ns = since.since_ns,
		.since_exact = since.exact,
		.read = fact->releases_read,
		.plausible = interval->waker_stack_id == STACK_NONE,
		.stack_id = interval->waker_stack_id,
		.woken = interval->thread,
	};
	own = by_thread_get(&locks->waiters, interval->waker);
	if (!own)
		return -ENOMEM;
	/* It cannot have held what it was itself waiting for. */
	if (own->entry == entry && !own->open && own->end_ns >= release.since_ns && own->end_ns) {
		release.since_ns = own->end_ns;
		release.since_exact = true;
	}
	return ownership_released(entry->ownership, &release);
}

static void count_wait(struct lock *lock, struct waiter *waiter, uint64_t slept_ns)
{
	if (!waiter->sum_ns)
		lock->waits++;
	waiter->sum_ns += slept_ns;
	lock->wait_ns += slept_ns;
	if (waiter->sum_ns > lock->max_wait_ns)
		lock->max_wait_ns = waiter->sum_ns;
}

int locks_closed(struct locks *locks, const struct interval *interval)
{
	const struct locks_options *options = &locks->options;
	uint64_t from_ns = interval->start_ns, to_ns = interval->end_ns;
	struct waiter *waiter;

	if (interval->state != THREAD_BLOCKED)
		return 0;
	waiter = by_thread_get(&locks->waiters, interval->thread);
	if (!waiter)
		return -ENOMEM;
	if (!waiter->open)
		return 0;
	waiter->open = false;
	waiter->end_ns = interval->end_ns;
	if (hand_off(locks, interval, waiter->entry))
		return -ENOMEM;
	waiter = by_thread_get(&locks->waiters, interval->thread); /* hand_off() may have moved the array */
	if (from_ns < options->start_ns)
		from_ns = options->start_ns;
	if (to_ns > options->end_ns)
		to_ns = options->end_ns;
	if (to_ns <= from_ns || (options->counts && !options->counts(options->context, interval->thread)))
		to_ns = from_ns;
	else
		count_wait(&waiter->entry->lock, waiter, to_ns - from_ns);
	return ownership_wait_closed(waiter->entry->ownership, interval->thread,
				     interval->start_ns, from_ns, to_ns);
}

/* The one thread of @tgid that may hold its mmap_lock now, NULL where none or several may. */
static struct thread *mmap_holder(const struct locks *locks, const struct threads *threads,
				  int32_t tgid)
{
	struct thread *holder = NULL;

	for (size_t i = 0; i < threads_count(threads); i++) {
		struct thread *thread = threads_at(threads, i);
		const struct waiter *waiter;

		if (thread->tgid != tgid || thread->exited || thread->idle_task)
			continue;
		waiter = by_thread_find(&locks->waiters, thread);
		if (waiter && waiter->open)
			continue;
		if (!operations_since(locks->operations, thread).holds_mmap)
			continue;
		if (holder)
			return NULL;
		holder = thread;
	}
	return holder;
}

int locks_ending(struct locks *locks, const struct threads *threads, uint64_t end_ns)
{
	for (size_t i = 0; i < locks->entry_count; i++) {
		struct lock_entry *entry = locks->entries[i];
		struct operation_since since;
		struct thread *holder;

		if (entry->lock.class != WAIT_LOCK_MMAP || !ownership_waiting(entry->ownership))
			continue;
		holder = mmap_holder(locks, threads, entry->lock.tgid);
		if (!holder)
			continue;
		since = operations_since(locks->operations, holder);
		if (ownership_held_at_end(entry->ownership,
					  &(struct lock_release){ .thread = holder,
								  .time_ns = end_ns,
								  .since_ns = since.since_ns,
								  .since_exact = since.exact,
								  .stack_id = since.stack_id }))
			return -ENOMEM;
	}
	return 0;
}

void locks_finish(struct locks *locks)
{
	for (size_t i = 0; i < locks->entry_count; i++) {
		struct lock_entry *entry = locks->entries[i];

		entry->lock.owner_count =
			ownership_owners(entry->ownership, &entry->lock.owners);
	}
}

const struct lock *locks_awaited(const struct locks *locks, const struct thread *thread)
{
	const struct waiter *waiter = by_thread_find(&locks->waiters, thread);

	return waiter && waiter->entry ? &waiter->entry->lock : NULL;
}

uint32_t locks_wait_number(const struct locks *locks, const struct thread *thread)
{
	const struct waiter *waiter = by_thread_find(&locks->waiters, thread);

	return waiter ? waiter->wait_number : 0;
}

size_t locks_count(const struct locks *locks)
{
	return locks->entry_count;
}

const struct lock *locks_at(const struct locks *locks, size_t index)
{
	return &locks->entries[index]->lock;
}
