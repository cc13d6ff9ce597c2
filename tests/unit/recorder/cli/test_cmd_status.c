/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/fake_recorder.h"
#include "recorder/arm/status.h"
#include "recorder/base/exit_status.h"
#include "tests/unit/support/unit_test.h"
#include "recorder/cli/command.h"

#define SECOND_NS 1000000000ull

static struct status armed;
static const char *nonsense;

static void answer_status(struct control *control, const struct control_request *request)
{
	assert_int_equal(request->what, CONTROL_STATUS);
	char *line = nonsense ? strdup(nonsense) : status_to_json(&armed);
	assert_non_null(line);
	control_answer(control, request->client, line);
	free(line);
}

static int set_up(void **state)
{
	armed = (struct status){
		.pid = 4711,
		.tier = "tracepoint",
		.target = "feeddb (4242)",
		.armed_since_ns = 1770116673 * (int64_t)SECOND_NS,
		.uptime_ns = 4 * 3600 * SECOND_NS + 720 * SECOND_NS,
		.history_ns = 93200 * 1000000ull,
		.ring = { .path = "/run/freezetrap/ring",
			  .bytes = 64 << 20,
			  .slots = 412,
			  .fill_percent = 100 },
		.events = 123456789,
		.events_per_s = 12034.4,
		.recorder = { .cpu_ns = 61 * SECOND_NS,
			      .cpu_share_percent = 0.4,
			      .delay_max_ns = 310000,
			      .rss_bytes = 96 << 20 },
		.governor = { .step = "sampled",
			      .since_ns = 180 * SECOND_NS,
			      .steps_taken = 1 },
		.stacks = { .kept = 31, .watched = 1 },
		.triggers = { .seen = 4, .captured = 2, .joined = 1, .suppressed = 1 },
	};
	nonsense = NULL;
	return fake_recorder_set_up(state);
}

#define RUN(result, ...)                                                              \
	fake_recorder_run(cmd_status, (const char *const[]){ "status", __VA_ARGS__ }, \
			  answer_status, result)

static void status_is_drawn_for_people(void **state)
{
	struct command_result result;

	armed.capturing.file = "/var/tmp/b.dat";
	armed.capturing.reason = "memory: some 150 ms in 1 s";
	armed.capturing.since_ns = 3200 * 1000000ull;
	armed.captures[0].file = "/var/tmp/a.dat";
	armed.captures[0].reason = "tcp 127.0.0.1:6379 slower than 200 ms for 2.0 s";
	armed.captures[0].bytes = 12688821;
	armed.captures[0].at_ns = 1770116699 * (int64_t)SECOND_NS;
	armed.capture_count = 1;
	armed.probes[0].what = "tcp 127.0.0.1:6379";
	armed.probes[0].asked = 1234;
	armed.probes[0].answered = 1232;
	armed.probes[0].failed = 3;
	armed.probes[0].fired = 1;
	armed.probes[0].last_ns = 412000;
	armed.probes[1].what = "redis-cli ping";
	armed.probes[1].last_ns = 7 * SECOND_NS;
	armed.probes[1].stuck = true;
	armed.probe_count = 2;
	RUN(&result, NULL);
	assert_string_equal(
		result.output,
		"recorder    4711, version " PACKAGE_VERSION
		", armed for 4 h 12 min, since 2026-02-03T11:04:33Z\n"
		"target      feeddb (4242)\n"
		"tier        tracepoint\n"
		"history     93.2 s in /run/freezetrap/ring: 64.0 MiB, 412 slots, 100 % full\n"
		"events      12034 a second, 123456789 in all, none lost\n"
		"own cost    0.40 % of a CPU (61.0 s), 96.0 MiB of memory, run delay <= 0.31 ms\n"
		"governor    sampled for 180.0 s; 1 step taken\n"
		"stacks      of uninterruptible waits and of long ones (31 read),\n"
		"            and of one in 17 of the others; 1 waiter for kernel locks watched\n"
		"triggers    4 seen, 2 captured, 1 joined to those, 1 suppressed\n"
		"capturing   for 3.2 s: /var/tmp/b.dat\n"
		"              memory: some 150 ms in 1 s\n"
		"captures    newest first\n"
		"            2026-02-03T11:04:59Z   12.1 MiB  /var/tmp/a.dat\n"
		"              tcp 127.0.0.1:6379 slower than 200 ms for 2.0 s\n"
		"probes\n"
		"            tcp 127.0.0.1:6379: 1234 asked, 3 failed, fired 1 time, last answer "
		"0.412 ms\n"
		"            redis-cli ping: 0 asked, 0 failed, fired 0 times, STUCK for 7.0 s\n");
	assert_string_equal(result.error, "");
	assert_int_equal(result.status, EXIT_DONE);
	(void)state;
}

