/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/dead_owner.h"

#include <errno.h>
#include <string.h>

#include "analyzer/detect/thresholds.h"
#include "analyzer/trace/per_thread.h"
#include "analyzer/util/span.h"

struct owner_search {
	const struct observations *observations;
	const struct victim *victims;
	size_t victim_count;
	uint64_t first_ns, longest_ns;	/* when the first of them, and the one who waited longest, stopped */
	struct per_thread is_victim;	/* bool */
};

static int mark_victims(struct owner_search *search)
{
	for (size_t i = 0; i < search->victim_count; i++) {
		bool *mark = per_thread_get(&search->is_victim, search->victims[i].thread);

		if (!mark)
			return -ENOMEM;
		*mark = true;
	}
	return 0;
}

static bool woken_by_victim(const struct owner_search *search, const struct history_interval *interval)
{
	const bool *mark = interval->state == THREAD_BLOCKED && interval->waker != HISTORY_NOBODY
				   ? per_thread_at(&search->is_victim, interval->waker)
				   : NULL;

	return mark && *mark;
}

/* Whether @thread woke those who wait, and they woke it, often enough: those who share a lock do both. */
static bool shared_with(const struct owner_search *search, const struct thread *thread)
{
	const struct history *history = search->observations->history;
	const struct history_interval *intervals;
	size_t count = history_intervals(history, thread, &intervals);
	uint64_t to = 0, from = 0;

	for (size_t i = 0; i < count && from < STILL_HANDOFFS_LEAST; i++)
		from += woken_by_victim(search, &intervals[i]);
	if (from < STILL_HANDOFFS_LEAST)
		return false;
	for (size_t i = 0; i < search->victim_count && to < STILL_HANDOFFS_LEAST; i++) {
		count = history_intervals(history, search->victims[i].thread, &intervals);
		for (size_t j = 0; j < count; j++)
			to += intervals[j].state == THREAD_BLOCKED &&
			      intervals[j].waker == thread->index;
	}
	return to >= STILL_HANDOFFS_LEAST;
}

static bool ended_then(const struct owner_search *search, const struct thread *thread)
{
	struct target *target = search->observations->target;
	const struct thread *waiter = search->victims[0].thread;
	bool kin = thread->tgid == waiter->tgid || !strcmp(thread->comm, waiter->comm) ||
		   (target_counts(target, waiter) && target_counts(target, thread));

	return kin && thread->died_ns && !thread->idle_task &&
	       thread->died_ns + STILL_GONE_NS >= search->first_ns &&
	       thread->died_ns <= search->longest_ns + STILL_GONE_NS;
}

int dead_owner_find(const struct observations *observations, const struct victim *victims, size_t victim_count,
		    bool of_lock, const struct thread **ret_gone)
{
	const struct threads *threads = source_threads(observations->source);
	struct owner_search search = { .observations = observations,
				       .victims = victims,
				       .victim_count = victim_count,
				       .first_ns = UINT64_MAX,
				       .longest_ns = victims[0].since_ns,
				       .is_victim.entry_bytes = sizeof(bool) };
	const struct thread *last = NULL;
	size_t ended = 0;
	int r = mark_victims(&search);

	*ret_gone = NULL;
	for (size_t i = 0; i < victim_count; i++)
		search.first_ns = earlier(search.first_ns, victims[i].since_ns);
	for (size_t i = 0; i < threads_count(threads) && !r; i++) {
		const struct thread *thread = threads_at(threads, i);

		if (!ended_then(&search, thread))
			continue;
		ended++;
		last = thread;
		if (shared_with(&search, thread))
			*ret_gone = thread;
	}
	if (!*ret_gone && of_lock && ended == 1)
		*ret_gone = last;
	per_thread_free(&search.is_victim);
	return r;
}
