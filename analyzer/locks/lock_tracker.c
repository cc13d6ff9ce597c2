/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/locks/lock_tracker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/locks/lock_private.h"
#include "analyzer/util/span.h"

/* One wait for a lock may be many sleeps: a woken waiter may lose the lock to another and sleep again. */
#define SAME_WAIT_GAP_NS 5000000u

/* Not inlined: a switch, or who only ran, saves no registers. */
#define RARE __attribute__((noinline))

int lock_tracker_create(struct stack_infos *stack_infos, struct kernel_operations *operations,
			const struct lock_tracker_options *options, struct lock_tracker **ret_locks)
{
	struct lock_tracker *locks = calloc(1, sizeof(*locks));

	if (!locks)
		return -ENOMEM;
	locks->waiters.entry_bytes = sizeof(struct waiter);
	futex_wakes_init(&locks->wakes);
	locks->stack_infos = stack_infos;
	locks->operations = operations;
	locks->options = *options;
	if (hold_events_create(&locks->hold_events)) {
		free(locks);
		return -ENOMEM;
	}
	*ret_locks = locks;
	return 0;
}

void lock_tracker_destroy(struct lock_tracker *locks)
{
	if (!locks)
		return;
	HASH_CLEAR(at, locks->by_address);
	HASH_CLEAR(hh, locks->by_key);
	hold_events_destroy(locks->hold_events);
	for (size_t i = 0; i < locks->entry_count; i++) {
		ownership_destroy(locks->entries[i]->ownership);
		free(locks->entries[i]);
	}
	free(locks->entries);
	per_thread_free(&locks->waiters);
	free(locks->log);
	lost_spans_free(&locks->losses);
	futex_wakes_free(&locks->wakes);
	free(locks);
}

/* The event may say at which futex its thread waits, or is about to. */
static RARE int note_futex_wait(struct lock_tracker *locks, const struct event *event)
{
	struct futex_wait wait;
	struct waiter *waiter;

	if (!locks->options.futexes || !futex_locks_wait(locks->options.futexes, event, &wait))
		return 0;
	waiter = per_thread_get(&locks->waiters, event->thread);
	if (!waiter)
		return -ENOMEM;
	waiter->futex = wait;
	waiter->futex_ns = event->raw.kind == FT_EVENT_CALL ? event->raw.time_ns : 0;
	return 0;
}

void lock_tracker_watch(struct lock_tracker *locks, const struct ownership_watcher *watcher)
{
	locks->watcher = *watcher;
}

void lock_tracker_believe_log(struct lock_tracker *locks, struct threads *threads)
{
	locks->threads = threads;
}

int lock_tracker_bound_by_own_wait(struct lock_tracker *locks, const struct lock_entry *entry,
				   struct lock_release *release)
{
	const struct waiter *own = per_thread_get(&locks->waiters, release->thread);

	if (!own)
		return -ENOMEM;
	if (own->entry == entry && !own->open && own->end_ns >= release->since_ns && own->end_ns) {
		release->since_ns = own->end_ns;
		release->since_exact = true;
	}
	if (own->entry == entry && !own->open && own->end_lost_ns > release->since_ns) {
		release->since_ns = own->end_lost_ns;
		release->since_exact = false;
	}
	if (own->unclear_ns > release->since_ns &&
	    (own->unclear_ns - own->unclear_from_ns) * UNCLEAR_PART >=
		    release->time_ns - own->unclear_from_ns) {
		release->since_ns = own->unclear_ns;
		release->since_exact = false;
	}
	return 0;
}

/*
 * A hold event says that a lock is released. Where it says how the lock was held, there was also an event
 * when it was acquired. A release matters where somebody waits.
 */
