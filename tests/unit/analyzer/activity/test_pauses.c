/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times in which a thread stood still far longer than it used to.
 */
#include "analyzer/activity/pauses.h"
#include "tests/unit/support/actors.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define LONG_NS (200 * MS)

static const struct actor worker = { { 101, 100, "worker" }, 0 };

/* It is woken each 10 ms and waits in @stack, until @to_ms. */
static void works(struct scene *scene, uint64_t from_ms, uint64_t to_ms, const char *stack)
{
	for (uint64_t at_ms = from_ms; at_ms < to_ms; at_ms += 10) {
		actor_interrupted(scene, &worker, at_ms * MS, PACKET_COMES);
		actor_waits(scene, &worker, at_ms * MS + 50 * US, stack);
	}
}

/* Its last wait goes over into slices of @slice_us, which timers end, with runs of @run_us between them. */
static void polls(struct scene *scene, uint64_t from_ms, size_t count, uint64_t slice_us,
		  uint64_t run_us, const char *stack)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t at_ns = from_ms * MS + i * (slice_us + run_us) * US;

		actor_interrupted(scene, &worker, at_ns, i ? TIMER_FIRES : PACKET_COMES);
		actor_waits(scene, &worker, at_ns + run_us * US, stack);
	}
}

struct observed_pauses {
	struct scene_observed observed;
	struct pauses pauses;
};

static size_t find_pauses(struct scene *scene, uint64_t end_ms, struct observed_pauses *ret)
{
	scene_observe(scene, end_ms * MS, &ret->observed);
	assert_int_equal(pauses_find(&ret->observed.observations, LONG_NS, &ret->pauses), 0);
	return ret->pauses.count;
}

static void free_pauses(struct observed_pauses *found)
{
	pauses_free(&found->pauses);
	scene_observed_free(&found->observed);
}

static size_t count_pauses(struct scene *scene, uint64_t end_ms)
{
	struct observed_pauses found;
	size_t count = find_pauses(scene, end_ms, &found);

	free_pauses(&found);
	return count;
}

static void wait_beyond_the_usual_is_a_pause(void **state)
{
	struct scene *scene = scene_create(1);
	struct observed_pauses found;
	const struct pause *pause;

	(void)state;
	works(scene, 10, 1000, PIPE_READ);
	works(scene, 1500, 2000, PIPE_READ);
	assert_int_equal(find_pauses(scene, 2000, &found), 1);
	pause = &found.pauses.list[0];
	assert_int_equal(pause->thread->tid, 101);
	assert_int_equal(pause->class, WAIT_IPC_PIPE);
	assert_int_equal(pause->direction, DIRECTION_TAKES);
	assert_int_equal(pause->start_ns - SCENE_START_NS, 990 * MS + 50 * US);
	assert_int_equal(pause->end_ns - SCENE_START_NS, 1500 * MS);
	assert_int_equal(pause->sleeps, 1);
	assert_int_equal(pause->slice_ns, pause->end_ns - pause->start_ns);
	assert_false(pause->novel);
	/* 10 ms each, at other times */
	assert_true(pause->expected >= 49 && pause->expected <= 51);
	assert_in_range(pauses_expected(&found.pauses, pause->thread, 1000 * MS), 70, 80);
	free_pauses(&found);
}

static void pause_is_as_long_as_asked_for(void **state)
{
	(void)state;
	for (uint64_t less = 0; less < 2; less++) {
		struct scene *scene = scene_create(1);

		works(scene, 10, 1000, PIPE_READ);
		actor_interrupted(scene, &worker, 990 * MS + 50 * US + LONG_NS - less,
				  PACKET_COMES);
		actor_waits(scene, &worker, 1300 * MS, PIPE_READ);
		assert_int_equal(count_pauses(scene, 1400), !less);
	}
}

/* What hurts by itself is no pause. */
static void wait_that_hurts_is_no_pause(void **state)
{
	struct scene *scene = scene_create(1);

	(void)state;
	works(scene, 10, 1000, PIPE_READ);
	actor_interrupted(scene, &worker, 1000 * MS, PACKET_COMES);
	actor_waits(scene, &worker, 1001 * MS, PIPE_WRITE);
	works(scene, 1500, 2000, PIPE_READ);
	assert_int_equal(count_pauses(scene, 2000), 0);
}

/* A pause with two others like it is still unusual; with three the thread is used to them. */
static void thread_is_used_to_what_it_does_again_and_again(void **state)
{
	(void)state;
	for (uint64_t others = 0; others < 5; others++) {
		struct scene *scene = scene_create(1);
		uint64_t at_ms = 1000;

		works(scene, 10, at_ms, PIPE_READ);
		for (uint64_t i = 0; i <= others; i++, at_ms += 700)
			works(scene, at_ms + 500, at_ms + 700, PIPE_READ);
		assert_int_equal(count_pauses(scene, at_ms), others <= 2 ? others + 1 : 0);
	}
}

