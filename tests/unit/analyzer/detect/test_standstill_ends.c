/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole analyzer on made-up captures of threads that stood still: whose processes they are, and what ended it. Each
 * thread has a CPU of its own.
 */
#include <stdbool.h>
#include <string.h>

#include "analyzer/analysis.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define POLL                                                                                   \
	SLEEP "schedule_hrtimeout_range < ep_poll < do_epoll_wait < __x64_sys_epoll_wait < "   \
	      "do_syscall_64"
#define READ SLEEP "unix_stream_read_generic < unix_stream_recvmsg < sock_recvmsg < __x64_sys_recvfrom < do_syscall_64"
#define SEND "try_to_wake_up < sock_def_readable < unix_stream_sendmsg < __x64_sys_sendto < do_syscall_64"
#define TIMER "try_to_wake_up < hrtimer_wakeup < __hrtimer_run_queues < hrtimer_interrupt < asm_sysvec_apic_timer_interrupt"

static const struct ft_task one = { 100, 100, "one" }, two = { 200, 200, "two" },
			    keeper = { 300, 300, "keeper" };

static void fall_asleep(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
			const char *stack)
{
	scene_switch(scene, cpu, at_ns, task, FT_STATE_SLEEPING, stack, &scene_idle);
}

static void wake_up(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task)
{
	scene_switch(scene, cpu, at_ns, &scene_idle, FT_STATE_RUNNING, NULL, task);
}

static void time_out(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task)
{
	scene_waking(scene, cpu, at_ns, &scene_idle, TIMER, task);
	wake_up(scene, cpu, at_ns + US, task);
}

/* Processes one and two, on CPUs 0 and 1, wait in @wait from @from_ns on; keeper, on CPU 2, lets one go, and that one two. */
static void hand_round(struct scene *scene, const char *wait, const char *wake, uint64_t from_ns,
		       uint64_t until_ns)
{
	fall_asleep(scene, 0, from_ns, &one, wait);
	fall_asleep(scene, 1, from_ns, &two, wait);
	scene_waking(scene, 2, until_ns, &keeper, wake, &one);
	wake_up(scene, 0, until_ns + 10 * US, &one);
	scene_waking(scene, 0, until_ns + 100 * US, &one, wake, &two);
	wake_up(scene, 1, until_ns + 110 * US, &two);
}

static void hand_round_often(struct scene *scene, uint64_t from_ms, uint64_t to_ms)
{
	for (uint64_t at_ms = from_ms; at_ms < to_ms; at_ms += 10) {
		hand_round(scene, WAIT_FUTEX, WAKE, at_ms * MS, (at_ms + 1) * MS);
		fall_asleep(scene, 2, (at_ms + 5) * MS, &keeper, NANOSLEEP);
		time_out(scene, 2, (at_ms + 6) * MS, &keeper);
	}
}

static void processes_of_one_service_share_a_lock(void **state)
{
	struct scene *scene = scene_create(3);
	struct scene_result result;
	const struct model_finding *finding;

	(void)state;
	hand_round_often(scene, 10, 1000);
	fall_asleep(scene, 2, 1001 * MS, &keeper, NANOSLEEP);
	time_out(scene, 2, 3000 * MS, &keeper);
	hand_round(scene, WAIT_FUTEX, WAKE, 1000 * MS, 3001 * MS);
	hand_round_often(scene, 3010, 3300);
	result = scene_analyze(scene, "100,200,300", 3400 * MS);
	assert_int_equal(model_verdict(result.model), VERDICT_FROZEN);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_STANDSTILL);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(finding->victim_count, 2);
	assert_true(finding->has_culprit);
	assert_int_equal(finding->culprit.tid, 300);
	scene_done(&result, scene);
}

/* Three hand something round; once the keeper sleeps with it, and lets both others go itself. @peer_of: of so many rounds
 * it takes part in one. */