static int note_kernel_release(struct lock_tracker *locks, const struct hold_release *told)
{
	struct lock_entry *entry = NULL;
	struct operation_since since = { .since_ns = told->since_ns, .exact = true };
	struct lock_release release;

	HASH_FIND(at, locks->by_address, &told->address, sizeof(told->address), entry);
	if (!entry || !ownership_waiting(entry->ownership))
		return 0;
	if (!told->since_ns)
		since = kernel_operations_since(locks->operations, told->thread);
	release = (struct lock_release){
		.thread = told->thread,
		.time_ns = told->alone_until_ns,
		.since_ns = since.since_ns,
		.since_exact = since.exact,
		.read = told->read,
		.mode_known = told->read || told->write,
		.stack_id = STACK_NONE,
	};
	if (!told->since_ns && lock_tracker_bound_by_own_wait(locks, entry, &release))
		return -ENOMEM;
	release.exact = told->since_ns || (!release.mode_known && release.since_exact);
	entry->released_by = told->thread;
	entry->released_ns = told->alone_until_ns;
	return ownership_released(entry->ownership, &release);
}

static RARE int note_loss(struct lock_tracker *locks, const struct event *event)
{
	if (futex_wakes_event(&locks->wakes, event))
		return -ENOMEM;
	if (event->raw.time_ns > locks->lost_until_ns)
		locks->lost_until_ns = event->raw.time_ns;
	return lost_spans_add(&locks->losses, event->raw.lost.start_ns, event->raw.time_ns);
}

static RARE int note_slow_path(struct lock_tracker *locks, const struct event *event)
{
	struct waiter *waiter = per_thread_get(&locks->waiters, event->thread);

	if (!waiter)
		return -ENOMEM;
	waiter->contended_address = event->raw.lock_begin.address;
	waiter->begins++;
	return 0;
}

static RARE int note_hold(struct lock_tracker *locks, const struct event *event)
{
	struct hold_release release;
	int r = hold_events_event(locks->hold_events, event, &release);

	return r > 0 ? note_kernel_release(locks, &release) : r;
}

static RARE int note_log(struct lock_tracker *locks, const struct event *event)
{
	struct hung_task hung;

	return hung_task_parse(event->raw.note.text, &hung)
		       ? lock_tracker_log_line(locks, &hung, event->raw.time_ns)
		       : 0;
}

int lock_tracker_event(struct lock_tracker *locks, const struct event *event)
{
	int r;

	switch (event->raw.kind) {
	case FT_EVENT_SWITCH:
		return futex_wakes_event(&locks->wakes, event);
	case FT_EVENT_LOCK_BEGIN:
		return note_slow_path(locks, event);
	case FT_EVENT_LOCK_HOLD:
		return note_hold(locks, event);
	case FT_EVENT_CALL:
		r = futex_wakes_event(&locks->wakes, event);
		return r ? r : note_futex_wait(locks, event);
	case FT_EVENT_STATE:
		return note_futex_wait(locks, event);
	case FT_EVENT_LOST:
		r = note_hold(locks, event);
		return r ? r : note_loss(locks, event);
	case FT_EVENT_NOTE:
		return note_log(locks, event);
	default:
		return 0;
	}
}

/* From a futex call to the sleep in it: what follows later may be another one. */
#define CALL_TO_SLEEP_NS 20000u

/* No stack was taken, but the thread had just asked to wait at a futex. */
static bool slept_in_futex(const struct waiter *waiter, const struct interval *interval)
{
	return interval->stack_id == STACK_NONE && interval->state == THREAD_BLOCKED &&
	       interval->prev_state == FT_STATE_SLEEPING && waiter->futex.address &&
	       waiter->futex_ns && waiter->futex_ns <= interval->start_ns &&
	       interval->start_ns - waiter->futex_ns <= CALL_TO_SLEEP_NS;
}

/* *@ret_reason: the lock that @interval is a wait for; NULL: none. 0 or -ENOMEM. */
static int find_lock_reason(struct lock_tracker *locks, const struct interval *interval,
			    const struct wait_reason **ret_reason)
{
	const struct wait_reason *reason;
	const struct stack_info *fact;

	*ret_reason = NULL;
	if (interval->state != THREAD_BLOCKED)
		return 0;
	fact = stack_infos_get(locks->stack_infos, interval->stack_id);
	if (!fact)
		return -ENOMEM;
	reason = stack_info_reason(fact, interval->prev_state);
	if (wait_class_lock(reason->class))
		*ret_reason = reason;
	return 0;
}

