/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events around a span of time, read back from the history.
 */
#include "analyzer/activity/event_excerpt.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS
#define US SCENE_US

#define PREEMPTION "__schedule < preempt_schedule_irq < irqentry_exit"
#define EXIT	   "__schedule < do_task_dead < do_exit < __x64_sys_exit"

static const struct ft_task worker = { 100, 100, "worker" };
static const struct ft_task other = { 101, 100, "other" };
static const struct ft_task third = { 102, 100, "third" };

static struct event_excerpt find_excerpt(const struct scene_observed *observed,
					 struct event_excerpt_query query)
{
	struct event_excerpt excerpt;

	query.start_ns += SCENE_START_NS;
	query.end_ns += SCENE_START_NS;
	event_excerpt_find(observed->observations.history, source_threads(observed->source), &query,
			   &excerpt);
	return excerpt;
}

static void assert_event(const struct excerpt_event *event, enum excerpt_kind kind, uint64_t at_ns,
			 uint32_t cpu)
{
	assert_int_equal(event->kind, kind);
	assert_int_equal(event->at_ns, SCENE_START_NS + at_ns);
	assert_int_equal(event->cpu, cpu);
}

static void excerpt_tells_each_way_onto_a_cpu_and_off_it(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_observed observed;
	struct event_excerpt excerpt;

	(void)state;
	scene_switch(scene, 0, 100 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &worker);
	scene_switch(scene, 0, 110 * MS, &worker, FT_STATE_PREEMPTED, PREEMPTION, &other);
	scene_switch(scene, 0, 111 * MS, &other, FT_STATE_SLEEPING, NANOSLEEP, &worker);
	scene_switch(scene, 0, 120 * MS, &worker, FT_STATE_DISK, WAIT_MUNMAP, &scene_idle);
	scene_switch(scene, 1, 125 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &third);
	scene_waking(scene, 1, 130 * MS, &third, RELEASE_MUNMAP, &worker);
	scene_switch(scene, 0, 131 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &worker);
	scene_switch(scene, 0, 140 * MS, &worker, FT_STATE_DEAD, EXIT, &scene_idle);
	scene_observe(scene, 200 * MS, &observed);
	excerpt =
		find_excerpt(&observed, (struct event_excerpt_query){
						.thread = scene_observed_thread(&observed, &worker),
						.start_ns = 105 * MS,
						.end_ns = 150 * MS,
					});

	assert_int_equal(excerpt.count, 7);
	assert_int_equal(excerpt.left_out, 0);
	assert_event(&excerpt.events[0], EXCERPT_GETS_CPU, 100 * MS, 0);
	assert_event(&excerpt.events[1], EXCERPT_LEAVES_CPU, 110 * MS, 0);
	assert_int_equal(excerpt.events[1].state, FT_STATE_PREEMPTED);
	assert_int_not_equal(excerpt.events[1].stack_id, STACK_NONE);
	assert_event(&excerpt.events[2], EXCERPT_GETS_CPU, 111 * MS, 0);
	assert_event(&excerpt.events[3], EXCERPT_LEAVES_CPU, 120 * MS, 0);
	assert_int_equal(excerpt.events[3].state, FT_STATE_DISK);
	assert_event(&excerpt.events[4], EXCERPT_WOKEN, 130 * MS, 1);
	assert_ptr_equal(excerpt.events[4].other, scene_observed_thread(&observed, &third));
	assert_event(&excerpt.events[5], EXCERPT_GETS_CPU, 131 * MS, 0);
	assert_event(&excerpt.events[6], EXCERPT_LEAVES_CPU, 140 * MS, 0);
	assert_int_equal(excerpt.events[6].state, FT_STATE_DEAD);
	assert_int_not_equal(excerpt.events[6].stack_id, STACK_NONE);
	scene_observed_free(&observed);
}

/* At the end of the span it wakes one whom nobody asked about: that is what it let go. */
static void excerpt_tells_whom_the_thread_woke(void **state)
{
	struct scene *scene = scene_create(2);
	struct scene_observed observed;
	struct event_excerpt excerpt;

	(void)state;
	scene_switch(scene, 1, 100 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &other);
	scene_switch(scene, 1, 101 * MS, &other, FT_STATE_SLEEPING, WAIT_FUTEX, &third);
	scene_switch(scene, 1, 102 * MS, &third, FT_STATE_SLEEPING, WAIT_FUTEX, &scene_idle);
	scene_switch(scene, 0, 110 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &worker);
	scene_waking(scene, 0, 130 * MS, &worker, WAKE, &other);
	scene_switch(scene, 1, 131 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &other);
	scene_waking(scene, 0, 150 * MS, &worker, WAKE, &third);
	scene_observe(scene, 200 * MS, &observed);
	excerpt =
		find_excerpt(&observed, (struct event_excerpt_query){
						.thread = scene_observed_thread(&observed, &worker),
						.start_ns = 120 * MS,
						.end_ns = 150 * MS,
						.wakes = scene_observed_thread(&observed, &other),
					});

	assert_int_equal(excerpt.count, 3);
	assert_event(&excerpt.events[0], EXCERPT_GETS_CPU, 110 * MS, 0);
	assert_event(&excerpt.events[1], EXCERPT_WAKES, 130 * MS, 0);
	assert_ptr_equal(excerpt.events[1].other, scene_observed_thread(&observed, &other));
	assert_event(&excerpt.events[2], EXCERPT_WAKES, 150 * MS, 0);
	assert_ptr_equal(excerpt.events[2].other, scene_observed_thread(&observed, &third));
	scene_observed_free(&observed);
}

