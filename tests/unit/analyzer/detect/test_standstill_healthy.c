/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that stood still for want of work: nothing froze, or at most that is not certain. And captures that no
 * kernel wrote.
 */
#include <stdlib.h>

#include "analyzer/detect/thresholds.h"
#include "tests/unit/support/actors.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define POOL	4
#define STARTS	1000u
#define ENDS	2000u
#define JOINING WAIT_FUTEX " | __pthread_join < main"

static const struct actor feeder = { { 100, 100, "feeder" }, 0 };
static const struct actor client = { { 900, 900, "client" }, 0 };
static const struct actor extra = { { 110, 100, "extra" }, 5 };
static const struct actor pool[POOL] = {
	{ { 101, 100, "worker0" }, 1 },
	{ { 102, 100, "worker1" }, 2 },
	{ { 103, 100, "worker2" }, 3 },
	{ { 104, 100, "worker3" }, 4 },
};
static const struct round usual = { &feeder, pool, POOL, PIPE_READ };

static void assert_verdict(struct scene *scene, uint64_t end_ns, enum verdict worst)
{
	struct scene_result result = scene_analyze(scene, "100", end_ns);
	enum verdict verdict = model_verdict(result.model);

	if (verdict != VERDICT_NO_STALL && verdict != worst)
		fail_msg("%s, %s: %s", verdict_name(verdict),
			 finding_kind_name(result.model->findings[0].kind),
			 result.model->findings[0].summary);
	scene_done(&result, scene);
}

static void pool_without_requests_of_other_processes_is_idle(void **state)
{
	const struct round requests = { &client, pool, POOL, PIPE_READ };
	struct scene *scene = scene_create(6);

	(void)state;
	rounds_run(scene, &requests, 10, STARTS, 10);
	rounds_run(scene, &requests, ENDS, ENDS + 200, 10);
	assert_verdict(scene, (ENDS + 300) * MS, VERDICT_NO_STALL);
}

/*
 * A request goes through the stages of a pipeline, each of which wakes the next; @sender sends it,
 * or a packet comes.
 */
static void pass_request(struct scene *scene, const struct actor *sender, uint64_t at_ns)
{
	if (sender) {
		actor_interrupted(scene, sender, at_ns - 10 * US, PACKET_COMES);
		actor_wakes(scene, sender, at_ns, FILLS_PIPE, &extra);
		actor_waits(scene, sender, at_ns + US, EPOLL);
	} else {
		actor_interrupted(scene, &extra, at_ns, PACKET_COMES);
	}
	for (size_t i = 0; i < POOL; i++) {
		const struct actor *stage = i ? &pool[i - 1] : &extra;

		at_ns += ACTOR_STEP_NS;
		actor_wakes(scene, stage, at_ns, FILLS_PIPE, &pool[i]);
		actor_waits(scene, stage, at_ns + 20 * US, i ? PIPE_READ : EPOLL);
	}
	actor_waits(scene, &pool[POOL - 1], at_ns + ACTOR_STEP_NS, PIPE_READ);
}

static void pipeline_without_requests_is_idle(void **state)
{
	static const struct actor *const senders[] = { NULL, &client };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct scene *scene = scene_create(6);

		for (uint64_t at_ms = 10; at_ms < 2200; at_ms += 10)
			if (at_ms < STARTS || at_ms > ENDS)
				pass_request(scene, senders[i], at_ms * MS);
		assert_verdict(scene, 2300 * MS, VERDICT_NO_STALL);
	}
}

/* A batch each 600 ms: a round each 10 ms for 100 ms, then it sleeps, and with it all of the pool. */
static void run_batches(struct scene *scene, size_t count)
{
	for (size_t batch = 0; batch < count; batch++) {
		uint64_t from_ms = 10 + batch * 600;

		for (uint64_t at_ms = from_ms; at_ms < from_ms + 100; at_ms += 10) {
			actor_interrupted(scene, &feeder, at_ms * MS - 10 * US, TIMER_FIRES);
			for (size_t i = 0; i < POOL; i++) {
				uint64_t at_ns = at_ms * MS + i * ACTOR_STEP_NS;

				actor_wakes(scene, &feeder, at_ns, FILLS_PIPE, &pool[i]);
				actor_waits(scene, &pool[i], at_ns + ACTOR_RUN_NS, PIPE_READ);
			}
			actor_waits(scene, &feeder, at_ms * MS + MS, NANOSLEEP);
		}
	}
}

