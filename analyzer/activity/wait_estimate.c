/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/wait_estimate.h"

/* The recorder reads the stack of who is blocked for longer. */
#define SHORT_NS 50000000u

/* Fewer say little of the others. */
#define SAMPLES_LEAST 5u

bool wait_estimate_counts(const struct interval *interval)
{
	return interval->prev_state == FT_STATE_SLEEPING &&
	       interval->end_ns - interval->start_ns < SHORT_NS;
}

void wait_estimate_note(struct short_waits *waits, const struct interval *interval,
			enum wait_class class)
{
	bool seen = interval->stack_id != STACK_NONE;
	struct wait_sum *sum = seen ? &waits->seen[class] : &waits->unseen;

	if (!seen && class != WAIT_UNKNOWN) {
		waits->told |= UINT64_C(1) << class;
		return;
	}
	sum->ns += interval->end_ns - interval->start_ns;
	sum->count++;
}

static uint64_t scale_number(uint64_t number, uint64_t part, uint64_t whole)
{
	return whole ? (uint64_t)((double)number * ((double)part / (double)whole)) : 0;
}

struct wait_sum wait_estimate_part(const struct wait_sum *sum, const struct wait_sum *part,
				   const struct wait_sum *whole)
{
	return (struct wait_sum){ scale_number(sum->ns, part->ns, whole->ns),
				  scale_number(sum->count, part->count, whole->count) };
}

static bool is_told(const struct short_waits *waits, enum wait_class class)
{
	return waits->told >> class & 1;
}

bool wait_estimate_make(const struct short_waits *waits, struct wait_sum *ret_estimates)
{
	struct wait_sum seen = { 0, 0 }, left = waits->unseen;
	enum wait_class most = WAIT_UNKNOWN;

	for (enum wait_class class = 0; class < WAIT_CLASSES; class ++) {
		if (is_told(waits, class))
			continue;
		seen.ns += waits->seen[class].ns;
		seen.count += waits->seen[class].count;
		if (waits->seen[class].ns > waits->seen[most].ns)
			most = class;
	}
	if (seen.count < SAMPLES_LEAST || !seen.ns || !waits->unseen.count)
		return false;
	for (enum wait_class class = 0; class < WAIT_CLASSES; class ++) {
		ret_estimates[class] =
			is_told(waits, class)
				? (struct wait_sum){ 0, 0 }
				: wait_estimate_part(&waits->unseen, &waits->seen[class], &seen);
		left.ns -= ret_estimates[class].ns;
		left.count -= ret_estimates[class].count;
	}
	ret_estimates[most].ns += left.ns; /* what rounding left */
	ret_estimates[most].count += left.count;
	return true;
}
