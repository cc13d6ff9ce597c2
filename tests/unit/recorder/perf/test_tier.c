/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "recorder/perf/tier.h"
#include "tests/unit/support/unit_test.h"

static const struct tier_event *find_event(const char *name, bool with_stack)
{
	for (size_t i = 0; i < TRACEPOINT_TIER.event_count; i++) {
		const struct tier_event *event = &TRACEPOINT_TIER.events[i];
		if (!strcmp(event->name, name) && with_stack == !!event->stack_frames)
			return event;
	}
	return NULL;
}

static bool is_recorded(const struct tier_event *event, enum tier_role role, int mode)
{
	return event->role == role && !event->on_demand && event->modes & IN_MODE(mode);
}

/*
 * Either one event records every switch and comes first in the table, or each switch passes the
 * filter of exactly one of two.
 */
static void every_mode_records_each_switch_once(void **state)
{
	(void)state;
	for (int mode = 0; mode < TIER_MODES; mode++) {
		const struct tier_event *events[4] = { NULL };
		size_t count = 0;
		for (size_t i = 0; i < TRACEPOINT_TIER.event_count && count < 4; i++)
			if (is_recorded(&TRACEPOINT_TIER.events[i], ROLE_SWITCH, mode))
				events[count++] = &TRACEPOINT_TIER.events[i];
		if (mode == MODE_FULL || mode == MODE_BLOCK_STACKS) {
			assert_int_equal(count, 2);
			assert_string_equal(events[0]->filter, "prev_state != 0");
			assert_true(events[0]->stack_frames > 0);
			assert_string_equal(events[1]->filter, "prev_state == 0");
			assert_int_equal(events[1]->stack_frames, 0);
			continue;
		}
		assert_null(events[0]->filter);
		assert_int_equal(events[0]->stack_frames, 0);
		assert_int_equal(count, mode == MODE_SAMPLED ? 3 : mode == MODE_TIMING ? 1 : 2);
		for (size_t i = 1; i < count; i++) /* more stacks of the same switches */
			assert_true(events[i]->filter && events[i]->stack_frames > 0);
	}
}

static void only_interruptible_waits_are_sampled(void **state)
{
	size_t sampled = 0;
	(void)state;
	for (size_t i = 0; i < TRACEPOINT_TIER.event_count; i++) {
		const struct tier_event *event = &TRACEPOINT_TIER.events[i];
		if (event->period <= 1)
			continue;
		sampled++;
		assert_int_equal(event->period, TIER_STACK_PERIOD);
		assert_string_equal(event->filter, "prev_state & 1");
		assert_int_equal(event->modes, IN_MODE(MODE_SAMPLED));
	}
	assert_int_equal(sampled, 1);
	assert_int_equal(TIER_STACK_PERIOD % 2, 1); /* of two that take turns both are seen */
}

static void every_mode_records_each_waking_once(void **state)
{
	(void)state;
	for (int mode = 0; mode < TIER_MODES; mode++) {
		size_t count = 0;
		for (size_t i = 0; i < TRACEPOINT_TIER.event_count; i++) {
			const struct tier_event *event = &TRACEPOINT_TIER.events[i];
			if (!is_recorded(event, ROLE_WAKING, mode))
				continue;
			assert_null(event->filter);
			assert_int_equal(event->stack_frames > 0, mode == MODE_FULL);
			count++;
		}
		assert_int_equal(count, 1);
	}
}

/* The one without a stack comes last, so that it is the double. */
static void wakings_on_demand_come_behind_the_one_that_records_each(void **state)
{
	bool plain = false;
	size_t on_demand = 0;
	(void)state;
	for (size_t i = 0; i < TRACEPOINT_TIER.event_count; i++) {
		const struct tier_event *event = &TRACEPOINT_TIER.events[i];
		plain |= event->role == ROLE_WAKING && !event->stack_frames;
		if (!event->on_demand)
			continue;
		on_demand++;
		assert_true(plain && event->role == ROLE_WAKING && event->stack_frames > 0);
		assert_null(event->filter);
	}
	assert_int_equal(on_demand, 2);
}

