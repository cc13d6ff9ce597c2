/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that stood still together: each sign, and both sides of each threshold. Healthy threads are in
 * test_standstill_healthy.c.
 */
#include <string.h>

#include "analyzer/detect/thresholds.h"
#include "tests/unit/support/actors.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define POOL	 4
#define STARTS	 1000u /* ms: the pool works until then, each 10 ms, ... */
#define ENDS	 2000u /* ... and stands still until then */
#define RECORDED 2300u
#define PAUSE_NS ((uint64_t)(ENDS - STARTS) * MS)

static const struct actor feeder = { { 100, 100, "feeder" }, 0 };
static const struct actor holder = { { 110, 100, "holder" }, 5 };
static const struct actor bystander = { { 120, 100, "bystander" }, 6 };
static const struct actor pool[POOL] = {
	{ { 101, 100, "worker0" }, 1 },
	{ { 102, 100, "worker1" }, 2 },
	{ { 103, 100, "worker2" }, 3 },
	{ { 104, 100, "worker3" }, 4 },
};
static const struct round usual = { &feeder, pool, POOL, PIPE_READ };

/* It works as ever, and after that waits in @stack. */
static void pool_stops(struct scene *scene, const char *stack)
{
	const struct round last = { &feeder, pool, POOL, stack };

	rounds_run(scene, &usual, 10, STARTS, 10);
	round_runs(scene, &last, STARTS * MS);
}

/* @who, which runs, wakes each of them @step_ns after the one before; they go back to their work. */
static void pool_goes_on(struct scene *scene, const struct actor *who, uint64_t step_ns)
{
	for (size_t i = 0; i < POOL; i++) {
		uint64_t at_ns = ENDS * MS + i * step_ns;

		actor_wakes(scene, who, at_ns, POSTS, &pool[i]);
		actor_waits(scene, &pool[i], at_ns + ACTOR_RUN_NS, PIPE_READ);
	}
	actor_waits(scene, who, ENDS * MS + POOL * step_ns, EPOLL);
}

static struct scene_result pool_ends(struct scene *scene)
{
	rounds_run(scene, &usual, ENDS + 100, ENDS + 200, 10);
	return scene_analyze(scene, "100", RECORDED * MS);
}

/* It runs from @run_ns before it lets them go. */
static void holder_runs(struct scene *scene, uint64_t run_ns)
{
	actor_comes(scene, &holder, 5 * MS);
	actor_waits(scene, &holder, 6 * MS, NANOSLEEP);
	actor_interrupted(scene, &holder, ENDS * MS - run_ns, TIMER_FIRES);
	for (uint64_t at_ns = ENDS * MS - run_ns + 10 * MS; at_ns < ENDS * MS; at_ns += 20 * MS)
		scene_sample(scene, holder.cpu, at_ns, &holder.task, " | compute < main");
}

/* It runs from before the others stop, but for one sleep of @sleep_ns in @stack. */
static void holder_sleeps(struct scene *scene, uint64_t sleep_ns, const char *stack)
{
	actor_comes(scene, &holder, (STARTS - 100) * MS);
	actor_waits(scene, &holder, (STARTS + 300) * MS, stack);
	actor_interrupted(scene, &holder, (STARTS + 300) * MS + sleep_ns, TIMER_FIRES);
}

static void assert_standstill(const struct scene_result *result, enum finding_kind kind,
			      enum verdict verdict, size_t victims)
{
	const struct model_finding *finding = &result->model->findings[0];

	if (finding->kind != kind || model_verdict(result->model) != verdict)
		fail_msg("%s, %s: %s", verdict_name(model_verdict(result->model)),
			 finding_kind_name(finding->kind), finding->summary);
	assert_int_equal(finding->grade, GRADE_PLAUSIBLE);
	assert_int_equal(finding->victim_count, victims);
}

static void assert_no_stall(const struct scene_result *result)
{
	const struct model_finding *finding = &result->model->findings[0];

	if (model_verdict(result->model) != VERDICT_NO_STALL)
		fail_msg("%s: %s", finding_kind_name(finding->kind), finding->summary);
}