static void dispatcher_that_sleeps_between_batches_freezes_nobody(void **state)
{
	(void)state;
	for (size_t count = 2; count < 10; count++) {
		struct scene *scene = scene_create(6);

		run_batches(scene, count);
		assert_verdict(scene, (10 + count * 600 - 490) * MS,
			       count > 4 ? VERDICT_NO_STALL : VERDICT_NOT_SURE);
	}
}

/* The main thread waits for each of them, and what it does after that is not recorded. */
static void batch_job_that_ends_is_not_frozen(void **state)
{
	struct scene *scene = scene_create(6);

	(void)state;
	rounds_run(scene, &usual, 10, STARTS, 10);
	for (size_t i = 0; i < POOL; i++)
		actor_interrupted(scene, &pool[i], STARTS * MS, PACKET_COMES);
	actor_interrupted(scene, &feeder, STARTS * MS, PACKET_COMES);
	for (size_t i = 0; i < POOL; i++)
		actor_ends(scene, &pool[i], STARTS * MS + (i + 1) * 10 * MS);
	actor_waits(scene, &feeder, STARTS * MS + MS, JOINING);
	assert_verdict(scene, (STARTS + 3000) * MS, VERDICT_NOT_SURE);
}

/* As long as there was work, nobody ever waited for it. Then they all do, until the capture ends. */
static void batch_whose_queue_is_empty_at_last_is_not_frozen(void **state)
{
	const struct round last = { &feeder, pool, POOL, WAIT_FUTEX };
	struct scene *scene = scene_create(6);

	(void)state;
	rounds_run(scene, &usual, 10, STARTS, 10);
	round_runs(scene, &last, STARTS * MS);
	assert_verdict(scene, (STARTS + 3000) * MS, VERDICT_NOT_SURE);
}

/* ... unless somebody is known to have waited meanwhile. */
static void threads_that_stand_still_while_a_probe_waits_are_frozen(void **state)
{
	const struct round last = { &feeder, pool, POOL, WAIT_FUTEX };
	struct scene *scene = scene_create(6);
	struct scene_result result;

	(void)state;
	rounds_run(scene, &usual, 10, STARTS, 10);
	round_runs(scene, &last, STARTS * MS);
	scene_trigger(scene, "probe-tcp", "no answer for 2 s", (STARTS + 2500) * MS);
	result = scene_analyze(scene, "100", (STARTS + 3000) * MS);
	assert_int_equal(model_verdict(result.model), VERDICT_FROZEN);
	assert_int_equal(result.model->findings[0].kind, FINDING_STANDSTILL);
	assert_int_equal(result.model->findings[0].grade, GRADE_PLAUSIBLE);
	scene_done(&result, scene);
}

/* A pool that has less to do lets threads go; those that stay are not held up by that. */
static void pool_that_shrinks_is_not_frozen(void **state)
{
	struct scene *scene = scene_create(6);

	(void)state;
	actor_comes(scene, &extra, 5 * MS);
	actor_waits(scene, &extra, 6 * MS, PIPE_READ);
	rounds_run(scene, &usual, 10, STARTS, 10);
	actor_interrupted(scene, &extra, (STARTS - 100) * MS, TIMER_FIRES);
	actor_ends(scene, &extra, (STARTS - 99) * MS);
	assert_verdict(scene, (STARTS + 2000) * MS, VERDICT_NOT_SURE);
}

/* Each request has a thread of its own, that hands its result on to the pool; then no more come. */
static void service_whose_requests_end_is_not_frozen(void **state)
{
	struct scene *scene = scene_create(6);

	(void)state;
	actor_comes(scene, &feeder, 5 * MS);
	for (int32_t i = 0; i < 100; i++) {
		const struct actor request = { { 200 + i, 100, "request" }, 5 };
		uint64_t at_ns = (10 + (uint64_t)i * 10) * MS;

		scene_fork(scene, feeder.cpu, at_ns, &feeder.task, &request.task);
		actor_comes(scene, &request, at_ns + 10 * US);
		for (size_t j = 0; j < POOL; j++) {
			uint64_t then_ns = at_ns + (j + 1) * ACTOR_STEP_NS;

			actor_wakes(scene, &request, then_ns, FILLS_PIPE, &pool[j]);
			actor_waits(scene, &pool[j], then_ns + ACTOR_RUN_NS, PIPE_READ);
		}
		actor_ends(scene, &request, at_ns + MS);
	}
	actor_waits(scene, &feeder, 1100 * MS, EPOLL);
	assert_verdict(scene, 4000 * MS, VERDICT_NOT_SURE);
}

