/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/record/occurrence.h"

bool occurrence_repeats(struct occurrence *latest, const struct occurrence *now, uint64_t within_ns)
{
	bool same = latest->events && !(latest->events & now->events) &&
		    latest->tid == now->tid && latest->other == now->other &&
		    now->time_ns - latest->time_ns <= (latest->complete ? OCCURRENCE_NS : within_ns);

	if (!same) {
		*latest = *now;
		return false;
	}
	latest->events |= now->events;
	latest->complete |= now->complete;
	return true;
}