static void assert_culprit(const struct scene_result *result, const struct actor *who)
{
	const struct model_finding *finding = &result->model->findings[0];

	assert_int_equal(finding->has_culprit, who != NULL);
	if (who)
		assert_int_equal(finding->culprit.tid, who->task.tid);
}

/* Either the threads were held, and @who is to blame for it, or nothing shows that. */
static void assert_held(const struct scene_result *result, const struct actor *who)
{
	assert_standstill(result, FINDING_STANDSTILL, who ? VERDICT_FROZEN : VERDICT_NOT_SURE,
			  POOL);
	assert_culprit(result, who);
}

static void who_runs_while_others_wait_elsewhere_holds_them_up(void **state)
{
	struct scene *scene = scene_create(7);
	const struct model_finding *finding;
	struct scene_result result;

	(void)state;
	pool_stops(scene, SEMAPHORE);
	holder_runs(scene, PAUSE_NS + 50 * MS);
	pool_goes_on(scene, &holder, ACTOR_STEP_NS);
	result = pool_ends(scene);
	assert_held(&result, &holder);
	finding = &result.model->findings[0];
	assert_string_equal(finding->summary,
			    "4 threads stood still together for 1.00 s, in semop. Thread 110 "
			    "(holder) let them go on; it ran for 1.00 s meanwhile.");
	assert_true(finding->blocked_ns > POOL * 999 * MS);
	assert_true(finding->culprit.running_ns > 990 * MS);
	assert_true(finding->culprit.samples > 40);
	assert_true(scene_has_evidence(finding, "hardly ever wait otherwise"));
	assert_int_equal(result.model->stall.threads_blocked_max, POOL);
	scene_done(&result, scene);
}

static void who_ran_for_most_of_the_pause_held_the_others(void **state)
{
	(void)state;
	for (uint64_t less = 0; less < 2; less++) {
		struct scene *scene = scene_create(7);
		struct scene_result result;

		pool_stops(scene, SEMAPHORE);
		holder_runs(scene, PAUSE_NS * (STILL_MOST_PERCENT - less) / 100);
		pool_goes_on(scene, &holder, ACTOR_STEP_NS);
		result = pool_ends(scene);
		assert_held(&result, less ? NULL : &holder);
		scene_done(&result, scene);
	}
}

static void who_slept_for_half_of_the_pause_held_the_others(void **state)
{
	(void)state;
	for (uint64_t less = 0; less < 2; less++) {
		struct scene *scene = scene_create(7);
		struct scene_result result;

		pool_stops(scene, SEMAPHORE);
		holder_sleeps(scene, PAUSE_NS * (STILL_HALF_PERCENT - less) / 100, NANOSLEEP);
		pool_goes_on(scene, &holder, ACTOR_STEP_NS);
		result = pool_ends(scene);
		assert_held(&result, less ? NULL : &holder);
		if (!less)
			assert_non_null(
				strstr(result.model->findings[0].summary, "was asleep for"));
		scene_done(&result, scene);
	}
}

/* Then it sets the pace of the others. */
static void who_sleeps_like_that_as_a_rule_holds_nobody_up(void **state)
{
	struct scene *scene = scene_create(7);
	struct scene_result result;

	(void)state;
	pool_stops(scene, SEMAPHORE);
	actor_comes(scene, &holder, 5 * MS);
	actor_waits(scene, &holder, 6 * MS, NANOSLEEP);
	actor_interrupted(scene, &holder, 700 * MS, TIMER_FIRES);
	actor_waits(scene, &holder, 701 * MS, NANOSLEEP);
	holder_sleeps(scene, 690 * MS, NANOSLEEP);
	pool_goes_on(scene, &holder, ACTOR_STEP_NS);
	result = pool_ends(scene);
	assert_held(&result, NULL);
	scene_done(&result, scene);
}