/* Whether @interval goes on with the waiter's last wait: it did not enter the slow path anew. */
static bool is_same_wait(const struct waiter *waiter, const struct lock_entry *entry,
			 const struct interval *interval)
{
	/* A thread may wait at a futex that is no lock again at once, for more work. */
	return waiter->entry == entry && entry->lock.class != WAIT_LOCK_FUTEX &&
	       waiter->begins == waiter->wait_begins && waiter->stack_id == interval->stack_id &&
	       interval->start_ns - waiter->end_ns <= SAME_WAIT_GAP_NS;
}

/* Whether the wait is at a futex that was judged to be a lock; @ret_reason says so then. */
static bool is_user_lock(const struct lock_tracker *locks, const struct interval *interval,
			 struct waiter *waiter, struct wait_reason *ret_reason)
{
	const struct futex_locks *futexes = locks->options.futexes;

	if (ret_reason->class != WAIT_LOCK_FUTEX || !futexes || !waiter->futex.address ||
	    waiter->futex_ns > interval->start_ns ||
	    /* A later call may have been lost. */
	    (waiter->futex_ns && waiter->futex_ns < locks->lost_until_ns))
		return false;
	if (waiter->judged_address != waiter->futex.address) {
		waiter->judged_address = waiter->futex.address;
		waiter->judgement = futex_locks_judgement(futexes, interval->thread->tgid,
							  waiter->futex.address);
	}
	if (waiter->judgement == FUTEX_NO_LOCK)
		return false;
	ret_reason->class = WAIT_LOCK_USER;
	return true;
}

static void note_user_lock(struct lock_entry *entry, const struct waiter *waiter)
{
	entry->guessed = waiter->judgement == FUTEX_GUESSED;
	if (futex_shared(&waiter->futex))
		entry->shared = true;
	entry->owner_tid = futex_owner(&waiter->futex);
}

int lock_tracker_opened(struct lock_tracker *locks, const struct interval *interval)
{
	static const struct wait_reason by_call = { .class = WAIT_LOCK_FUTEX };
	const struct wait_reason *by_stack;
	struct wait_reason reason;
	uint64_t address = 0;
	struct lock_entry *entry;
	struct waiter *waiter;

	if (find_lock_reason(locks, interval, &by_stack))
		return -ENOMEM;
	waiter = per_thread_get(&locks->waiters, interval->thread);
	if (!waiter)
		return -ENOMEM;
	/* Its stack becomes known late: that it sleeps in a futex is known, or was a mistake. */
	if (waiter->open && waiter->by_call && waiter->start_ns == interval->start_ns) {
		if (by_stack && by_stack->class == WAIT_LOCK_FUTEX)
			return 0;
		if (ownership_wait_closed(waiter->entry->ownership, interval->thread,
					  interval->start_ns, interval->start_ns,
					  interval->start_ns, false))
			return -ENOMEM;
	}
	waiter->open = false;
	waiter->by_call = slept_in_futex(waiter, interval);
	if (waiter->by_call)
		by_stack = &by_call;
	else if (interval->stack_id == STACK_NONE)
		return 0; /* where it sleeps is not known yet */
	if (!by_stack) {
		/* It sleeps outside any lock, so it has left the slow path that it was in. */
		waiter->contended_address = 0;
		waiter->futex.address = 0;
		return 0;
	}
	reason = *by_stack;
	if (is_user_lock(locks, interval, waiter, &reason))
		address = waiter->futex.address;
	else if (lock_tracker_has_address(reason.class))
		address = waiter->contended_address;
	else if (reason.class == WAIT_LOCK_FILE)
		address = lock_tracker_file_address(locks, interval, &reason);
	entry = lock_tracker_entry_of(locks, interval->thread, &reason, address);
	if (!entry)
		return -ENOMEM;
	if (reason.class == WAIT_LOCK_USER)
		note_user_lock(entry, waiter);
	if (!is_same_wait(waiter, entry, interval)) {
		waiter->sum_ns = 0;
		waiter->wait_number++;
	}
	waiter->wait_begins = waiter->begins;
	waiter->stack_id = interval->stack_id;
	waiter->entry = entry;
	waiter->open = true;
	waiter->start_ns = interval->start_ns;
	waiter->began_before = interval->flags & INTERVAL_BEGAN_BEFORE;
	return ownership_wait_opened(entry->ownership, interval->thread, interval->start_ns);
}