static void pause_five_times_as_long_as_any_other_is_unusual(void **state)
{
	(void)state;
	for (uint64_t more = 0; more < 2; more++) {
		struct scene *scene = scene_create(1);
		struct observed_pauses found;
		uint64_t at_ms = 10;
		size_t count;

		for (size_t i = 0; i < 4; i++, at_ms += 400)
			works(scene, at_ms, at_ms + 100, PIPE_READ);
		/* the waits before are of 309.95 ms */
		works(scene, at_ms, at_ms + 100, PIPE_READ);
		at_ms += 90;
		works(scene, at_ms + 1549 + 2 * more, at_ms + 1700, PIPE_READ);
		count = find_pauses(scene, at_ms + 1710, &found);
		assert_int_equal(count, more);
		if (more)
			assert_true(found.pauses.list[0].end_ns - found.pauses.list[0].start_ns >
				    1500 * MS);
		free_pauses(&found);
	}
}

static void slices_that_timers_end_are_one_pause(void **state)
{
	struct scene *scene = scene_create(1);
	struct observed_pauses found;
	const struct pause *pause;

	(void)state;
	works(scene, 10, 1000, PIPE_READ);
	polls(scene, 1000, 11, 50000, 100, NANOSLEEP);
	works(scene, 1501 + 50, 2000, PIPE_READ);
	assert_int_equal(find_pauses(scene, 2000, &found), 1);
	pause = &found.pauses.list[0];
	assert_int_equal(pause->class, WAIT_SLEEP);
	assert_int_equal(pause->direction, DIRECTION_SLEEPS);
	assert_int_equal(pause->sleeps, 11);
	assert_in_range(pause->slice_ns, 49 * MS, 50 * MS);
	assert_true(pause->novel);
	free_pauses(&found);
}

struct polling {
	uint64_t slice_us, run_us;
	bool one;
};

/* In between a quarter of a slice is run at most, 5 us less than it is awake. */
static void slices_with_work_between_them_are_no_pause(void **state)
{
	static const struct polling cases[] = { { 50000, 12505, true },
						{ 50000, 12506, false },
						{ 500, 100, true },
						{ 499, 100, false } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct polling *polling = &cases[i];
		size_t count = 500000 / polling->slice_us;
		struct scene *scene = scene_create(1);
		uint64_t end_ms = 1000 + count * (polling->slice_us + polling->run_us) / 1000 + 5;

		works(scene, 10, 1000, PIPE_READ);
		polls(scene, 1000, count, polling->slice_us, polling->run_us, NANOSLEEP);
		works(scene, end_ms, end_ms + 500, PIPE_READ);
		assert_int_equal(count_pauses(scene, end_ms + 500), polling->one);
	}
}

/* Polling again at another time, in slices of about that length, is what the thread does as a rule. */
static void thread_that_polls_twice_is_used_to_it(void **state)
{
	(void)state;
	for (uint64_t alike = 0; alike < 2; alike++) {
		struct scene *scene = scene_create(1);

		works(scene, 10, 1000, PIPE_READ);
		polls(scene, 1000, 11, 50000, 100, NANOSLEEP);
		works(scene, 1560, 2000, PIPE_READ);
		polls(scene, 2000, alike ? 11 : 6, alike ? 50000 : 100000, 100, NANOSLEEP);
		works(scene, 2610, 3000, PIPE_READ);
		assert_int_equal(count_pauses(scene, 3000), alike ? 0 : 2);
	}
}

/* One whose waits get far shorter has got on. */
static void slices_that_get_shorter_are_not_one(void **state)
{
	(void)state;
	for (uint64_t less = 0; less < 2; less++) {
		struct scene *scene = scene_create(1);

		works(scene, 10, 1000, PIPE_READ);
		actor_interrupted(scene, &worker, 1000 * MS, PACKET_COMES);
		actor_waits(scene, &worker, 1000 * MS + 50 * US, NANOSLEEP);
		actor_interrupted(scene, &worker, 1150 * MS + 50 * US, TIMER_FIRES);
		actor_waits(scene, &worker, 1151 * MS, NANOSLEEP);
		/* 70 % of 150 ms */
		actor_interrupted(scene, &worker, 1151 * MS + 105 * MS - less, TIMER_FIRES);
		actor_waits(scene, &worker, 1260 * MS, PIPE_READ);
		works(scene, 1265, 1500, PIPE_READ);
		assert_int_equal(count_pauses(scene, 1500), !less);
	}
}

/* Five known waits, and less than a tenth of them in that place. */
static void place_where_a_thread_hardly_ever_waits_is_novel(void **state)
{
	static const struct {
		uint64_t usual, there;
		bool novel;
	} cases[] = { { 4, 0, false }, { 5, 0, true }, { 100, 11, true }, { 100, 12, false } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct scene *scene = scene_create(1);
		struct observed_pauses found;
		uint64_t at_ms = 10 + cases[i].usual * 10;

		works(scene, 10, at_ms, PIPE_READ);
		works(scene, at_ms, at_ms + (cases[i].there + 1) * 10, SEMAPHORE);
		at_ms += cases[i].there * 10 + 500;
		actor_interrupted(scene, &worker, at_ms * MS, PACKET_COMES);
		assert_int_equal(find_pauses(scene, at_ms + 10, &found), 1);
		assert_int_equal(found.pauses.list[0].class, WAIT_IPC_SEMAPHORE);
		assert_int_equal(found.pauses.list[0].novel, cases[i].novel);
		free_pauses(&found);
	}
}