static void who_wakes_others_all_the_while_works_as_always(void **state)
{
	(void)state;
	for (uint64_t less = 0; less < 2; less++) {
		struct scene *scene = scene_create(7);
		struct scene_result result;

		pool_stops(scene, SEMAPHORE);
		actor_comes(scene, &bystander, 5 * MS);
		actor_waits(scene, &bystander, 6 * MS, PIPE_READ);
		actor_comes(scene, &holder, (STARTS - 50) * MS);
		for (uint64_t i = 0; i < STILL_WOKEN_LEAST - less; i++) {
			uint64_t at_ns = (STARTS + 100 + i * 50) * MS;

			actor_wakes(scene, &holder, at_ns, FILLS_PIPE, &bystander);
			actor_waits(scene, &bystander, at_ns + ACTOR_RUN_NS, PIPE_READ);
		}
		pool_goes_on(scene, &holder, ACTOR_STEP_NS);
		result = pool_ends(scene);
		assert_held(&result, less ? &holder : NULL);
		scene_done(&result, scene);
	}
}

/* One after the other, no further apart, they are one group; each by itself proves nothing. */
static void threads_that_go_on_within_a_moment_stood_still_together(void **state)
{
	(void)state;
	for (uint64_t more = 0; more < 2; more++) {
		struct scene *scene = scene_create(7);
		struct scene_result result;

		pool_stops(scene, SEMAPHORE);
		holder_runs(scene, PAUSE_NS + 50 * MS);
		pool_goes_on(scene, &holder, STILL_TOGETHER_NS + more);
		rounds_run(scene, &usual, ENDS + 300, ENDS + 500, 10);
		result = scene_analyze(scene, "100", (ENDS + 600) * MS);
		if (more)
			assert_no_stall(&result);
		else
			assert_held(&result, &holder);
		scene_done(&result, scene);
	}
}

/* At its usual pace a thread would have waited so often meanwhile, and half a time more or less. */
static void threads_count_from_so_many_waits_expected_on(void **state)
{
	(void)state;
	for (uint64_t less = 0; less < 2; less++) {
		const struct round last = { &feeder, pool, POOL, SEMAPHORE };
		uint64_t every_ms = 2010 / (2 * STILL_ACTIVE_LEAST + 1 - 3 * less);
		struct scene *scene = scene_create(7);
		struct scene_result result;

		rounds_run(scene, &usual, 10, 2000, every_ms);
		round_runs(scene, &last, 2010 * MS);
		actor_comes(scene, &holder, 2000 * MS);
		for (size_t i = 0; i < POOL; i++) {
			actor_wakes(scene, &holder, 3010 * MS + i * ACTOR_STEP_NS, POSTS, &pool[i]);
			actor_waits(scene, &pool[i], 3011 * MS + i * ACTOR_STEP_NS, PIPE_READ);
		}
		result = scene_analyze(scene, "100", 3012 * MS);
		if (less)
			assert_no_stall(&result);
		else
			assert_held(&result, &holder);
		scene_done(&result, scene);
	}
}

/* The first of them is let go by the holder; each wakes the next one, at once. */
static void pool_goes_on_in_turn(struct scene *scene)
{
	actor_wakes(scene, &holder, ENDS * MS, POSTS, &pool[0]);
	actor_waits(scene, &holder, ENDS * MS + MS, EPOLL);
	for (size_t i = 0; i < POOL; i++) {
		uint64_t at_ns = ENDS * MS + (i + 1) * ACTOR_STEP_NS;

		if (i + 1 < POOL)
			actor_wakes(scene, &pool[i], at_ns, POSTS, &pool[i + 1]);
		actor_waits(scene, &pool[i], at_ns + 10 * US, PIPE_READ);
	}
}