static bool is_released_by_call(struct lock_tracker *locks, const struct interval *interval,
				const struct lock_entry *entry)
{
	return entry->lock.class == WAIT_LOCK_USER && interval->waker->tgid == entry->key.tgid &&
	       futex_wakes_take(&locks->wakes, interval->waker, entry->key.address,
				interval->end_ns);
}

/*
 * Take the wake-up that ended @interval as a release, if it came out of the lock's release path. Where the
 * waker's stack was not recorded it most likely did, as hardly anything else wakes a thread in a lock's slow
 * path. For a lock of user space the waker's futex call tells. 0 or -ENOMEM.
 */
static int note_handoff(struct lock_tracker *locks, const struct interval *interval,
			struct lock_entry *entry)
{
	const struct stack_info *fact;
	struct operation_since since = { 0 };
	struct lock_release release;
	bool by_call;

	if (!interval->waker || interval->waker_in_interrupt || interval->waker->idle_task)
		return 0;
	fact = stack_infos_get(locks->stack_infos, interval->waker_stack_id);
	if (!fact)
		return -ENOMEM;
	if (interval->waker_stack_id != STACK_NONE &&
	    (fact->releases == WAIT_UNKNOWN ||
	     fact->releases != lock_tracker_family_of(entry->lock.class)))
		return 0;
	by_call = interval->waker_stack_id == STACK_NONE &&
		  is_released_by_call(locks, interval, entry);
	if (!lock_tracker_held_in_user_space(entry->lock.class))
		since = kernel_operations_since(locks->operations, interval->waker);
	release = (struct lock_release){
		.thread = interval->waker,
		.time_ns = interval->end_ns,
		.since_ns = since.since_ns,
		.since_exact = since.exact,
		.read = fact->releases_read,
		.plausible = (interval->waker_stack_id == STACK_NONE && !by_call) ||
			     (entry->shared && entry->owner_tid != interval->waker->tid) ||
			     entry->guessed,
		.by_call = by_call,
		.stack_id = interval->waker_stack_id,
		.woken = interval->thread,
	};
	/* Where hold events tell who releases the lock, the wake-up does not: it may come from a thread
	 * that passes the lock on, or from a reader that lets other readers in. */
	if (entry->released_by && entry->released_ns > locks->lost_until_ns)
		return entry->released_by == interval->waker
			       ? ownership_woken(entry->ownership, &release)
			       : 0;
	if (lock_tracker_bound_by_own_wait(locks, entry, &release))
		return -ENOMEM;
	entry->lock.released_ns = release.time_ns;
	entry->taker = interval->thread;
	entry->taken_ns = release.time_ns;
	return ownership_released(entry->ownership, &release);
}

/*
 * @interval ended by itself, by a time limit or a signal. Where the lock names its owner, that one had it all
 * along: if it had let go, one who waits would have been woken. 0 or -ENOMEM.
 */
static int note_named_owner(struct lock_tracker *locks, const struct interval *interval,
			    struct lock_entry *entry)
{
	struct thread *owner = locks->threads && entry->owner_tid
				       ? threads_find(locks->threads, entry->owner_tid)
				       : NULL;

