/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/wait_baseline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/trace/per_thread.h"
#include "analyzer/util/array.h"
#include "analyzer/util/hash.h"
#include "analyzer/util/span.h"

/* A wait is an outlier that is so many times as long as the longest one before it, and as their
 * median. */
#define TIMES_LONGEST 5u
#define TIMES_MEDIAN  20u

/* With fewer waits before it, there is no baseline. */
#define KNOWN_WAITS_LEAST 20u

#define WAKERS	8 /* are counted by thread; of more, those that come again and again stay */
#define LENGTHS 48 /* powers of two of ns: 78 hours */

/* Chains of wake-ups are followed so far. */
#define LINKS_MAX 8u

struct kind_key {
	uint32_t thread_index;
	uint32_t class;
	uint32_t operation_id;
};

struct waker {
	struct thread *thread;
	uint64_t count;
};

/* The waits of one thread in one class and operation, without the outliers. */
struct kind {
	struct kind_key key;
	uint64_t first_ns, last_ns; /* start of the first, end of the last */
	uint64_t count, longest_ns;
	uint32_t lengths[LENGTHS]; /* waits by the power of two of their length */
	uint64_t wakeups;
	struct waker wakers[WAKERS];
	/* Of a long wait that was set aside, for those that come after it; 0: none was. */
	uint64_t early_ns;
	UT_hash_handle hh;
};

/* The last wait of a thread: whether it waited, too, while another did. */
struct last_wait {
	uint64_t start_ns, end_ns;
	enum wait_class class;
	struct thread *waker; /* NULL: none that woke it by its own work */
};

struct thread_kinds {
	struct kind *kind; /* of its last wait */
	struct kind *requests; /* of most of its waits for what others say or send */
	struct last_wait last;
};

enum wait_verdict { WAIT_USUAL, WAIT_UNUSUAL, WAIT_SET_ASIDE };

struct wait_baseline {
	struct stack_infos *stack_infos;
	uint64_t long_ns;
	struct per_thread threads; /* struct thread_kinds */
	struct kind *kinds;
	struct producer_wait *waits;
	size_t count, room;
};

int wait_baseline_create(struct stack_infos *stack_infos, uint64_t long_ns,
			 struct wait_baseline **ret_baseline)
{
	struct wait_baseline *baseline = calloc(1, sizeof(*baseline));

	if (!baseline)
		return -ENOMEM;
	baseline->stack_infos = stack_infos;
	baseline->long_ns = long_ns;
	baseline->threads.entry_bytes = sizeof(struct thread_kinds);
	*ret_baseline = baseline;
	return 0;
}

void wait_baseline_destroy(struct wait_baseline *baseline)
{
	if (!baseline)
		return;
	hash_free(baseline->kinds);
	per_thread_free(&baseline->threads);
	free(baseline->waits);
	free(baseline);
}

/* Waits that end when another thread gives what is waited for. */
static bool is_for_producer(enum wait_class class)
{
	switch (class) {
	case WAIT_IPC_PIPE:
	case WAIT_NET_SOCKET:
	case WAIT_LOCK_FUTEX:
	case WAIT_POLL:
	case WAIT_CHILD:
	case WAIT_IO_FUSE:
		return true;
	default:
		return false;
	}
}

/* Waits of a server between two requests. */
static bool is_for_request(enum wait_class class)
{
	return class == WAIT_IPC_PIPE || class == WAIT_NET_SOCKET || class == WAIT_POLL;
}

static struct kind *find_kind(const struct wait_baseline *baseline, const struct kind_key *key)
{
	struct kind *kind;

	HASH_FIND(hh, baseline->kinds, key, sizeof(*key), kind);
	return kind;
}

static struct kind *get_kind(struct wait_baseline *baseline, struct thread_kinds *entry,
			     const struct kind_key *key)
{
	struct kind *kind = entry->kind;

	if (kind && !memcmp(&kind->key, key, sizeof(*key)))
		return kind;
	kind = find_kind(baseline, key);
	if (kind)
		return kind;
	kind = calloc(1, sizeof(*kind));
	if (!kind)
		return NULL;
	kind->key = *key;
	HASH_ADD(hh, baseline->kinds, key, sizeof(kind->key), kind);
	return kind;
}