/* A wait from the start to the end, or polling at either, may be what it does all along. */
static void what_the_recording_does_not_bound_is_no_pause(void **state)
{
	struct scene *scene = scene_create(1);

	(void)state;
	scene_state(scene, 0, 0, &worker.task, FT_STATE_SLEEPING, PIPE_READ);
	assert_int_equal(count_pauses(scene, 2000), 0);

	scene = scene_create(1);
	works(scene, 10, 1000, PIPE_READ);
	polls(scene, 1000, 11, 50000, 100, NANOSLEEP);
	assert_int_equal(count_pauses(scene, 1520), 0);

	scene = scene_create(1);
	works(scene, 10, 1000, PIPE_READ);
	assert_int_equal(count_pauses(scene, 1520), 1);
}

/*
 * What is on both sides of a loss are two pauses, and who polls twice polls as a rule; of a wait in
 * which events are missing nothing is known.
 */
static void loss_ends_a_pause(void **state)
{
	struct scene *scene = scene_create(1);

	(void)state;
	works(scene, 10, 1000, PIPE_READ);
	scene_hole(scene, 0, 1250 * MS + 550 * US, 1290 * MS); /* from a run on */
	polls(scene, 1000, 12, 50000, 100, NANOSLEEP);
	works(scene, 1610, 2000, PIPE_READ);
	assert_int_equal(count_pauses(scene, 2000), 2);

	scene = scene_create(1);
	works(scene, 10, 1000, PIPE_READ);
	scene_hole(scene, 0, 1100 * MS, 1400 * MS);
	works(scene, 1500, 2000, PIPE_READ);
	assert_int_equal(count_pauses(scene, 2000), 0);
}

static void threads_without_waits_have_no_pace(void **state)
{
	struct scene *scene = scene_create(1);
	struct observed_pauses found;

	(void)state;
	actor_comes(scene, &worker, 10 * MS);
	actor_waits(scene, &worker, 10 * MS, PIPE_READ);
	actor_comes(scene, &worker, 10 * MS);
	actor_waits(scene, &worker, 10 * MS, PIPE_READ);
	assert_int_equal(find_pauses(scene, 10, &found), 0);
	assert_int_equal(pauses_expected(&found.pauses,
					 scene_observed_thread(&found.observed, &worker.task),
					 UINT64_MAX),
			 0);
	free_pauses(&found);
}

/* A moment of work after each rest; most rests are of 5 ms, sixty in a row of @slice_ms. */
static size_t rests(struct scene *scene, uint64_t slice_ms, struct observed_pauses *ret)
{
	uint64_t at_ns = 50 * MS;

	works(scene, 10, 50, PIPE_READ);
	for (size_t i = 0; i < 300; i++) {
		actor_interrupted(scene, &worker, at_ns, i ? TIMER_FIRES : PACKET_COMES);
		actor_waits(scene, &worker, at_ns + 50 * US, NANOSLEEP);
		at_ns += (i >= 100 && i < 160 ? slice_ms : 5) * MS + 50 * US;
	}
	works(scene, at_ns / MS, at_ns / MS + 300, PIPE_READ);
	return find_pauses(scene, at_ns / MS + 300, ret);
}

static void polling_in_the_call_that_one_rests_in_is_a_pause_of_its_own(void **state)
{
	struct scene *scene = scene_create(1);
	struct observed_pauses found;

	(void)state;
	assert_int_equal(rests(scene, 6, &found), 1);
	assert_true(found.pauses.list[0].sleeps >= 299);
	free_pauses(&found);
	scene = scene_create(1);
	assert_int_equal(rests(scene, 10, &found), 1);
	assert_int_equal(found.pauses.list[0].sleeps, 60);
	free_pauses(&found);
}

UNIT_TESTS(pauses)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wait_beyond_the_usual_is_a_pause),
		cmocka_unit_test(pause_is_as_long_as_asked_for),
		cmocka_unit_test(wait_that_hurts_is_no_pause),
		cmocka_unit_test(thread_is_used_to_what_it_does_again_and_again),
		cmocka_unit_test(pause_five_times_as_long_as_any_other_is_unusual),
		cmocka_unit_test(slices_that_timers_end_are_one_pause),
		cmocka_unit_test(slices_with_work_between_them_are_no_pause),
		cmocka_unit_test(thread_that_polls_twice_is_used_to_it),
		cmocka_unit_test(slices_that_get_shorter_are_not_one),
		cmocka_unit_test(place_where_a_thread_hardly_ever_waits_is_novel),
		cmocka_unit_test(what_the_recording_does_not_bound_is_no_pause),
		cmocka_unit_test(loss_ends_a_pause),
		cmocka_unit_test(threads_without_waits_have_no_pace),
		cmocka_unit_test(polling_in_the_call_that_one_rests_in_is_a_pause_of_its_own),
	};

	return run_unit_tests(tests, NULL, NULL);
}