static void excerpt_leaves_out_what_is_between_the_first_events_and_the_last(void **state)
{
	struct scene *scene = scene_create(1);
	struct scene_observed observed;
	struct event_excerpt excerpt;

	(void)state;
	scene_switch(scene, 0, 100 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &worker);
	for (uint64_t i = 0; i < 20; i++) {
		scene_switch(scene, 0, (110 + 10 * i) * MS, &worker, FT_STATE_PREEMPTED, PREEMPTION,
			     &other);
		scene_switch(scene, 0, (111 + 10 * i) * MS, &other, FT_STATE_PREEMPTED, PREEMPTION,
			     &worker);
	}
	scene_observe(scene, 400 * MS, &observed);
	excerpt =
		find_excerpt(&observed, (struct event_excerpt_query){
						.thread = scene_observed_thread(&observed, &worker),
						.start_ns = 105 * MS,
						.end_ns = 400 * MS,
					});

	assert_int_equal(excerpt.count, 13);
	assert_int_equal(excerpt.gap, 7);
	assert_int_equal(excerpt.left_out, 28);
	assert_event(&excerpt.events[6], EXCERPT_GETS_CPU, 131 * MS, 0);
	assert_event(&excerpt.events[7], EXCERPT_LEAVES_CPU, 280 * MS, 0);
	assert_event(&excerpt.events[12], EXCERPT_GETS_CPU, 301 * MS, 0);
	scene_observed_free(&observed);
}

/* So many intervals that the history has to put them together: twice its bound, 48 bytes each. */
#define CROWDED (HISTORY_BYTES_MAX / 24)

static struct history *create_crowded_history(struct threads *threads, struct stack_infos *infos)
{
	const struct ft_task task = { 100, 100, "busy" };
	struct interval interval = { .thread = threads_get(threads, &task, 0) };
	struct history *history = NULL;

	assert_int_equal(history_create(infos, threads, 0, UINT64_MAX, &history), 0);
	for (uint64_t i = 0; i < CROWDED; i++) {
		interval.state = i % 2 ? THREAD_RUNNABLE : THREAD_RUNNING;
		interval.start_ns = i * US;
		interval.end_ns = (i + 1) * US;
		assert_int_equal(history_closed(history, NULL, &interval), 0);
	}
	assert_int_equal(history_finish(history), 0);
	return history;
}

static void excerpt_counts_the_events_that_the_history_has_put_together(void **state)
{
	struct event_excerpt_query query = { .start_ns = 1000 * US, .end_ns = 2000 * US };
	struct stack_infos *infos = NULL;
	struct stack_table *stacks = NULL;
	struct threads *threads = NULL;
	struct event_excerpt excerpt;
	struct history *history;

	(void)state;
	assert_int_equal(stack_table_create(NULL, &stacks), 0);
	assert_int_equal(stack_infos_create(stacks, &infos), 0);
	assert_int_equal(threads_create(&threads), 0);
	history = create_crowded_history(threads, infos);
	assert_int_not_equal(history_resolution_ns(history), 0);
	query.thread = threads_at(threads, 0);
	event_excerpt_find(history, threads, &query, &excerpt);

	/* It was switched in and out each second microsecond. */
	assert_in_range(excerpt.left_out + excerpt.count, 900, 1100);
	assert_in_range(excerpt.gap, 1, excerpt.count - 1);

	query.end_ns = 1000 * US + 2 * history_resolution_ns(history);
	event_excerpt_find(history, threads, &query, &excerpt);
	assert_int_not_equal(excerpt.left_out, 0);
	assert_in_range(excerpt.gap, 1, excerpt.count - 1);
	history_destroy(history);
	threads_destroy(threads);
	stack_infos_destroy(infos);
	stack_table_destroy(stacks);
}

UNIT_TESTS(event_excerpt)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(excerpt_tells_each_way_onto_a_cpu_and_off_it),
		cmocka_unit_test(excerpt_tells_whom_the_thread_woke),
		cmocka_unit_test(excerpt_leaves_out_what_is_between_the_first_events_and_the_last),
		cmocka_unit_test(excerpt_counts_the_events_that_the_history_has_put_together),
	};

	return run_unit_tests(tests, NULL, NULL);
}