	if (!owner || owner == interval->thread || owner->exited ||
	    interval->flags & INTERVAL_STILL_OPEN ||
	    entry->lock.released_ns >= interval->start_ns ||
	    (!entry->shared && owner->tgid != entry->lock.tgid))
		return 0;
	return ownership_named(entry->ownership,
			       &(struct lock_release){ .thread = owner,
						       .time_ns = interval->end_ns,
						       .stack_id = STACK_NONE });
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

/* Whether the thread may have waited for a lock unseen: it slept at an unknown place, or its state is unknown. */
static bool is_unclear(const struct lock_tracker *locks, const struct interval *interval)
{
	uint64_t length_ns = interval->end_ns - interval->start_ns;

	if (interval->state == THREAD_BLOCKED)
		return interval->stack_id == STACK_NONE && interval->flags & INTERVAL_START_LOST;
	return interval->state == THREAD_UNKNOWN && length_ns >= UNCLEAR_NS &&
	       lost_spans_between(&locks->losses, interval->start_ns, interval->end_ns, NULL);
}

static void note_unclear(struct waiter *waiter, const struct interval *interval)
{
	if (waiter->end_lost_ns == interval->start_ns)
		waiter->end_lost_ns = interval->end_ns;
	if (interval->end_ns - interval->start_ns < waiter->unclear_ns - waiter->unclear_from_ns)
		return;
	waiter->unclear_from_ns = interval->start_ns;
	waiter->unclear_ns = interval->end_ns;
}

static RARE int close_sleep(struct lock_tracker *locks, const struct interval *interval)
{
	const struct lock_tracker_options *options = &locks->options;
	uint64_t from_ns = later(interval->start_ns, options->start_ns);
	uint64_t to_ns = later(from_ns, earlier(interval->end_ns, options->end_ns));
	struct waiter *waiter = per_thread_get(&locks->waiters, interval->thread);
	bool counts;

	if (!waiter)
		return -ENOMEM;
	if (is_unclear(locks, interval))
		note_unclear(waiter, interval);
	if (interval->state == THREAD_UNKNOWN)
		return 0;
	/* A call is for one sleep. Where the wake-up is missing, the next call has ended the sleep. */
	if (waiter->futex_ns < interval->end_ns)
		waiter->futex.address = 0;
	if (!waiter->open)
		return 0;
	if (lock_tracker_log_alone(locks, interval, waiter))
		return -ENOMEM;
	waiter->open = false;
	waiter->end_ns = interval->end_ns;
	waiter->end_lost_ns = interval->flags & INTERVAL_END_LOST ? interval->end_ns : 0;
	if (note_handoff(locks, interval, waiter->entry) ||
	    note_named_owner(locks, interval, waiter->entry))
		return -ENOMEM;
	counts = !options->counts || options->counts(options->context, interval->thread);
	if (counts && to_ns > from_ns)
		count_wait(&waiter->entry->lock, waiter, to_ns - from_ns);
	return ownership_wait_closed(waiter->entry->ownership, interval->thread, interval->start_ns,
				     from_ns, to_ns, counts);
}

int lock_tracker_closed(struct lock_tracker *locks, const struct interval *interval)
{
	return interval->state == THREAD_BLOCKED || interval->state == THREAD_UNKNOWN
		       ? close_sleep(locks, interval)
		       : 0;
}

void lock_tracker_finish(struct lock_tracker *locks)
{
	for (size_t i = 0; i < locks->entry_count; i++) {
		struct lock_entry *entry = locks->entries[i];

		entry->lock.owner_count = ownership_owners(entry->ownership, &entry->lock.owners);
	}
}

const struct lock *lock_tracker_awaited(const struct lock_tracker *locks,
					const struct thread *thread)
{
	const struct waiter *waiter = per_thread_find(&locks->waiters, thread);

	return waiter && waiter->entry ? &waiter->entry->lock : NULL;
}

enum wait_class lock_tracker_class(const struct lock_tracker *locks,
				   const struct interval *interval, enum wait_class by_stack)
{
	const struct waiter *waiter = per_thread_find(&locks->waiters, interval->thread);

	if (!waiter || !waiter->entry || waiter->end_ns != interval->end_ns)
		return by_stack;
	if (waiter->by_call && by_stack == WAIT_UNKNOWN)
		return waiter->entry->lock.class;
	return by_stack == WAIT_LOCK_FUTEX && waiter->entry->lock.class == WAIT_LOCK_USER
		       ? WAIT_LOCK_USER
		       : by_stack;
}

uint32_t lock_tracker_wait_number(const struct lock_tracker *locks, const struct thread *thread)
{
	const struct waiter *waiter = per_thread_find(&locks->waiters, thread);

	return waiter ? waiter->wait_number : 0;
}

size_t lock_tracker_count(const struct lock_tracker *locks)
{
	return locks->entry_count;
}

const struct lock *lock_tracker_at(const struct lock_tracker *locks, size_t index)
{
	return &locks->entries[index]->lock;
}