/* The thread that woke the waiter by its own work: none that was only interrupted, and no idle
 * task. */
static struct thread *find_cause(const struct wait_baseline *baseline,
				 const struct interval *interval)
{
	const struct stack_info *info;

	if (!interval->waker || interval->waker->idle_task)
		return NULL;
	if (!interval->waker_in_interrupt)
		return interval->waker;
	info = stack_infos_get(baseline->stack_infos, interval->waker_stack_id);
	return info && info->own_softirq ? interval->waker : NULL;
}

/* A new waker takes over the lowest counter with its count, so that no frequent waker is lost. */
static void note_waker(struct kind *kind, struct thread *thread)
{
	struct waker *least = kind->wakers;

	kind->wakeups++;
	for (size_t i = 0; i < WAKERS; i++) {
		if (kind->wakers[i].thread == thread) {
			kind->wakers[i].count++;
			return;
		}
		if (kind->wakers[i].count < least->count)
			least = &kind->wakers[i];
	}
	least->thread = thread;
	least->count++;
}

static unsigned int find_length_class(uint64_t ns)
{
	unsigned int length = ns ? 63u - (unsigned int)__builtin_clzll(ns) : 0;

	return length < LENGTHS ? length : LENGTHS - 1;
}

static void note_wait(const struct wait_baseline *baseline, struct kind *kind,
		      const struct interval *interval)
{
	uint64_t ns = interval->end_ns - interval->start_ns;

	if (!kind->count)
		kind->first_ns = interval->start_ns;
	kind->last_ns = interval->end_ns;
	kind->count++;
	kind->lengths[find_length_class(ns)]++;
	if (ns > kind->longest_ns)
		kind->longest_ns = ns;
	if (find_cause(baseline, interval))
		note_waker(kind, interval->waker);
}

/* Sum up @kind, and the waits without a stack, of which a busy host has many: they may be of this
 * kind. */
static struct thread_baseline sum_up_waits(const struct kind *kind, const struct kind *unknown)
{
	struct thread_baseline waits = { .count = kind->count, .longest_ns = kind->longest_ns };
	uint64_t below = 0;

	if (unknown) {
		waits.count += unknown->count;
		if (unknown->longest_ns > waits.longest_ns)
			waits.longest_ns = unknown->longest_ns;
	}
	for (unsigned int i = 0; i < LENGTHS && below * 2 < waits.count; i++) {
		below += kind->lengths[i] + (unknown ? unknown->lengths[i] : 0);
		waits.median_ns = UINT64_C(2) << i;
	}
	if (waits.median_ns > waits.longest_ns)
		waits.median_ns = waits.longest_ns;
	return waits;
}

static const struct kind *find_unknown_kind(const struct wait_baseline *baseline,
					    const struct thread *thread)
{
	return find_kind(baseline, &(struct kind_key){ thread->index, WAIT_UNKNOWN, 0 });
}

/* What is known by now of waits of @kind. Return: whether it is enough to compare with. */
static bool is_known(const struct wait_baseline *baseline, const struct thread *thread,
		     const struct kind *kind, struct thread_baseline *ret_waits)
{
	const struct kind *unknown = find_unknown_kind(baseline, thread);
	uint64_t since_ns = kind->first_ns, until_ns = kind->last_ns;

	if (unknown && (!kind->count || unknown->first_ns < since_ns))
		since_ns = unknown->first_ns;
	if (unknown && unknown->last_ns > until_ns)
		until_ns = unknown->last_ns;
	*ret_waits = sum_up_waits(kind, unknown);
	return ret_waits->count >= KNOWN_WAITS_LEAST && until_ns - since_ns >= baseline->long_ns;
}

static bool is_unusual(uint64_t ns, const struct thread_baseline *others)
{
	return ns / TIMES_LONGEST >= others->longest_ns && ns / TIMES_MEDIAN >= others->median_ns;
}