static void assert_round_stops(uint64_t peer_of, bool named)
{
	struct scene *scene = scene_create(3);
	struct scene_result result;
	const struct model_finding *finding;

	for (uint64_t at_ms = 10, i = 0; at_ms < 1000; at_ms += 10, i++) {
		fall_asleep(scene, 0, at_ms * MS, &one, WAIT_FUTEX);
		if (i % peer_of == 0)
			scene_waking(scene, 2, (at_ms + 1) * MS, &keeper, WAKE, &one);
		else
			scene_waking(scene, 1, (at_ms + 1) * MS, &two, WAKE, &one);
		wake_up(scene, 0, (at_ms + 1) * MS + US, &one);
		fall_asleep(scene, 1, (at_ms + 2) * MS, &two, WAIT_FUTEX);
		scene_waking(scene, 0, (at_ms + 3) * MS, &one, WAKE, &two);
		wake_up(scene, 1, (at_ms + 3) * MS + US, &two);
	}
	fall_asleep(scene, 0, 1000 * MS, &one, WAIT_FUTEX);
	fall_asleep(scene, 1, 1000 * MS, &two, WAIT_FUTEX);
	fall_asleep(scene, 2, 1001 * MS, &keeper, NANOSLEEP);
	time_out(scene, 2, 3000 * MS, &keeper);
	scene_waking(scene, 2, 3000 * MS + 10 * US, &keeper, WAKE, &one);
	wake_up(scene, 0, 3000 * MS + 20 * US, &one);
	scene_waking(scene, 2, 3000 * MS + 30 * US, &keeper, WAKE, &two);
	wake_up(scene, 1, 3000 * MS + 40 * US, &two);
	result = scene_analyze(scene, "100,200,300", 3400 * MS);
	assert_int_equal(model_verdict(result.model), VERDICT_FROZEN);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, named ? FINDING_STANDSTILL : FINDING_LOST_WAKEUP);
	assert_int_equal(finding->has_culprit, named);
	scene_done(&result, scene);
}

/* STILL_PEER_PERCENT of the wakings are by it, or a little less. */
static void peer_that_slept_is_named_and_a_watchdog_is_not(void **state)
{
	(void)state;
	assert_round_stops(9, true);
	assert_round_stops(11, false);
}

/* Who waits with a time limit, again and again, did not poll where a thread woke it at last. That one slept, too, in a
 * wait that its time limit ended. */
static void time_limits_do_not_hide_who_was_waited_for(void **state)
{
	struct scene *scene = scene_create(3);
	struct scene_result result;
	const struct model_finding *finding;

	(void)state;
	hand_round_often(scene, 10, 1000);
	fall_asleep(scene, 2, 1001 * MS, &keeper, POLL);
	fall_asleep(scene, 0, 1000 * MS, &one, WAIT_FUTEX);
	fall_asleep(scene, 1, 1000 * MS, &two, WAIT_FUTEX);
	time_out(scene, 0, 2000 * MS, &one);
	time_out(scene, 1, 2000 * MS, &two);
	time_out(scene, 2, 3000 * MS, &keeper);
	hand_round(scene, WAIT_FUTEX, WAKE, 2000 * MS + 50 * US, 3001 * MS);
	hand_round_often(scene, 3010, 3300);
	/* It waits as long for orders, which is no sleep of its own choice. */
	fall_asleep(scene, 2, 3310 * MS, &keeper, POLL);
	scene_waking(scene, 0, 5000 * MS, &one, SEND, &keeper);
	wake_up(scene, 2, 5001 * MS, &keeper);
	result = scene_analyze(scene, "100,200,300", 5100 * MS);
	assert_int_equal(model_verdict(result.model), VERDICT_FROZEN);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_STANDSTILL);
	assert_true(finding->has_culprit);
	assert_int_equal(finding->culprit.tid, 300);
	scene_done(&result, scene);
}

