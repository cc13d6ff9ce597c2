/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/base/clock.h"
#include "recorder/arm/trigger_dispatch.h"
#include "tests/unit/support/unit_test.h"

#define HOUR_NS 3600000000000ull

/* Incidents and the control socket are played. */
struct triggered_capture {
	struct trigger trigger;
	bool sealing, over, cut;
	int error;
	unsigned int extended;
};

static struct {
	struct triggered_capture incident;
	unsigned int started;
	int start_error;
	char answers[8][128]; /* "client: answer", in the order they came */
	size_t answer_count;
	char after[128];
	uint64_t after_end_ns; /* 0: not told */
	bool capture_hook_busy;
	const char *removes; /* the next capture that ends */
} scene;

int __wrap_triggered_capture_start(const struct triggered_capture_options *options, const struct trigger *trigger,
			  struct triggered_capture **ret_incident);
int __wrap_triggered_capture_start(const struct triggered_capture_options *options, const struct trigger *trigger,
			  struct triggered_capture **ret_incident)
{
	(void)options;
	if (scene.start_error)
		return scene.start_error;
	scene.incident = (struct triggered_capture){ .trigger = *trigger };
	scene.started++;
	*ret_incident = &scene.incident;
	return 0;
}

bool __wrap_triggered_capture_extend(struct triggered_capture *incident, const struct trigger *trigger);
bool __wrap_triggered_capture_extend(struct triggered_capture *incident, const struct trigger *trigger)
{
	(void)trigger;
	incident->extended += !incident->sealing;
	return !incident->sealing;
}

void __wrap_triggered_capture_cut(struct triggered_capture *incident);
void __wrap_triggered_capture_cut(struct triggered_capture *incident)
{
	incident->cut = true;
}

bool __wrap_triggered_capture_over(struct triggered_capture *incident);
bool __wrap_triggered_capture_over(struct triggered_capture *incident)
{
	return incident->over;
}

void __wrap_triggered_capture_finish(struct triggered_capture *incident, struct triggered_capture_result *ret_result);
void __wrap_triggered_capture_finish(struct triggered_capture *incident, struct triggered_capture_result *ret_result)
{
	*ret_result =
		(struct triggered_capture_result){ .error = incident->error, .whole = !incident->error };
	snprintf(ret_result->name, sizeof(ret_result->name), "%.60s.dat", incident->trigger.reason);
	if (scene.removes)
		snprintf(ret_result->removed.names[ret_result->removed.count++], CAPTURE_NAME_BYTES,
			 "%s", scene.removes);
}

void __wrap_triggered_capture_name(struct triggered_capture *incident, char ret_name[CAPTURE_NAME_BYTES]);
void __wrap_triggered_capture_name(struct triggered_capture *incident, char ret_name[CAPTURE_NAME_BYTES])
{
	snprintf(ret_name, CAPTURE_NAME_BYTES, "%.60s.dat", incident->trigger.reason);
}

const struct trigger *__wrap_triggered_capture_trigger(const struct triggered_capture *incident);
const struct trigger *__wrap_triggered_capture_trigger(const struct triggered_capture *incident)
{
	return &incident->trigger;
}

static void note_answer(int client, const char *text)
{
	assert_true(scene.answer_count < 8);
	snprintf(scene.answers[scene.answer_count++], sizeof(scene.answers[0]), "%d: %s", client,
		 text);
}

void __wrap_control_answer_trigger(struct control *control, int client, uint64_t number,
				   const char *file);
void __wrap_control_answer_trigger(struct control *control, int client, uint64_t number,
				   const char *file)
{
	(void)control;
	(void)number;
	note_answer(client, file ? file : "accepted");
}

void __wrap_control_answer_error(struct control *control, int client, const char *text);
void __wrap_control_answer_error(struct control *control, int client, const char *text)
{
	(void)control;
	note_answer(client, text);
}

void __wrap_capture_hook_run(struct capture_hook *after, const char *file, const char *source,
		      const char *reason);
