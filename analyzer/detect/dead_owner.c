/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/dead_owner.h"

#include <string.h>

#include "analyzer/detect/thresholds.h"

/* Whether @thread may share a lock with @waiter. */
static bool is_kin(const struct observations *observations, const struct thread *thread,
		   const struct thread *waiter)
{
	return thread->tgid == waiter->tgid || !strcmp(thread->comm, waiter->comm) ||
	       (target_counts(observations->target, waiter) &&
		target_counts(observations->target, thread));
}

const struct thread *dead_owner_find(const struct observations *observations,
				     const struct thread *waiter, uint64_t from_ns, uint64_t to_ns)
{
	const struct threads *threads = source_threads(observations->source);
	const struct thread *gone = NULL;

	for (size_t i = 0; i < threads_count(threads); i++) {
		const struct thread *thread = threads_at(threads, i);

		if (!thread->died_ns || thread->idle_task ||
		    thread->died_ns + STILL_GONE_NS < from_ns ||
		    thread->died_ns > to_ns + STILL_GONE_NS ||
		    !is_kin(observations, thread, waiter))
			continue;
		gone = thread;
	}
	return gone;
}