/* Two threads rest a few milliseconds at a time, and then for long. */
static void long_sleep_after_short_ones_is_no_polling(void **state)
{
	struct scene *scene = scene_create(3);
	struct scene_result result;

	(void)state;
	for (uint64_t at_ms = 10; at_ms < 1000; at_ms += 5)
		for (uint32_t cpu = 0; cpu < 2; cpu++) {
			fall_asleep(scene, cpu, at_ms * MS, cpu ? &two : &one, NANOSLEEP);
			time_out(scene, cpu, (at_ms + 4) * MS, cpu ? &two : &one);
		}
	for (uint32_t cpu = 0; cpu < 2; cpu++) {
		fall_asleep(scene, cpu, 1000 * MS, cpu ? &two : &one, NANOSLEEP);
		time_out(scene, cpu, 3000 * MS, cpu ? &two : &one);
		fall_asleep(scene, cpu, 3001 * MS, cpu ? &two : &one, NANOSLEEP);
		time_out(scene, cpu, 3005 * MS, cpu ? &two : &one);
		fall_asleep(scene, cpu, 3200 * MS, cpu ? &two : &one, NANOSLEEP);
	}
	result = scene_analyze(scene, "100,200", 3300 * MS);
	assert_int_equal(model_verdict(result.model), VERDICT_NO_STALL);
	scene_done(&result, scene);
}

static const struct ft_task server = { 100, 100, "server" }, helper = { 101, 100, "helper" },
			    recorder = { 900, 900, "recorder" }, clients[2] = { { 500, 500, "client0" }, { 501, 500, "client1" } };

/* Clients, on CPUs 2 and 3, ask at @at_ns; the server, on CPU 0, answers at @answer_ns. */
static void ask_server(struct scene *scene, uint64_t at_ns, uint64_t answer_ns)
{
	for (uint32_t i = 0; i < 2; i++) {
		if (!i) {
			scene_waking(scene, 2, at_ns, &clients[0], SEND, &server);
			wake_up(scene, 0, at_ns + US, &server);
		}
		fall_asleep(scene, 2 + i, at_ns + 10 * US, &clients[i], READ);
	}
	for (uint32_t i = 0; i < 2; i++) {
		scene_waking(scene, 0, answer_ns + i * 10 * US, &server, SEND, &clients[i]);
		wake_up(scene, 2 + i, answer_ns + (i + 1) * 10 * US, &clients[i]);
	}
	fall_asleep(scene, 0, answer_ns + 50 * US, &server, POLL);
}

static void ask_often(struct scene *scene, uint64_t from_ms, uint64_t to_ms)
{
	for (uint64_t at_ms = from_ms; at_ms < to_ms; at_ms += 5)
		ask_server(scene, at_ms * MS, at_ms * MS + 200 * US);
}