void __wrap_capture_hook_run(struct capture_hook *after, const char *file, const char *source, const char *reason)
{
	(void)after;
	snprintf(scene.after, sizeof(scene.after), "%s %s %s", file, source, reason);
}

void __wrap_capture_hook_end(struct capture_hook *after, uint64_t end_ns);
void __wrap_capture_hook_end(struct capture_hook *after, uint64_t end_ns)
{
	(void)after;
	assert_string_equal(scene.after, ""); /* the last one is to know how long it has */
	scene.after_end_ns = end_ns;
}

bool __wrap_capture_hook_busy(const struct capture_hook *after);
bool __wrap_capture_hook_busy(const struct capture_hook *after)
{
	(void)after;
	return scene.capture_hook_busy;
}

struct fixture {
	struct trigger_queue *triggers;
	struct trigger_dispatch *dispatch;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	memset(&scene, 0, sizeof(scene));
	*state = &fixture;
	if (trigger_queue_create(&fixture.triggers))
		return -1;
	const struct trigger_dispatch_options options = { .triggers = fixture.triggers,
						  .hook = (struct capture_hook *)&scene,
						  .dir = "/captures",
						  .cooldown_ns = HOUR_NS,
						  .quiet = true };
	return trigger_dispatch_create(&options, &fixture.dispatch);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	trigger_dispatch_destroy(fixture->dispatch);
	trigger_queue_destroy(fixture->triggers);
	return 0;
}

/* Post it and have it dispatched. */
static void fire_trigger(struct fixture *fixture, const char *source, const char *reason)
{
	struct trigger trigger;
	assert_true(trigger_queue_post(fixture->triggers, source, 0, "%s", reason));
	while (trigger_queue_take(fixture->triggers, &trigger))
		trigger_dispatch_trigger(fixture->dispatch, &trigger);
}

static void ask_trigger(struct fixture *fixture, int client, const char *reason, bool wait)
{
	struct control_request request = { .what = CONTROL_TRIGGER,
					   .wait = wait,
					   .client = client };
	struct trigger trigger;
	snprintf(request.reason, sizeof(request.reason), "%s", reason);
	trigger_dispatch_request(fixture->dispatch, &request);
	while (trigger_queue_take(fixture->triggers, &trigger))
		trigger_dispatch_trigger(fixture->dispatch, &trigger);
}

static void end_capture(struct fixture *fixture)
{
	scene.incident.over = true;
	trigger_dispatch_look(fixture->dispatch);
}

static struct status status_of(struct fixture *fixture)
{
	struct status status = { .pid = 1 };
	trigger_dispatch_status(fixture->dispatch, &status);
	return status;
}

static void trigger_becomes_a_capture_and_the_command_runs(void **state)
{
	struct fixture *fixture = *state;
	fire_trigger(fixture, "psi", "memory");
	assert_int_equal(scene.started, 1);
	assert_true(trigger_dispatch_busy(fixture->dispatch));
	assert_string_equal(status_of(fixture).capturing.file, "/captures/memory.dat");
	trigger_dispatch_look(fixture->dispatch); /* not over yet */
	assert_true(trigger_dispatch_busy(fixture->dispatch));
	end_capture(fixture);
	assert_false(trigger_dispatch_busy(fixture->dispatch));
	assert_string_equal(scene.after, "/captures/memory.dat psi memory");
	struct status status = status_of(fixture);
	assert_null(status.capturing.file);
	assert_int_equal(status.capture_count, 1);
	assert_string_equal(status.captures[0].file, "/captures/memory.dat");
}

static void trigger_during_a_capture_extends_it(void **state)
{
	struct fixture *fixture = *state;
	fire_trigger(fixture, "psi", "memory");
	fire_trigger(fixture, "probe-tcp", "slow");
	assert_int_equal(scene.started, 1);
	assert_int_equal(scene.incident.extended, 1);
	assert_int_equal(status_of(fixture).triggers.joined, 1);
	end_capture(fixture);
	assert_false(trigger_dispatch_busy(fixture->dispatch));
}

