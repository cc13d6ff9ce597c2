/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <string.h>

#include "tests/unit/support/probe_fixture.h"

struct probe_fixture probe_fixture_start(enum probe_kind kind, const char *what,
					 uint64_t slower_than_ns, uint64_t for_ns)
{
	struct probe_options options = {
		.kind = kind,
		.what = what,
		.interval_ns = 10 * MS,
		.slower_than_ns = slower_than_ns,
		.for_ns = for_ns,
		.was_answered = true,
	};
	struct probe_fixture fixture = { .start_ns = clock_now_ns() };
	const char *problem = "";

	assert_int_equal(trigger_queue_create(&fixture.triggers), 0);
	int error = probe_start(&options, fixture.triggers, &fixture.probe, &problem);
	if (error)
		fail_msg("%s: %s: %s", what, strerror(-error), problem);
	return fixture;
}

void probe_fixture_stop(struct probe_fixture *fixture)
{
	probe_stop(fixture->probe);
	trigger_queue_destroy(fixture->triggers);
}

struct probe_status probe_fixture_status(const struct probe_fixture *fixture)
{
	struct probe_status status;

	probe_status(fixture->probe, &status);
	return status;
}

void pause_a_little(void)
{
	poll(NULL, 0, 2);
}

struct trigger probe_fixture_take(const struct probe_fixture *fixture)
{
	struct pollfd pollfd = { .fd = trigger_queue_fd(fixture->triggers), .events = POLLIN };
	struct trigger trigger;

	assert_int_equal(poll(&pollfd, 1, PATIENCE_MS), 1);
	assert_true(trigger_queue_take(fixture->triggers, &trigger));
	return trigger;
}

void assert_no_trigger(const struct probe_fixture *fixture)
{
	struct trigger trigger;

	if (trigger_queue_take(fixture->triggers, &trigger))
		fail_msg("%s: %s", trigger.source, trigger.reason);
}

void assert_says(const struct trigger *trigger, const char *source, const char *text)
{
	assert_string_equal(trigger->source, source);
	if (!strstr(trigger->reason, text))
		fail_msg("'%s' is not in '%s'", text, trigger->reason);
}

void assert_good(enum probe_kind kind, const char *what)
{
	struct probe_fixture fixture = probe_fixture_start(kind, what, NEVER_NS, NEVER_NS);

	WAIT_FOR(probe_fixture_status(&fixture).asked > 5);
	assert_int_equal(probe_fixture_status(&fixture).failed, 0);
	assert_int_equal(probe_fixture_status(&fixture).stuck, 0);
	probe_fixture_stop(&fixture);
}

void assert_fires(enum probe_kind kind, const char *what, const char *source, const char *text)
{
	struct probe_fixture fixture = probe_fixture_start(kind, what, NEVER_NS, 100 * MS);
	struct trigger trigger = probe_fixture_take(&fixture);

	assert_says(&trigger, source, text);
	assert_null(strstr(trigger.reason, "secret"));
	assert_true(trigger.time_ns - fixture.start_ns >= 100 * MS);
	uint64_t failed = probe_fixture_status(&fixture).failed;
	WAIT_FOR(probe_fixture_status(&fixture).failed > failed + SOME_MORE);
	assert_no_trigger(&fixture);
	assert_int_equal(probe_fixture_status(&fixture).fired, 1);
	probe_fixture_stop(&fixture);
}

/* A question that hangs fires before it ends, and stopping does not wait for it. */
void assert_hang_fires(enum probe_kind kind, const char *what, const char *source)
{
	struct probe_fixture fixture = probe_fixture_start(kind, what, 50 * MS, 200 * MS);
	struct trigger trigger = probe_fixture_take(&fixture);

	assert_says(&trigger, source, "slower than 50 ms");
	assert_says(&trigger, source, ": no answer for ");
	assert_true(trigger.time_ns - fixture.start_ns >= 200 * MS);
	struct probe_status status = probe_fixture_status(&fixture);
	assert_int_equal(status.asked, 1);
	assert_int_equal(status.failed, 0);
	assert_true(status.last_ns >= 200 * MS);
	uint64_t stop_ns = clock_now_ns();
	probe_fixture_stop(&fixture);
	assert_true(clock_now_ns() - stop_ns < (DEADLINE_MS - 1000) * MS);
}