static void long_polls_are_no_stall(void **state)
{
	const struct round last = { &feeder, pool, POOL, EPOLL };
	struct scene *scene = scene_create(6);

	(void)state;
	rounds_run(scene, &usual, 10, STARTS, 10);
	round_runs(scene, &last, STARTS * MS);
	for (size_t i = 0; i < POOL; i++) {
		uint64_t at_ns = (3000 + i * 60) * MS;

		actor_interrupted(scene, &pool[i], at_ns, PACKET_COMES);
		actor_waits(scene, &pool[i], at_ns + ACTOR_RUN_NS, PIPE_READ);
	}
	rounds_run(scene, &usual, 3300, 3500, 10);
	assert_verdict(scene, 3600 * MS, VERDICT_NO_STALL);
}

/* The server, which is the target, has no news for any of its clients. */
static void clients_of_an_idle_server_are_no_stall(void **state)
{
	static const struct actor clients[] = { { { 601, 601, "client1" }, 1 },
						{ { 602, 602, "client2" }, 2 },
						{ { 603, 603, "client3" }, 3 } };
	const struct round news = { &feeder, clients, 3, EPOLL };
	struct scene *scene = scene_create(6);

	(void)state;
	rounds_run(scene, &news, 10, STARTS, 10);
	rounds_run(scene, &news, ENDS, ENDS + 200, 10);
	assert_verdict(scene, (ENDS + 300) * MS, VERDICT_NO_STALL);
}

/* All at the same time, and none of them as ever. */
static void threads_that_sleep_for_a_time_of_their_choice_are_no_stall(void **state)
{
	const struct round last = { &feeder, pool, POOL, NANOSLEEP };
	struct scene *scene = scene_create(6);

	(void)state;
	rounds_run(scene, &usual, 10, STARTS, 10);
	round_runs(scene, &last, STARTS * MS);
	for (size_t i = 0; i < POOL; i++) {
		uint64_t at_ns = ENDS * MS + i * ACTOR_STEP_NS;

		actor_interrupted(scene, &pool[i], at_ns, TIMER_FIRES);
		actor_waits(scene, &pool[i], at_ns + ACTOR_RUN_NS, PIPE_READ);
	}
	rounds_run(scene, &usual, ENDS + 10, ENDS + 200, 10);
	assert_verdict(scene, (ENDS + 300) * MS, VERDICT_NO_STALL);
}

/* One that looks for work each 100 ms does so all along. */
static void threads_that_poll_all_along_are_no_stall(void **state)
{
	struct scene *scene = scene_create(6);

	(void)state;
	for (uint64_t at_ms = 10; at_ms < 4000; at_ms += 100)
		for (size_t i = 0; i < POOL; i++) {
			uint64_t at_ns = at_ms * MS + i * ACTOR_STEP_NS;

			actor_interrupted(scene, &pool[i], at_ns, TIMER_FIRES);
			actor_waits(scene, &pool[i], at_ns + ACTOR_RUN_NS, NANOSLEEP);
		}
	assert_verdict(scene, 4000 * MS, VERDICT_NO_STALL);
}

/* A worker that waits for work with a time limit looks whether it is to end. */
static void pool_whose_waits_have_a_time_limit_is_not_frozen(void **state)
{
	struct scene *scene = scene_create(6);

	(void)state;
	rounds_run(scene, &usual, 10, STARTS, 10);
	for (uint64_t at_ms = STARTS + 250; at_ms < ENDS; at_ms += 250)
		for (size_t i = 0; i < POOL; i++) {
			uint64_t at_ns = at_ms * MS + i * ACTOR_STEP_NS;

			actor_interrupted(scene, &pool[i], at_ns, TIMER_FIRES);
			actor_waits(scene, &pool[i], at_ns + ACTOR_RUN_NS, PIPE_READ);
		}
	rounds_run(scene, &usual, ENDS, ENDS + 200, 10);
	assert_verdict(scene, (ENDS + 300) * MS, VERDICT_NOT_SURE);
}