/* In a pipe the kernel lets in the next reader for each: there it says nothing. */
static void threads_that_let_each_other_go_wait_in_a_queue_for_its_first_holder(void **state)
{
	(void)state;
	for (int in_pipe = 0; in_pipe < 2; in_pipe++) {
		struct scene *scene = scene_create(7);
		struct scene_result result;

		pool_stops(scene, in_pipe ? PIPE_READ : SEMAPHORE);
		holder_sleeps(scene, 690 * MS, NANOSLEEP);
		pool_goes_on_in_turn(scene);
		result = pool_ends(scene);
		if (in_pipe)
			assert_standstill(&result, FINDING_STANDSTILL, VERDICT_NOT_SURE, POOL);
		else
			assert_held(&result, &holder);
		assert_int_equal(scene_has_evidence(&result.model->findings[0], "each woke the next"),
				 !in_pipe);
		scene_done(&result, scene);
	}
}

/* A service of several processes shares a semaphore, and waits for it often. */
static void processes_of_one_service_wait_for_each_other(void **state)
{
	static const struct actor processes[] = { { { 201, 201, "process1" }, 1 },
						  { { 202, 202, "process2" }, 2 },
						  { { 203, 203, "process3" }, 3 } };
	const struct round usually = { &feeder, processes, 3, SEMAPHORE };
	struct scene *scene = scene_create(7);
	struct scene_result result;

	(void)state;
	rounds_run(scene, &usually, 10, STARTS + 1, 10);
	holder_sleeps(scene, 690 * MS, NANOSLEEP);
	actor_wakes(scene, &holder, ENDS * MS, POSTS, &processes[0]);
	actor_waits(scene, &holder, ENDS * MS + MS, EPOLL);
	for (size_t i = 0; i < 3; i++) {
		uint64_t at_ns = ENDS * MS + (i + 1) * ACTOR_STEP_NS;

		if (i < 2)
			actor_wakes(scene, &processes[i], at_ns, POSTS, &processes[i + 1]);
		actor_waits(scene, &processes[i], at_ns + 10 * US, SEMAPHORE);
	}
	rounds_run(scene, &usually, ENDS + 10, ENDS + 200, 10);
	result = scene_analyze(scene, "100,201,202,203", RECORDED * MS);
	assert_standstill(&result, FINDING_STANDSTILL, VERDICT_FROZEN, 3);
	assert_culprit(&result, &holder);
	scene_done(&result, scene);
}

/* The server, which is the target, answers @clients of other processes at once, and then sleeps. */
static struct scene_result clients_wait(struct scene *scene, const struct actor *clients,
					size_t count, const char *sleep)
{
	static const struct actor server = { { 500, 500, "server" }, 0 };

	for (uint64_t at_ms = 10; at_ms <= STARTS; at_ms += 10) {
		bool last = at_ms == STARTS;

		actor_interrupted(scene, &server, at_ms * MS - 10 * US, PACKET_COMES);
		for (size_t i = 0; i < count; i++) {
			uint64_t at_ns = at_ms * MS + i * ACTOR_STEP_NS;

			actor_wakes(scene, &server, at_ns, FILLS_PIPE, &clients[i]);
			actor_waits(scene, &clients[i], at_ns + ACTOR_RUN_NS, PIPE_READ);
		}
		if (!last || sleep)
			actor_waits(scene, &server, at_ms * MS + 2 * MS, last ? sleep : EPOLL);
	}
	if (sleep)
		actor_interrupted(scene, &server, ENDS * MS - 10 * US, TIMER_FIRES);
	for (size_t i = 0; i < count; i++) {
		uint64_t at_ns = ENDS * MS + i * ACTOR_STEP_NS;

		actor_wakes(scene, &server, at_ns, FILLS_PIPE, &clients[i]);
		actor_waits(scene, &clients[i], at_ns + ACTOR_RUN_NS, PIPE_READ);
	}
	actor_waits(scene, &server, ENDS * MS + 2 * MS, EPOLL);
	return scene_analyze(scene, "500", RECORDED * MS);
}

