/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/perf/cpu_hotplug_watch.h"
#include "tests/unit/support/unit_test.h"

static const char BEFORE[] = "Name:\tcpuhp/3\nState:\tS (sleeping)\n"
			     "voluntary_ctxt_switches:\t14\nnonvoluntary_ctxt_switches:\t0\n";
static const char AFTER[] = "Name:\tcpuhp/3\nState:\tS (sleeping)\n"
			    "voluntary_ctxt_switches:\t29\nnonvoluntary_ctxt_switches:\t7\n";

static void a_cpu_moved_where_its_thread_ran(void **state)
{
	struct cpu_hotplug_watch thread = { .cpu = 3, .switches = 14 };
	(void)state;
	assert_false(cpu_hotplug_watch_switched(&thread, BEFORE));
	assert_true(cpu_hotplug_watch_switched(&thread, AFTER));
	assert_false(cpu_hotplug_watch_switched(&thread, AFTER));
}

/* Only its voluntary switches are its work; and a kernel may leave the figure out. */
static void what_else_a_status_says_is_no_move(void **state)
{
	struct cpu_hotplug_watch thread = { .cpu = 3, .switches = 14 };
	(void)state;
	assert_false(cpu_hotplug_watch_switched(&thread, "Name:\tcpuhp/3\nnonvoluntary_ctxt_switches:\t9\n"));
	assert_false(cpu_hotplug_watch_switched(&thread, ""));
	assert_int_equal(thread.switches, 14);
}

static void a_cpu_whose_thread_is_not_to_be_seen_has_not_moved(void **state)
{
	struct cpu_hotplug_watch threads[1] = { { .cpu = UINT32_MAX } };
	(void)state;
	cpu_hotplug_watch_open(threads, 1);
	assert_int_equal(threads[0].fd, -1);
	assert_false(cpu_hotplug_watch_moved(&threads[0]));
	cpu_hotplug_watch_close(threads, 1);
}

UNIT_TESTS(cpu_hotplug_watch)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cpu_moved_where_its_thread_ran),
		cmocka_unit_test(what_else_a_status_says_is_no_move),
		cmocka_unit_test(a_cpu_whose_thread_is_not_to_be_seen_has_not_moved),
	};
	return run_unit_tests(tests, NULL, NULL);
}
