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

struct asking asking_start(enum probe_kind kind, const char *what, uint64_t slower_than_ns,
			   uint64_t for_ns)
{
	struct probe_options options = {
		.kind = kind,
		.what = what,
		.interval_ns = 10 * MS,
		.slower_than_ns = slower_than_ns,
		.for_ns = for_ns,
		.was_answered = true,
	};
	struct asking asking = { .start_ns = clock_now_ns() };
	const char *problem = "";

	assert_int_equal(trigger_queue_create(&asking.triggers), 0);
	int error = probe_start(&options, asking.triggers, &asking.probe, &problem);
	if (error)
		fail_msg("%s: %s: %s", what, strerror(-error), problem);
	return asking;
}

void asking_stop(struct asking *asking)
{
	probe_stop(asking->probe);
	trigger_queue_destroy(asking->triggers);
}

struct probe_status asking_status(const struct asking *asking)
{
	struct probe_status status;

	probe_status(asking->probe, &status);
	return status;
}

void pause_a_little(void)
{
	poll(NULL, 0, 2);
}

struct trigger asking_take(const struct asking *asking)
{
	struct pollfd pollfd = { .fd = trigger_queue_fd(asking->triggers), .events = POLLIN };
	struct trigger trigger;

	assert_int_equal(poll(&pollfd, 1, PATIENCE_MS), 1);
	assert_true(trigger_queue_take(asking->triggers, &trigger));
	return trigger;
}

void assert_no_trigger(const struct asking *asking)
{
	struct trigger trigger;

	if (trigger_queue_take(asking->triggers, &trigger))
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
	struct asking asking = asking_start(kind, what, NEVER_NS, NEVER_NS);

	WAIT_FOR(asking_status(&asking).asked > 5);
	assert_int_equal(asking_status(&asking).failed, 0);
	assert_int_equal(asking_status(&asking).stuck, 0);
	asking_stop(&asking);
}

void assert_fires(enum probe_kind kind, const char *what, const char *source, const char *text)
{
	struct asking asking = asking_start(kind, what, NEVER_NS, 100 * MS);
	struct trigger trigger = asking_take(&asking);

	assert_says(&trigger, source, text);
	assert_null(strstr(trigger.reason, "secret"));
	assert_true(trigger.time_ns - asking.start_ns >= 100 * MS);
	uint64_t failed = asking_status(&asking).failed;
	WAIT_FOR(asking_status(&asking).failed > failed + SOME_MORE);
	assert_no_trigger(&asking);
	assert_int_equal(asking_status(&asking).fired, 1);
	asking_stop(&asking);
}

/* A question that hangs fires before it ends, and stopping does not wait for it. */
void assert_hang_fires(enum probe_kind kind, const char *what, const char *source)
{
	struct asking asking = asking_start(kind, what, 50 * MS, 200 * MS);
	struct trigger trigger = asking_take(&asking);

	assert_says(&trigger, source, "slower than 50 ms");
	assert_says(&trigger, source, ": no answer for ");
	assert_true(trigger.time_ns - asking.start_ns >= 200 * MS);
	struct probe_status status = asking_status(&asking);
	assert_int_equal(status.asked, 1);
	assert_int_equal(status.failed, 0);
	assert_true(status.last_ns >= 200 * MS);
	uint64_t stop_ns = clock_now_ns();
	asking_stop(&asking);
	assert_true(clock_now_ns() - stop_ns < (DEADLINE_MS - 1000) * MS);
}