static void clients_of_other_processes_wait_for_a_server_that_runs_or_sleeps(void **state)
{
	static const struct actor clients[] = { { { 601, 601, "client1" }, 1 },
						{ { 602, 602, "client2" }, 2 },
						{ { 603, 603, "client3" }, 3 } };

	(void)state;
	for (size_t sleeps = 0; sleeps < 2; sleeps++) {
		struct scene *scene = scene_create(7);
		struct scene_result result =
			clients_wait(scene, clients, 3, sleeps ? NANOSLEEP : NULL);

		assert_standstill(&result, sleeps ? FINDING_SLOW_PRODUCER : FINDING_BUSY_THREAD,
				  VERDICT_FROZEN, 3);
		assert_int_equal(result.model->findings[0].culprit.tid, 500);
		scene_done(&result, scene);
	}
	for (size_t less = 0; less < 2; less++) {
		struct scene *scene = scene_create(7);
		struct scene_result result =
			clients_wait(scene, clients, STILL_CLIENTS_LEAST - less, NANOSLEEP);

		assert_int_equal(model_verdict(result.model),
				 less ? VERDICT_NO_STALL : VERDICT_FROZEN);
		scene_done(&result, scene);
	}
}

/* Members wake each other in turn, or the feeder does, each for a step. The last ones are let go by a timer. */
struct ring {
	size_t members;
	size_t by_members, by_feeder; /* wakings in all */
};

static void member_of_ring(size_t number, struct actor *ret_member)
{
	*ret_member = (struct actor){ { 1001 + (int32_t)number, 100, "member" }, 1 + number % 6 };
}

static struct scene_result ring_runs(struct scene *scene, const struct ring *ring)
{
	size_t steps = ring->by_members + ring->by_feeder, given = 0;
	uint64_t at_ns = 10 * MS;
	struct actor member, next;

	actor_comes(scene, &feeder, 5 * MS);
	for (size_t i = 0; i < steps; i++, at_ns += MS) {
		/* spread evenly: the feeder's part of the steps so far */
		bool by_feeder = (i + 1) * ring->by_feeder / steps > given;

		given += by_feeder;
		member_of_ring(i % ring->members, &member);
		member_of_ring((i + 1) % ring->members, &next);
		if (!i)
			actor_comes(scene, &member, at_ns - 900 * US);
		actor_wakes(scene, by_feeder ? &feeder : &member, at_ns, POSTS, &next);
		actor_waits(scene, &member, at_ns + 20 * US, SEMAPHORE);
	}
	actor_waits(scene, &feeder, at_ns, EPOLL);
	actor_waits(scene, &next, at_ns, SEMAPHORE);
	at_ns += 1000 * MS;
	member_of_ring(0, &next);
	actor_interrupted(scene, &next, at_ns, TIMER_FIRES);
	for (size_t i = 0; i <= ring->members; i++) {
		at_ns += ACTOR_STEP_NS;
		member_of_ring(i % ring->members, &member);
		member_of_ring((i + 1) % ring->members, &next);
		if (i < ring->members)
			actor_wakes(scene, &member, at_ns, POSTS, &next);
		actor_waits(scene, &member, at_ns + 20 * US, SEMAPHORE);
	}
	return scene_analyze(scene, "100", at_ns + 20 * MS);
}

static void assert_ring(const struct ring *ring, bool lost)
{
	struct scene *scene = scene_create(7);
	struct scene_result result = ring_runs(scene, ring);

	assert_standstill(&result, lost ? FINDING_LOST_WAKEUP : FINDING_STANDSTILL,
			  lost ? VERDICT_FROZEN : VERDICT_NOT_SURE, ring->members);
	assert_culprit(&result, NULL);
	scene_done(&result, scene);
}

/* One more waking by a member comes after the pause. */
static void threads_that_feed_each_other_lost_a_wakeup_if_all_stop(void **state)
{
	(void)state;
	for (size_t less = 0; less < 2; less++) {
		assert_ring(&(struct ring){ 2, STILL_WAKINGS_LEAST - 1 - less, 0 }, !less);
		assert_ring(&(struct ring){ 4, STILL_CLOSED_PERCENT * 4 - 1,
					    (100 - STILL_CLOSED_PERCENT) * 4 + less },
			    !less);
		assert_ring(&(struct ring){ STILL_CLOSED_MOST + 1 - !less, 1000, 0 }, !less);
	}
}