/* The wait of @thread that covers half of @wait or more; NULL. */
static const struct last_wait *find_wait_meanwhile(const struct wait_baseline *baseline,
						   const struct producer_wait *wait,
						   const struct thread *thread)
{
	const struct thread_kinds *entry = per_thread_find(&baseline->threads, thread);
	uint64_t both_ns;

	if (!entry)
		return NULL;
	both_ns = span_overlap(entry->last.start_ns, entry->last.end_ns, wait->start_ns,
			       wait->end_ns);
	return both_ns && both_ns * 2 >= wait->end_ns - wait->start_ns ? &entry->last : NULL;
}

/* Go back along the wake-ups: to the waker, to its waker if it waited likewise, and so on. */
static void follow_wakeups(const struct wait_baseline *baseline, struct thread *waker,
			   struct producer_wait *wait)
{
	const struct last_wait *last;

	for (wait->links = 1; waker && wait->links <= LINKS_MAX; wait->links++) {
		if (waker == wait->thread)
			return;
		last = find_wait_meanwhile(baseline, wait, waker);
		if (!last || !is_for_producer(last->class) || last->class == WAIT_IO_FUSE) {
			wait->producer = waker;
			return;
		}
		waker = last->waker;
	}
}

static void count_producer_wakeups(const struct kind *kind, struct producer_wait *wait)
{
	wait->wakeups = kind->wakeups;
	for (size_t i = 0; i < WAKERS; i++)
		if (wait->producer && kind->wakers[i].thread == wait->producer)
			wait->produced = kind->wakers[i].count;
}

static int append_wait(struct wait_baseline *baseline, const struct producer_wait *wait)
{
	if (array_grow(baseline->waits, baseline->count, baseline->room))
		return -ENOMEM;
	baseline->waits[baseline->count++] = *wait;
	return 0;
}

/* Set what @wait is compared with. @ret_early: it is compared with waits that are still to come. */
static bool compare_wait(const struct wait_baseline *baseline, const struct kind *kind,
			 struct producer_wait *wait, bool *ret_early)
{
	struct thread_baseline others;
	bool known = is_known(baseline, wait->thread, kind, &others);

	*ret_early = !known && !kind->early_ns && wait->flags & INTERVAL_BEGAN_BEFORE &&
		     wait->class != WAIT_CHILD;
	if (kind->early_ns > others.longest_ns)
		others.longest_ns = kind->early_ns;
	if (!known || !is_unusual(wait->end_ns - wait->start_ns, &others))
		return wait->class == WAIT_CHILD;
	wait->before = others;
	return true;
}

static int note_long_wait(struct wait_baseline *baseline, struct kind *kind,
			  const struct interval *interval, enum wait_verdict *ret_verdict)
{
	enum wait_class class = (enum wait_class)kind->key.class;
	struct producer_wait wait = {
		.thread = interval->thread,
		.class = class,
		.stack_id = interval->stack_id,
		.start_ns = interval->start_ns,
		.end_ns = interval->end_ns,
		.flags = interval->flags,
	};
	bool unusual = compare_wait(baseline, kind, &wait, &wait.early);

	*ret_verdict = WAIT_USUAL;
	if (!unusual && !wait.early && class != WAIT_IO_FUSE)
		return 0;
	if (class != WAIT_IO_FUSE)
		*ret_verdict = unusual ? WAIT_UNUSUAL : WAIT_SET_ASIDE;
	if (wait.early)
		kind->early_ns = wait.end_ns - wait.start_ns;
	follow_wakeups(baseline, find_cause(baseline, interval), &wait);
	count_producer_wakeups(kind, &wait);
	return append_wait(baseline, &wait);
}

/* Waits that are much shorter than a stall cannot cover half of one. */
static void remember_wait(const struct wait_baseline *baseline, struct thread_kinds *entry,
			  const struct interval *interval, enum wait_class class)
{
	if ((interval->end_ns - interval->start_ns) * 2 < baseline->long_ns)
		return;
	entry->last = (struct last_wait){ interval->start_ns, interval->end_ns, class,
					  find_cause(baseline, interval) };
}