/* Each waits often, and once for long, until one thread lets all of them go at the same time. */
static void thousands_of_threads_are_judged_soon(void **state)
{
	struct scene *scene = scene_create(2);
	const size_t count = 3000;
	uint64_t at_ns = 10 * MS;
	struct scene_result result;

	(void)state;
	for (size_t round = 0; round < 12; round++) {
		if (round == 11)
			at_ns += 8000 * MS;
		actor_interrupted(scene, &feeder, at_ns, PACKET_COMES);
		for (size_t i = 0; i < count; i++) {
			const struct actor worker = { { 1000 + (int32_t)i, 100, "w" }, 1 };

			at_ns += 10 * US;
			actor_wakes(scene, &feeder, at_ns, FILLS_PIPE, &worker);
			actor_waits(scene, &worker, at_ns + 7 * US, PIPE_READ);
		}
		at_ns += 10 * US;
		actor_waits(scene, &feeder, at_ns, EPOLL);
	}
	result = scene_analyze(scene, "100", at_ns + 10 * MS);
	assert_int_not_equal(model_verdict(result.model), VERDICT_NO_VERDICT);
	scene_done(&result, scene);
}

/* All at once, and of no length. */
static void waits_of_no_length_do_no_harm(void **state)
{
	struct scene *scene = scene_create(6);
	struct scene_result result;

	(void)state;
	for (size_t i = 0; i < 100; i++)
		for (size_t j = 0; j < POOL; j++) {
			scene_waking(scene, pool[j].cpu, STARTS * MS, &pool[j].task, FILLS_PIPE,
				     &pool[(j + 1) % POOL].task);
			scene_switch(scene, pool[j].cpu, STARTS * MS, &scene_idle, FT_STATE_RUNNING,
				     NULL, &pool[j].task);
			actor_waits(scene, &pool[j], STARTS * MS, i % 2 ? PIPE_READ : SEMAPHORE);
		}
	result = scene_analyze_stall(scene, "100", STARTS * MS, 1);
	assert_int_not_equal(model_verdict(result.model), VERDICT_FROZEN);
	scene_done(&result, scene);
}

/* Each is let go by the one that it lets go. */
static void circle_of_wakings_ends(void **state)
{
	struct scene *scene = scene_create(6);
	struct scene_result result;

	(void)state;
	rounds_run(scene, &usual, 10, STARTS, 10);
	for (size_t i = 0; i < POOL; i++)
		scene_waking(scene, pool[i].cpu, ENDS * MS, &pool[i].task, POSTS,
			     &pool[(i + 1) % POOL].task);
	for (size_t i = 0; i < POOL; i++)
		actor_comes(scene, &pool[i], ENDS * MS + US);
	for (size_t i = 0; i < POOL; i++)
		actor_waits(scene, &pool[i], ENDS * MS + 2 * US, PIPE_READ);
	result = scene_analyze(scene, "100", UINT64_MAX / 2);
	assert_int_not_equal(model_verdict(result.model), VERDICT_FROZEN);
	scene_done(&result, scene);
}

UNIT_TESTS(standstill_healthy)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_without_requests_of_other_processes_is_idle),
		cmocka_unit_test(pipeline_without_requests_is_idle),
		cmocka_unit_test(dispatcher_that_sleeps_between_batches_freezes_nobody),
		cmocka_unit_test(batch_job_that_ends_is_not_frozen),
		cmocka_unit_test(batch_whose_queue_is_empty_at_last_is_not_frozen),
		cmocka_unit_test(threads_that_stand_still_while_a_probe_waits_are_frozen),
		cmocka_unit_test(pool_that_shrinks_is_not_frozen),
		cmocka_unit_test(service_whose_requests_end_is_not_frozen),
		cmocka_unit_test(long_polls_are_no_stall),
		cmocka_unit_test(clients_of_an_idle_server_are_no_stall),
		cmocka_unit_test(threads_that_sleep_for_a_time_of_their_choice_are_no_stall),
		cmocka_unit_test(threads_that_poll_all_along_are_no_stall),
		cmocka_unit_test(pool_whose_waits_have_a_time_limit_is_not_frozen),
		cmocka_unit_test(thousands_of_threads_are_judged_soon),
		cmocka_unit_test(waits_of_no_length_do_no_harm),
		cmocka_unit_test(circle_of_wakings_ends),
	};

	return run_unit_tests(tests, NULL, NULL);
}