/*
 * The holder and one of the pool let each other go @handoffs times, then it ends @before_ns before
 * the pool stops, for good.
 */
static struct scene_result owner_ends(struct scene *scene, uint64_t handoffs, uint64_t before_ns)
{
	uint64_t stop_ns = STARTS * MS + ACTOR_RUN_NS;

	for (uint64_t at_ms = 10; at_ms < STARTS; at_ms += 10) {
		uint64_t at_ns = at_ms * MS + 5 * MS;

		round_runs(scene, &usual, at_ms * MS);
		if (at_ms > handoffs * 10)
			continue;
		actor_interrupted(scene, &holder, at_ns - 10 * US, TIMER_FIRES);
		actor_wakes(scene, &holder, at_ns, POSTS, &pool[0]);
		actor_waits(scene, &holder, at_ns + 20 * US, SEMAPHORE);
		actor_wakes(scene, &pool[0], at_ns + 40 * US, POSTS, &holder);
		actor_waits(scene, &pool[0], at_ns + 50 * US, PIPE_READ);
		actor_waits(scene, &holder, at_ns + 60 * US, NANOSLEEP);
	}
	round_runs(scene, &usual, STARTS * MS);
	actor_interrupted(scene, &holder, stop_ns - before_ns - 100 * US, TIMER_FIRES);
	actor_ends(scene, &holder, stop_ns - before_ns);
	return scene_analyze(scene, "100", stop_ns + STILL_OPEN_NS + MS);
}

/* The feeder stops with them. */
static void assert_owner(struct scene_result result, struct scene *scene, bool gone)
{
	assert_standstill(&result, gone ? FINDING_DEAD_OWNER : FINDING_STANDSTILL,
			  gone ? VERDICT_FROZEN : VERDICT_NOT_SURE, POOL + 1);
	assert_culprit(&result, gone ? &holder : NULL);
	scene_done(&result, scene);
}

static void threads_that_stop_when_one_ends_may_wait_for_what_it_held(void **state)
{
	(void)state;
	for (uint64_t more = 0; more < 2; more++) {
		struct scene *scene = scene_create(7);

		assert_owner(owner_ends(scene, STILL_HANDOFFS_LEAST, STILL_GONE_NS + more), scene,
			     !more);
	}
	for (uint64_t less = 0; less < 2; less++) {
		struct scene *scene = scene_create(7);

		assert_owner(owner_ends(scene, STILL_HANDOFFS_LEAST - less, 10 * MS), scene, !less);
	}
}

/* The pool waits elsewhere until the capture ends, and the holder has done one thing since then. */
/* It may as well be all that is left to do. */
static void who_is_still_at_it_may_hold_the_others_up(void **state)
{
	(void)state;
	for (size_t sleeps = 0; sleeps < 2; sleeps++) {
		struct scene *scene = scene_create(7);
		struct scene_result result;

		pool_stops(scene, SEMAPHORE);
		actor_comes(scene, &holder, (STARTS - 20) * MS);
		if (sleeps)
			actor_waits(scene, &holder, (STARTS - 10) * MS, NANOSLEEP);
		result = scene_analyze(scene, "100", RECORDED * MS);
		assert_standstill(&result, FINDING_STANDSTILL, VERDICT_NOT_SURE, POOL + 1);
		assert_culprit(&result, &holder);
		assert_true(result.model->stall.still_open);
		scene_done(&result, scene);
	}
}

static void threads_that_nobody_lets_go_are_doubtful_after_a_while(void **state)
{
	(void)state;
	for (uint64_t less = 0; less < 2; less++) {
		struct scene *scene = scene_create(7);
		struct scene_result result;

		rounds_run(scene, &usual, 10, STARTS + 1, 10);
		result = scene_analyze(scene, "100",
				       STARTS * MS + ACTOR_RUN_NS + STILL_OPEN_NS - less);
		if (less)
			assert_no_stall(&result);
		else
			assert_standstill(&result, FINDING_STANDSTILL, VERDICT_NOT_SURE, POOL + 1);
		scene_done(&result, scene);
	}
}