int wait_baseline_closed(struct wait_baseline *baseline, const struct interval *interval,
			 enum wait_class class, const struct stack_info *info, bool counts,
			 bool *ret_unusual)
{
	const struct kind_key key = { interval->thread->index, class,
				      class == WAIT_UNKNOWN ? 0 : info->operation_id };
	struct thread_kinds *entry = per_thread_get(&baseline->threads, interval->thread);
	enum wait_verdict verdict = WAIT_USUAL;

	if (!entry)
		return -ENOMEM;
	remember_wait(baseline, entry, interval, class);
	if (is_for_producer(class) || class == WAIT_UNKNOWN) {
		struct kind *kind = get_kind(baseline, entry, &key);

		if (!kind)
			return -ENOMEM;
		if (counts && is_for_producer(class) &&
		    interval->end_ns - interval->start_ns >= baseline->long_ns &&
		    note_long_wait(baseline, kind, interval, &verdict))
			return -ENOMEM;
		if (verdict == WAIT_USUAL)
			note_wait(baseline, kind, interval);
		entry->kind = kind;
		if (is_for_request(class) &&
		    (!entry->requests || kind->count > entry->requests->count))
			entry->requests = kind;
	}
	*ret_unusual = verdict == WAIT_UNUSUAL;
	return 0;
}

/* The wait is still open: its producer is the thread that ends such waits most often and does not
 * wait likewise. */
static void guess_producer(const struct wait_baseline *baseline, const struct kind *kind,
			   struct producer_wait *wait)
{
	uint64_t most = 0;

	for (size_t i = 0; i < WAKERS; i++) {
		const struct waker *waker = &kind->wakers[i];
		const struct last_wait *last;

		if (!waker->thread || waker->count <= most)
			continue;
		last = find_wait_meanwhile(baseline, wait, waker->thread);
		if (last && is_for_producer(last->class) && last->class != WAIT_IO_FUSE)
			continue;
		most = waker->count;
		wait->producer = waker->thread;
	}
	wait->links = 0;
	count_producer_wakeups(kind, wait);
}

void wait_baseline_finish(struct wait_baseline *baseline)
{
	for (size_t i = 0; i < baseline->count; i++) {
		struct producer_wait *wait = &baseline->waits[i];
		const struct stack_info *info =
			stack_infos_get(baseline->stack_infos, wait->stack_id);
		const struct kind *kind = NULL;
		struct thread_baseline others;

		if (info)
			kind = find_kind(baseline,
					 &(struct kind_key){ wait->thread->index, wait->class,
							     info->operation_id });
		if (!kind)
			continue;
		if (!wait->producer && wait->flags & INTERVAL_STILL_OPEN)
			guess_producer(baseline, kind, wait);
		if (!wait->early)
			continue;
		count_producer_wakeups(kind, wait);
		if (is_known(baseline, wait->thread, kind, &others) &&
		    is_unusual(wait->end_ns - wait->start_ns, &others))
			wait->before = others;
	}
}

size_t wait_baseline_producer_waits(const struct wait_baseline *baseline,
				    const struct producer_wait **ret_waits)
{
	*ret_waits = baseline->waits;
	return baseline->count;
}

enum wait_class wait_baseline_request_class(const struct wait_baseline *baseline,
					    const struct thread *producer,
					    const struct producer_wait *waits, size_t count)
{
	const struct thread_kinds *entry = per_thread_find(&baseline->threads, producer);
	uint64_t requests = 0;

	if (!entry || !entry->requests)
		return WAIT_UNKNOWN;
	for (size_t i = 0; i < WAKERS; i++)
		for (size_t j = 0; j < count; j++)
			if (waits[j].producer == producer &&
			    waits[j].thread == entry->requests->wakers[i].thread) {
				requests += entry->requests->wakers[i].count;
				break;
			}
	if (!requests || requests * 2 < entry->requests->wakeups)
		return WAIT_UNKNOWN;
	return (enum wait_class)entry->requests->key.class;
}