/* A thread of its own, which it keeps for itself, is not among those who wait for an answer; nor is the recorder. */
static void server_that_computes_keeps_its_clients_waiting(void **state)
{
	struct scene *scene = scene_create(5);
	struct scene_result result;
	const struct model_finding *finding;

	(void)state;
	scene_recorder(scene, recorder.tgid);
	for (uint64_t at_ms = 10; at_ms < 900; at_ms += 20) {
		fall_asleep(scene, 4, at_ms * MS, &recorder, POLL);
		time_out(scene, 4, (at_ms + 10) * MS, &recorder);
	}
	fall_asleep(scene, 4, 900 * MS, &recorder, POLL);
	fall_asleep(scene, 0, 5 * MS, &server, POLL);
	ask_often(scene, 10, 1000);
	/* It wakes a helper while it computes, which is no answer to anybody. */
	scene_waking(scene, 2, 1000 * MS, &clients[0], SEND, &server);
	wake_up(scene, 0, 1000 * MS + US, &server);
	fall_asleep(scene, 2, 1000 * MS + 10 * US, &clients[0], READ);
	fall_asleep(scene, 3, 1000 * MS + 10 * US, &clients[1], READ);
	fall_asleep(scene, 1, 5 * MS, &helper, WAIT_FUTEX);
	for (uint64_t at_ms = 1100; at_ms < 2900; at_ms += 100) {
		scene_sample(scene, 0, at_ms * MS, &server, " | compute < main");
		scene_waking(scene, 0, at_ms * MS + US, &server, WAKE, &helper);
		wake_up(scene, 1, at_ms * MS + 10 * US, &helper);
		fall_asleep(scene, 1, at_ms * MS + 20 * US, &helper, WAIT_FUTEX);
	}
	scene_waking(scene, 0, 3000 * MS - US, &server, SEND, &recorder);
	wake_up(scene, 4, 3000 * MS, &recorder);
	for (uint32_t i = 0; i < 2; i++) {
		scene_waking(scene, 0, 3000 * MS + i * 10 * US, &server, SEND, &clients[i]);
		wake_up(scene, 2 + i, 3000 * MS + (i + 1) * 10 * US, &clients[i]);
	}
	fall_asleep(scene, 0, 3001 * MS, &server, POLL);
	ask_often(scene, 3010, 3300);
	result = scene_analyze(scene, "100", 3400 * MS);
	assert_int_equal(model_verdict(result.model), VERDICT_FROZEN);
	finding = &result.model->findings[0];
	assert_int_equal(finding->kind, FINDING_BUSY_THREAD);
	assert_int_equal(finding->culprit.tid, 100);
	assert_int_equal(finding->victim_count, 2);
	scene_done(&result, scene);
}

/* The server asks the keeper, on CPU 1, for each answer. */
static void ask_through_server(struct scene *scene, uint64_t at_ns, uint64_t answer_ns)
{
	fall_asleep(scene, 2, at_ns, &clients[0], READ);
	fall_asleep(scene, 3, at_ns, &clients[1], READ);
	scene_waking(scene, 1, answer_ns, &keeper, SEND, &server);
	wake_up(scene, 0, answer_ns + US, &server);
	for (uint32_t i = 0; i < 2; i++) {
		scene_waking(scene, 0, answer_ns + (i + 1) * 10 * US, &server, SEND, &clients[i]);
		wake_up(scene, 2 + i, answer_ns + (i + 2) * 10 * US, &clients[i]);
	}
	fall_asleep(scene, 0, answer_ns + 50 * US, &server, POLL);
}

static void server_that_waits_for_another_may_owe_an_answer(void **state)
{
	struct scene *scene = scene_create(4);
	struct scene_result result;
	const struct model_finding *finding;

	(void)state;
	fall_asleep(scene, 0, 5 * MS, &server, POLL);
	for (uint64_t at_ms = 10; at_ms < 1000; at_ms += 5)
		ask_through_server(scene, at_ms * MS, at_ms * MS + 200 * US);
	fall_asleep(scene, 1, 1001 * MS, &keeper, NANOSLEEP);
	time_out(scene, 1, 2999 * MS, &keeper);
	ask_through_server(scene, 1000 * MS, 3000 * MS);
	for (uint64_t at_ms = 3010; at_ms < 3300; at_ms += 5)
		ask_through_server(scene, at_ms * MS, at_ms * MS + 200 * US);
	result = scene_analyze(scene, "100", 3400 * MS);
	assert_int_equal(model_verdict(result.model), VERDICT_NOT_SURE);
	finding = &result.model->findings[0];
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(finding->culprit.tid, 300);
	assert_int_equal(finding->victim_count, 2);
	scene_done(&result, scene);
}

UNIT_TESTS(standstill_ends)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes_of_one_service_share_a_lock),
		cmocka_unit_test(peer_that_slept_is_named_and_a_watchdog_is_not),
		cmocka_unit_test(time_limits_do_not_hide_who_was_waited_for),
		cmocka_unit_test(long_sleep_after_short_ones_is_no_polling),
		cmocka_unit_test(server_that_computes_keeps_its_clients_waiting),
		cmocka_unit_test(server_that_waits_for_another_may_owe_an_answer),
	};

	return run_unit_tests(tests, NULL, NULL);
}
