/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "tests/unit/support/fake_recorder.h"
#include "recorder/base/exit_status.h"
#include "tests/unit/support/unit_test.h"
#include "recorder/cli/command.h"

static struct control_request last;

static void accept_trigger(struct control *control, const struct control_request *request)
{
	last = *request;
	control_answer_trigger(control, request->client, 42,
			       request->wait ? "/var/tmp/a dir/20260203T110433Z-socket.dat" : NULL);
}

static void refuse_trigger(struct control *control, const struct control_request *request)
{
	control_answer_error(control, request->client, "/var/tmp: No space left on device");
}

static void answer_nonsense(struct control *control, const struct control_request *request)
{
	control_answer(control, request->client, "HTTP/1.1 400 Bad Request");
}

static void turn_away(struct control *control, const struct control_request *request)
{
	control_answer(control, request->client, CONTROL_NOT_PERMITTED);
}

#define RUN(answer, result, ...)                                                              \
	fake_recorder_run(cmd_trigger, (const char *const[]){ "trigger", __VA_ARGS__, NULL }, \
			  answer, result)

static void trigger_says_that_it_was_accepted(void **state)
{
	struct command_result result;

	RUN(accept_trigger, &result, "--reason", "redis \"slow\"\n\xc3\xa4");
	assert_string_equal(result.output, "trigger 42 accepted\n");
	assert_string_equal(result.error, "");
	assert_int_equal(result.status, EXIT_DONE);
	assert_int_equal(last.what, CONTROL_TRIGGER);
	assert_false(last.wait);
	assert_string_equal(last.reason, "redis \"slow\" \xc3\xa4");
	(void)state;
}

static void trigger_waits_and_prints_the_file(void **state)
{
	struct command_result result;

	RUN(accept_trigger, &result, "-w");
	assert_string_equal(result.output, "/var/tmp/a dir/20260203T110433Z-socket.dat\n");
	assert_int_equal(result.status, EXIT_DONE);
	assert_true(last.wait);
	assert_non_null(strstr(last.reason, "asked for by process"));
	(void)state;
}

static void trigger_takes_a_reason_of_any_length_and_bytes(void **state)
{
	char reason[20000];
	struct command_result result;

	memset(reason, 1, sizeof(reason)); /* six bytes each in JSON */
	reason[0] = 'x';
	reason[sizeof(reason) - 1] = '\0';
	RUN(accept_trigger, &result, "-r", reason);
	assert_int_equal(result.status, EXIT_DONE);
	assert_int_equal(strlen(last.reason), 255);
	RUN(accept_trigger, &result, "-r", "no \xff UTF-8");
	assert_int_equal(result.status, EXIT_DONE);
	assert_string_equal(last.reason, "no ? UTF-8");
	(void)state;
}

static void trigger_says_how_to_arm_where_nobody_is_armed(void **state)
{
	struct command_result result;

	fake_recorder_disarm();
	RUN(NULL, &result, "--wait");
	assert_int_equal(result.status, EXIT_FAILED);
	assert_non_null(strstr(result.error, "no recorder is armed: start it with recorder arm"));
	assert_string_equal(result.output, "");
	(void)state;
}

static void trigger_says_that_it_is_not_permitted(void **state)
{
	struct command_result result;

	RUN(turn_away, &result, "-w");
	assert_int_equal(result.status, EXIT_NOT_PERMITTED);
	assert_non_null(strstr(result.error, "not permitted"));
	assert_string_equal(result.output, "");
	(void)state;
}

static void trigger_gives_up_at_its_timeout(void **state)
{
	struct command_result result;

	RUN(NULL, &result, "--timeout=50ms");
	assert_int_equal(result.status, EXIT_FAILED);
	assert_non_null(strstr(result.error, "did not answer in time"));
	assert_string_equal(result.output, "");
	(void)state;
}

/* Accepts a trigger and is not done with it. */
static void go_on_capturing(struct control *control, const struct control_request *request)
{
	if (request->what == CONTROL_STATUS)
		control_answer(control, request->client,
			       "{\"capturing\":{\"file\":\"/var/tmp/a.dat\"}}");
}

static void trigger_that_gave_up_waiting_says_where_the_capture_will_be(void **state)
{
	struct command_result result;

	RUN(go_on_capturing, &result, "-w", "-t", "50ms");
	assert_int_equal(result.status, EXIT_FAILED);
	assert_non_null(strstr(result.error, "accepted, but"));
	assert_non_null(strstr(result.error, "/var/tmp/a.dat"));
	assert_string_equal(result.output, "");
	(void)state;
}

static void trigger_passes_the_recorders_reason_on(void **state)
{
	struct command_result result;

	RUN(refuse_trigger, &result, "-w");
	assert_int_equal(result.status, EXIT_FAILED);
	assert_non_null(strstr(result.error, "/var/tmp: No space left on device"));
	assert_string_equal(result.output, "");
	(void)state;
}

static void trigger_does_not_take_any_answer_for_success(void **state)
{
	struct command_result result;

	RUN(answer_nonsense, &result, "-w");
	assert_int_equal(result.status, EXIT_FAILED);
	assert_string_equal(result.output, "");
	(void)state;
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, fake_recorder_set_up, fake_recorder_tear_down)

UNIT_TESTS(cmd_trigger)
{
	const struct CMUnitTest tests[] = {
		TEST(trigger_says_that_it_was_accepted),
		TEST(trigger_waits_and_prints_the_file),
		TEST(trigger_takes_a_reason_of_any_length_and_bytes),
		TEST(trigger_says_how_to_arm_where_nobody_is_armed),
		TEST(trigger_says_that_it_is_not_permitted),
		TEST(trigger_gives_up_at_its_timeout),
		TEST(trigger_that_gave_up_waiting_says_where_the_capture_will_be),
		TEST(trigger_passes_the_recorders_reason_on),
		TEST(trigger_does_not_take_any_answer_for_success),
	};
	return run_unit_tests(tests, NULL, NULL);
}