static void triggers_during_sealing_become_one_more_capture(void **state)
{
	struct fixture *fixture = *state;
	fire_trigger(fixture, "psi", "first");
	scene.incident.sealing = true;
	fire_trigger(fixture, "psi", "second");
	fire_trigger(fixture, "psi", "third");
	assert_int_equal(scene.started, 1);
	end_capture(fixture);
	assert_int_equal(scene.started, 2);
	assert_string_equal(scene.incident.trigger.reason, "second");
	end_capture(fixture);
	assert_int_equal(scene.started, 2);
	assert_int_equal(status_of(fixture).triggers.seen, 3);
	assert_int_equal(status_of(fixture).triggers.captured, 2);
	assert_int_equal(status_of(fixture).triggers.joined, 1);
}

static void trigger_soon_after_a_capture_is_counted_and_nothing_more(void **state)
{
	struct fixture *fixture = *state;
	fire_trigger(fixture, "psi", "first");
	end_capture(fixture);
	fire_trigger(fixture, "psi", "again");
	assert_false(trigger_dispatch_busy(fixture->dispatch));
	assert_int_equal(status_of(fixture).triggers.suppressed, 1);
}

static void who_asks_for_a_capture_gets_one_at_any_time(void **state)
{
	struct fixture *fixture = *state;
	fire_trigger(fixture, "psi", "first");
	end_capture(fixture);
	fire_trigger(fixture, "signal", "SIGUSR2");
	assert_int_equal(scene.started, 2);
	end_capture(fixture);
	ask_trigger(fixture, 7, "by hand", false);
	assert_int_equal(scene.started, 3);
	assert_string_equal(scene.answers[0], "7: accepted");
	assert_int_equal(status_of(fixture).triggers.suppressed, 0);
}

static void who_waits_is_told_the_capture_that_holds_his_trigger(void **state)
{
	struct fixture *fixture = *state;
	ask_trigger(fixture, 1, "first", true);
	ask_trigger(fixture, 2, "covered", true);
	scene.incident.sealing = true;
	ask_trigger(fixture, 3, "next", true);
	ask_trigger(fixture, 4, "after-next", true);
	assert_int_equal(scene.answer_count, 0);
	end_capture(fixture);
	assert_int_equal(scene.answer_count, 2);
	assert_string_equal(scene.answers[0], "1: /captures/first.dat");
	assert_string_equal(scene.answers[1], "2: /captures/first.dat");
	end_capture(fixture);
	assert_int_equal(scene.answer_count, 4);
	assert_string_equal(scene.answers[2], "3: /captures/next.dat");
	assert_string_equal(scene.answers[3], "4: /captures/next.dat");
}

static void who_waits_is_told_of_a_failure(void **state)
{
	struct fixture *fixture = *state;
	ask_trigger(fixture, 1, "first", true);
	scene.incident.error = -EROFS;
	end_capture(fixture);
	assert_string_equal(scene.answers[0], "1: Read-only file system");
	assert_string_equal(scene.after, "");
	scene.start_error = -ENOMEM;
	ask_trigger(fixture, 2, "second", true);
	assert_string_equal(scene.answers[1], "2: Cannot allocate memory");
	assert_false(trigger_dispatch_busy(fixture->dispatch));
}

static void failure_is_counted_and_a_full_disk_has_advice(void **state)
{
	struct fixture *fixture = *state;
	ask_trigger(fixture, 1, "first", true);
	scene.incident.error = -ENOSPC;
	end_capture(fixture);
	assert_non_null(strstr(scene.answers[0], "1: No space left on device: free some in"));
	struct status status = status_of(fixture);
	assert_int_equal(status.triggers.failed, 1);
	assert_int_equal(status.triggers.captured, 0);
	assert_string_equal(status.last_failure.file, "/captures/first.dat");
	assert_string_equal(status.last_failure.reason, "socket: first");
	assert_non_null(strstr(status.last_failure.error, "No space left on device"));
	assert_true(status.last_failure.at_ns > 0);
}