/* Each looks every 50 ms, from the time when the pool stops. */
static void threads_that_poll_together_back_off(void **state)
{
	struct scene *scene = scene_create(7);
	struct scene_result result;

	(void)state;
	pool_stops(scene, NANOSLEEP);
	for (uint64_t at_ms = STARTS + 50; at_ms <= ENDS; at_ms += 50)
		for (size_t i = 0; i < POOL; i++) {
			uint64_t at_ns = at_ms * MS + i * US;

			actor_interrupted(scene, &pool[i], at_ns, TIMER_FIRES);
			actor_waits(scene, &pool[i], at_ns + ACTOR_RUN_NS,
				    at_ms == ENDS ? PIPE_READ : NANOSLEEP);
		}
	result = pool_ends(scene);
	assert_standstill(&result, FINDING_BACKOFF, VERDICT_NOT_SURE, POOL);
	assert_culprit(&result, NULL);
	assert_non_null(strstr(result.model->findings[0].summary, "20 times in a row"));
	scene_done(&result, scene);
}

/* Who woke whom is not certain where events are missing. */
static void torn_capture_shows_no_standstill(void **state)
{
	static const uint64_t holes_ms[][2] = { { 1400, 1500 }, { 1990, 2010 }, { 990, 1001 } };

	(void)state;
	for (size_t i = 0; i < sizeof(holes_ms) / sizeof(*holes_ms); i++)
		for (uint32_t cpu = 0; cpu < 7; cpu++) {
			struct scene *scene = scene_create(7);
			struct scene_result result;

			scene_hole(scene, cpu, holes_ms[i][0] * MS, holes_ms[i][1] * MS);
			pool_stops(scene, SEMAPHORE);
			holder_runs(scene, PAUSE_NS + 50 * MS);
			actor_comes(scene, &bystander, 5 * MS);
			pool_goes_on(scene, &holder, ACTOR_STEP_NS);
			actor_waits(scene, &bystander, (ENDS + 100) * MS, PIPE_READ);
			result = pool_ends(scene);
			for (size_t j = 0; j < result.model->finding_count; j++)
				assert_int_not_equal(result.model->findings[j].kind,
						     FINDING_STANDSTILL);
			scene_done(&result, scene);
		}
}

UNIT_TESTS(standstill)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_runs_while_others_wait_elsewhere_holds_them_up),
		cmocka_unit_test(who_ran_for_most_of_the_pause_held_the_others),
		cmocka_unit_test(who_slept_for_half_of_the_pause_held_the_others),
		cmocka_unit_test(who_sleeps_like_that_as_a_rule_holds_nobody_up),
		cmocka_unit_test(who_wakes_others_all_the_while_works_as_always),
		cmocka_unit_test(threads_that_go_on_within_a_moment_stood_still_together),
		cmocka_unit_test(threads_count_from_so_many_waits_expected_on),
		cmocka_unit_test(
			threads_that_let_each_other_go_wait_in_a_queue_for_its_first_holder),
		cmocka_unit_test(processes_of_one_service_wait_for_each_other),
		cmocka_unit_test(clients_of_other_processes_wait_for_a_server_that_runs_or_sleeps),
		cmocka_unit_test(threads_that_feed_each_other_lost_a_wakeup_if_all_stop),
		cmocka_unit_test(threads_that_stop_when_one_ends_may_wait_for_what_it_held),
		cmocka_unit_test(who_is_still_at_it_may_hold_the_others_up),
		cmocka_unit_test(threads_that_nobody_lets_go_are_doubtful_after_a_while),
		cmocka_unit_test(threads_that_poll_together_back_off),
		cmocka_unit_test(torn_capture_shows_no_standstill),
	};

	return run_unit_tests(tests, NULL, NULL);
}