static void contended_spinlocks_are_left_out(void **state)
{
	(void)state;
	assert_string_equal(find_event("contention_begin", false)->filter, "!(flags & 1)");
	assert_int_equal(FT_LOCK_SPIN, 1);
	assert_null(find_event("contention_end", false));
}

static void every_call_is_filtered_by_length_and_keeps_its_user_stack(void **state)
{
	unsigned int seen = 0;
	(void)state;
	for (size_t i = 0; i < TRACEPOINT_TIER.event_count; i++) {
		const struct tier_event *event = &TRACEPOINT_TIER.events[i];
		if (event->role != ROLE_CALL || event->call == FT_CALL_FUTEX)
			continue;
		if (event->call == FT_CALL_MLOCKALL) /* it has no length */
			assert_null(event->filter);
		else
			assert_non_null(strstr(event->filter, ">= " TIER_LARGE_BYTES));
		assert_true(event->user_stack && event->user_dump);
		assert_true(event->call > 0 && event->call < FT_CALLS);
		seen |= 1u << event->call;
	}
	assert_int_equal(seen, (1u << FT_CALLS) - 2 - (1u << FT_CALL_FUTEX));
	/* Growing from small to large and shrinking from large to small both count. */
	assert_non_null(strstr(find_event("sys_enter_mremap", true)->filter, "old_len >= "));
	assert_non_null(strstr(find_event("sys_enter_mremap", true)->filter, "|| new_len >= "));
}

/* Each operation passes the filter of exactly one of the two events, where there are two. */
static void futex_calls_that_wake_are_recorded_where_wakers_have_no_stack(void **state)
{
	const struct tier_event *waits = find_event("sys_enter_futex", false), *wakes = waits + 1;
	char filter[256];

	(void)state;
	assert_string_equal(wakes->name, waits->name);
	snprintf(filter, sizeof(filter), "!(%s)", waits->filter);
	assert_string_equal(wakes->filter, filter);
	assert_int_equal(wakes->modes, IN_MODE(MODE_BLOCK_STACKS) | IN_MODE(MODE_SAMPLED));
	assert_int_equal(wakes->call, FT_CALL_FUTEX);
	assert_int_equal(wakes->stack_frames, 0);
	assert_true(wakes->optional);
}

/* The stack of the block that follows is enough, and dumps are for large calls. */
static void futex_waits_cost_no_stack_and_are_left_out_where_blocks_have_none(void **state)
{
	const struct tier_event *event = find_event("sys_enter_futex", false);

	(void)state;
	assert_non_null(event);
	assert_int_equal(event->call, FT_CALL_FUTEX);
	assert_false(event->user_stack || event->user_dump);
	assert_true(event->optional);
	assert_int_equal(event->modes,
			 IN_MODE(MODE_FULL) | IN_MODE(MODE_BLOCK_STACKS) | IN_MODE(MODE_SAMPLED));
	assert_null(find_event("sys_enter_futex", true));
}

UNIT_TESTS(tier)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mode_records_each_switch_once),
		cmocka_unit_test(only_interruptible_waits_are_sampled),
		cmocka_unit_test(every_mode_records_each_waking_once),
		cmocka_unit_test(wakings_on_demand_come_behind_the_one_that_records_each),
		cmocka_unit_test(contended_spinlocks_are_left_out),
		cmocka_unit_test(every_call_is_filtered_by_length_and_keeps_its_user_stack),
		cmocka_unit_test(futex_calls_that_wake_are_recorded_where_wakers_have_no_stack),
		cmocka_unit_test(futex_waits_cost_no_stack_and_are_left_out_where_blocks_have_none),
	};
	return run_unit_tests(tests, NULL, NULL);
}