static void status_says_that_a_probe_was_never_answered(void **state)
{
	struct command_result result;

	armed.probes[0].what = "tcp 127.0.0.1:1";
	armed.probes[0].asked = armed.probes[0].failed = 3;
	strcpy(armed.probes[0].last_why, "Connection refused");
	armed.probe_count = 1;
	RUN(&result, NULL);
	assert_non_null(strstr(result.output, "last failure: Connection refused\n"));
	assert_non_null(strstr(result.output, "NO GOOD ANSWER YET"));
	armed.probes[0].answered = 1;
	RUN(&result, NULL);
	assert_null(strstr(result.output, "NO GOOD ANSWER YET"));
	(void)state;
}

static void status_shows_the_capture_that_failed_last(void **state)
{
	struct command_result result;

	armed.triggers.failed = 2;
	armed.last_failure.file = "/var/tmp/a.dat";
	armed.last_failure.reason = "socket: by hand";
	armed.last_failure.error = "No space left on device: free some";
	RUN(&result, NULL);
	assert_non_null(strstr(result.output, "1 suppressed, 2 FAILED\n"));
	assert_non_null(strstr(result.output, "1970-01-01T00:00:00Z  /var/tmp/a.dat\n"
					      "              No space left on device: free some\n"
					      "              socket: by hand\n"));
	(void)state;
}

static void status_says_why_there_is_no_target(void **state)
{
	struct command_result result;

	armed.target = "not running";
	armed.target_missing = "no process is called 'feeddd'";
	RUN(&result, NULL);
	assert_non_null(
		strstr(result.output, "target      not running: no process is called 'feeddd'\n"));
	(void)state;
}

static void status_shows_losses(void **state)
{
	struct command_result result;

	armed.lost = 17;
	RUN(&result, NULL);
	assert_non_null(strstr(result.output, "17 LOST"));
	assert_null(strstr(result.output, "none lost"));
	assert_non_null(strstr(result.output, "captures    none yet\n"));
	(void)state;
}

static void status_keeps_control_characters_off_the_terminal(void **state)
{
	struct command_result result;

	armed.target = "a\x1b[2Jb\nc\x7f\xc2\x9b"
		       "d\xc3\xa4";
	RUN(&result, NULL);
	assert_non_null(strstr(result.output, "target      a?[2Jb?c??d\xc3\xa4\n"));
	(void)state;
}

static void status_hands_the_json_on_as_it_came(void **state)
{
	struct command_result result;
	char *line = status_to_json(&armed);

	RUN(&result, "--json", NULL);
	assert_int_equal(result.status, EXIT_DONE);
	size_t bytes = strlen(line);
	assert_memory_equal(result.output, line, bytes);
	assert_string_equal(result.output + bytes, "\n");
	free(line);
	(void)state;
}

static void status_survives_an_answer_with_nothing_in_it(void **state)
{
	struct command_result result;

	nonsense = "{\"schema\":\"freezetrap.status/1\",\"pid\":-5,\"ring\":[],\"captures\":[7],"
		   "\"probes\":{\"a\":1},\"target\":{}}";
	RUN(&result, NULL);
	assert_int_equal(result.status, EXIT_DONE);
	assert_non_null(strstr(result.output, "target      unknown\n"));
	(void)state;
}

static void status_refuses_what_is_no_status(void **state)
{
	static const char *const ANSWERS[] = { "[]", "{}", "x",
					       "{\"schema\":\"freezetrap.status/2\"}" };
	struct command_result result;

	for (size_t i = 0; i < sizeof(ANSWERS) / sizeof(ANSWERS[0]); i++) {
		nonsense = ANSWERS[i];
		RUN(&result, "--json", NULL);
		assert_int_equal(result.status, EXIT_FAILED);
		assert_string_equal(result.output, "");
		assert_non_null(strstr(result.error, "freezetrap.status/1"));
	}
	nonsense = CONTROL_NOT_PERMITTED;
	RUN(&result, NULL);
	assert_int_equal(result.status, EXIT_NOT_PERMITTED);
	(void)state;
}

static void status_says_how_to_arm_where_nobody_is_armed(void **state)
{
	struct command_result result;

	fake_recorder_disarm();
	RUN(&result, NULL);
	assert_int_equal(result.status, EXIT_FAILED);
	assert_non_null(strstr(result.error, "no recorder is armed: start it with recorder arm"));
	(void)state;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fake_recorder_tear_down)

UNIT_TESTS(cmd_status)
{
	const struct CMUnitTest tests[] = {
		TEST(status_is_drawn_for_people),
		TEST(status_says_why_there_is_no_target),
		TEST(status_says_that_a_probe_was_never_answered),
		TEST(status_shows_the_capture_that_failed_last),
		TEST(status_shows_losses),
		TEST(status_keeps_control_characters_off_the_terminal),
		TEST(status_hands_the_json_on_as_it_came),
		TEST(status_survives_an_answer_with_nothing_in_it),
		TEST(status_refuses_what_is_no_status),
		TEST(status_says_how_to_arm_where_nobody_is_armed),
	};
	return run_unit_tests(tests, NULL, NULL);
}
