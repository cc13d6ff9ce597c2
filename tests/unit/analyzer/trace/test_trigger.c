/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/trace/trigger.h"
#include "capture/format.h"
#include "tests/unit/support/unit_test.h"

#define MS 1000000ull

static struct trigger_window window_of(const char *source, const char *reason, int64_t at_ms)
{
	struct ft_facts *facts = NULL;
	struct trigger_window window;

	assert_int_equal(ft_facts_create(&facts), 0);
	if (source)
		assert_int_equal(ft_facts_set(facts, FT_FACT_TRIGGER_SOURCE, source), 0);
	if (reason)
		assert_int_equal(ft_facts_set(facts, FT_FACT_TRIGGER_REASON, reason), 0);
	if (at_ms)
		assert_int_equal(ft_facts_set_number(facts, FT_FACT_TRIGGER_NS,
						     at_ms * (int64_t)MS), 0);
	window = trigger_window_read(facts);
	ft_facts_destroy(facts);
	return window;
}

static void window_of_a_probe_begins_where_its_reason_says(void **state)
{
	struct trigger_window window =
		window_of("probe-tcp", "127.0.0.1:6379 slower than 200 ms for 2.0 s", 10000);

	(void)state;
	assert_true(window.proves);
	assert_true(window.probed);
	assert_true(window.since_said);
	assert_int_equal(window.since_ns, 8000 * MS);
	assert_int_equal(window.until_ns, 10000 * MS);
}

static void window_takes_the_duration_of_the_whole_row_of_failures(void **state)
{
	(void)state;
	assert_int_equal(window_of("probe-tcp",
				   "tcp [::1]:1 slower than 200 ms for 2.0 s: 1 of 1 answers failed, "
				   "the last took 0.8 s; then no answer for 1.2 s",
				   9000)
				 .since_ns,
			 7000 * MS);
	assert_int_equal(window_of("socket", "no pong for 1500ms", 9000).since_ns, 7500 * MS);
	assert_int_equal(window_of("probe-cmd", "'wait-for 9s' failed for 3 s", 9000).since_ns,
			 6000 * MS);
	assert_int_equal(window_of("probe-cmd", "sleep for 9 s; late for 2 min, last 1.0 s", 500000)
				 .since_ns,
			 380000 * MS);
}

static void window_without_a_duration_is_the_least_stall_before_the_trigger(void **state)
{
	static const char *const reasons[] = {
		"health check failed", "for ever", "for 3 parsecs", "for 5", "for 99999999999 h",
		"waited for 1 ms", "for 000000000000000000000000000000000000001s",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		struct trigger_window window = window_of("socket", reasons[i], 1000);

		assert_true(window.proves);
		assert_false(window.probed);
		assert_false(window.since_said);
		assert_int_equal(window.since_ns, 800 * MS);
	}
}

static void window_does_not_begin_before_time_does(void **state)
{
	(void)state;
	assert_int_equal(window_of("probe-tcp", "late for 60 s", 5000).since_ns, 0);
}

static void triggers_that_nobody_waited_for_prove_nothing(void **state)
{
	(void)state;
	assert_false(window_of("signal", "SIGUSR2", 1000).proves);
	assert_false(window_of("psi", "memory some for 150 ms", 1000).proves);
	assert_false(window_of("blocked", "4 threads for 1.0 s", 1000).proves);
	assert_false(window_of("capture", "on demand", 1000).proves);
	assert_false(window_of("socket", "", 1000).proves);
	assert_false(window_of("socket", NULL, 1000).proves);
	assert_false(window_of(NULL, "late for 2 s", 1000).proves);
	assert_false(window_of("probe-tcp", "late for 2 s", 0).proves);
	assert_false(window_of("probe-tcp", "late for 2 s", -5).proves);
}

static void window_is_what_a_probe_noted_where_the_trigger_does_not_say_since_when(void **state)
{
	struct trigger_window window = window_of("socket", "a customer called", 20000);

	(void)state;
	/* long ago; then the row that was under way, and how it ended */
	trigger_window_note(&window, 4000 * MS, "probe: 2.000 s" FT_NOTE_PROBE_OVER ": tcp x");
	assert_false(window.since_said);
	trigger_window_note(&window, 17200 * MS, "probe: 0.200 s" FT_NOTE_PROBE_OPEN ": tcp x");
	assert_true(window.proves && window.since_said);
	assert_int_equal(window.since_ns, 17000 * MS);
	assert_int_equal(window.until_ns, 20000 * MS);
	trigger_window_note(&window, 18500 * MS, "probe: 1.500 s" FT_NOTE_PROBE_OVER ": tcp x");
	assert_int_equal(window.since_ns, 17000 * MS);
	assert_int_equal(window.until_ns, 18500 * MS);
	assert_int_equal(window.about_ns, 16000 * MS);
	/* after the trigger */
	trigger_window_note(&window, 21200 * MS, "probe: 0.200 s" FT_NOTE_PROBE_OPEN ": tcp x");
	assert_int_equal(window.since_ns, 17000 * MS);
}

static void window_is_not_what_another_note_says(void **state)
{
	static const char *const texts[] = {
		"probe: ", "probe: 1.0 s", "probe: x s" FT_NOTE_PROBE_OPEN, "governor: lazy for 2 s",
		"probe: 99999.0 s" FT_NOTE_PROBE_OPEN, "1.0 s" FT_NOTE_PROBE_OPEN,
	};
	struct trigger_window window = window_of("socket", "a customer called", 20000);
	struct trigger_window said = window_of("socket", "no pong for 2 s", 20000);

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		trigger_window_note(&window, 19000 * MS, texts[i]);
	assert_false(window.since_said);
	trigger_window_note(&said, 19000 * MS, "probe: 0.200 s" FT_NOTE_PROBE_OPEN ": tcp x");
	assert_int_equal(said.since_ns, 18000 * MS);
}

UNIT_TESTS(trigger)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(window_of_a_probe_begins_where_its_reason_says),
		cmocka_unit_test(window_takes_the_duration_of_the_whole_row_of_failures),
		cmocka_unit_test(window_without_a_duration_is_the_least_stall_before_the_trigger),
		cmocka_unit_test(window_does_not_begin_before_time_does),
		cmocka_unit_test(
			window_is_what_a_probe_noted_where_the_trigger_does_not_say_since_when),
		cmocka_unit_test(window_is_not_what_another_note_says),
		cmocka_unit_test(triggers_that_nobody_waited_for_prove_nothing),
	};

	return run_unit_tests(tests, NULL, NULL);
}