static void capture_that_made_room_for_a_later_one_is_listed_no_more(void **state)
{
	struct fixture *fixture = *state;
	fire_trigger(fixture, "signal", "first");
	end_capture(fixture);
	fire_trigger(fixture, "signal", "second");
	end_capture(fixture);
	fire_trigger(fixture, "signal", "third");
	scene.removes = "first.dat";
	end_capture(fixture);
	struct status status = status_of(fixture);
	assert_int_equal(status.capture_count, 2);
	assert_string_equal(status.captures[0].file, "/captures/third.dat");
	assert_string_equal(status.captures[1].file, "/captures/second.dat");
	assert_int_equal(status.triggers.captured, 3);
}

static void ending_cuts_the_capture_and_takes_no_more(void **state)
{
	struct fixture *fixture = *state;
	ask_trigger(fixture, 1, "first", true);
	scene.incident.sealing = true;
	ask_trigger(fixture, 2, "next", true);
	trigger_dispatch_end(fixture->dispatch);
	assert_true(scene.incident.cut);
	assert_int_equal(scene.after_end_ns, 0);
	assert_string_equal(scene.answers[0], "2: the recorder is ending");
	ask_trigger(fixture, 3, "late", true);
	assert_string_equal(scene.answers[1], "3: the recorder is ending");
	scene.capture_hook_busy = true;
	end_capture(fixture);
	assert_string_equal(scene.answers[2], "1: /captures/first.dat");
	assert_int_equal(scene.started, 1);
	/* The command too, for which there is some time. */
	assert_string_equal(scene.after, "/captures/first.dat socket first");
	assert_true(scene.after_end_ns > clock_now_ns());
	assert_true(trigger_dispatch_busy(fixture->dispatch));
	scene.capture_hook_busy = false;
	assert_false(trigger_dispatch_busy(fixture->dispatch));
}

static void ending_leaves_some_time_to_commands_that_run(void **state)
{
	struct fixture *fixture = *state;
	scene.capture_hook_busy = true;
	assert_false(trigger_dispatch_busy(fixture->dispatch));
	trigger_dispatch_end(fixture->dispatch);
	assert_true(scene.after_end_ns > clock_now_ns());
	assert_true(trigger_dispatch_busy(fixture->dispatch));
}

static void status_has_the_last_captures_newest_first(void **state)
{
	struct fixture *fixture = *state;
	char reason[16];
	for (int i = 0; i < STATUS_CAPTURES_MAX + 3; i++) {
		snprintf(reason, sizeof(reason), "n%d", i);
		fire_trigger(fixture, "signal", reason);
		end_capture(fixture);
	}
	struct status status = status_of(fixture);
	assert_int_equal(status.capture_count, STATUS_CAPTURES_MAX);
	assert_string_equal(status.captures[0].file, "/captures/n10.dat");
	assert_string_equal(status.captures[STATUS_CAPTURES_MAX - 1].file, "/captures/n3.dat");
	assert_int_equal(status.triggers.captured, STATUS_CAPTURES_MAX + 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_TESTS(trigger_dispatch)
{
	const struct CMUnitTest tests[] = {
		TEST(trigger_becomes_a_capture_and_the_command_runs),
		TEST(trigger_during_a_capture_extends_it),
		TEST(triggers_during_sealing_become_one_more_capture),
		TEST(trigger_soon_after_a_capture_is_counted_and_nothing_more),
		TEST(who_asks_for_a_capture_gets_one_at_any_time),
		TEST(who_waits_is_told_the_capture_that_holds_his_trigger),
		TEST(who_waits_is_told_of_a_failure),
		TEST(failure_is_counted_and_a_full_disk_has_advice),
		TEST(capture_that_made_room_for_a_later_one_is_listed_no_more),
		TEST(ending_cuts_the_capture_and_takes_no_more),
		TEST(ending_leaves_some_time_to_commands_that_run),
		TEST(status_has_the_last_captures_newest_first),
	};
	return run_unit_tests(tests, NULL, NULL);
}
