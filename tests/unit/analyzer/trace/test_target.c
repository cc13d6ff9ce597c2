/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that the target forks while it is recorded: workers belong to it, other programs do not. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS

static const struct ft_task master = { 100, 100, "serve: master" },
			    forked = { 200, 200, "serve: master" },
			    worker = { 200, 200, "serve: worker" },
			    thread = { 201, 200, "serve: worker" },
			    grandchild = { 300, 300, "serve: worker" },
			    shell_forked = { 400, 400, "serve: master" }, shell = { 400, 400, "sh" },
			    of_shell = { 500, 500, "sh" }, stranger = { 600, 600, "serve: master" },
			    strange_child = { 700, 700, "serve: master" };

/* Both run a while, one after the other. */
static void run_task(struct scene *scene, uint64_t at_ns, const struct ft_task *task)
{
	scene_switch(scene, 0, at_ns, &scene_idle, FT_STATE_RUNNING, NULL, task);
	scene_switch(scene, 0, at_ns + MS, task, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
}

static struct scene *forking_server(void)
{
	struct scene *scene = scene_create(1);

	scene_fork(scene, 0, 10 * MS, &master, &forked);
	scene_comm(scene, 0, 20 * MS, &worker, false);
	scene_fork(scene, 0, 30 * MS, &worker, &thread);
	scene_fork(scene, 0, 40 * MS, &worker, &grandchild);
	scene_fork(scene, 0, 50 * MS, &master, &shell_forked);
	scene_comm(scene, 0, 60 * MS, &shell, true);
	scene_fork(scene, 0, 70 * MS, &shell, &of_shell);
	scene_fork(scene, 0, 80 * MS, &stranger, &strange_child);
	run_task(scene, 100 * MS, &master);
	run_task(scene, 110 * MS, &worker);
	run_task(scene, 120 * MS, &thread);
	run_task(scene, 130 * MS, &grandchild);
	run_task(scene, 140 * MS, &shell);
	run_task(scene, 150 * MS, &of_shell);
	run_task(scene, 160 * MS, &strange_child);
	return scene;
}

static bool counts_thread(const struct model *model, int32_t tid)
{
	for (size_t i = 0; i < model->thread_count; i++)
		if (model->threads[i].tid == tid)
			return model->threads[i].target;
	fail_msg("thread %d is not in the report", tid);
	return false;
}

static void forked_worker_and_its_children_belong_to_the_target(void **state)
{
	struct scene *scene = forking_server();
	struct scene_result result = scene_analyze(scene, "100", 1000 * MS);

	(void)state;
	assert_true(counts_thread(result.model, master.tid));
	assert_true(counts_thread(result.model, worker.tid));
	assert_true(counts_thread(result.model, thread.tid));
	assert_true(counts_thread(result.model, grandchild.tid));
	assert_int_equal(result.model->capture.target_count, 3);
	assert_int_equal(result.model->capture.target[0], master.tid);
	scene_done(&result, scene);
}

static void forked_process_that_executes_another_program_does_not(void **state)
{
	struct scene *scene = forking_server();
	struct scene_result result = scene_analyze(scene, "100", 1000 * MS);

	(void)state;
	assert_false(counts_thread(result.model, shell.tid));
	assert_false(counts_thread(result.model, of_shell.tid));
	assert_false(counts_thread(result.model, strange_child.tid));
	scene_done(&result, scene);
}

/* Where one of them is reused by a stranger's child, it is no worker any more. */
static void id_of_a_forked_process_may_be_given_away(void **state)
{
	const struct ft_task later = { 300, 300, "other" };
	struct scene *scene = forking_server();
	struct scene_result result;

	(void)state;
	scene_fork(scene, 0, 500 * MS, &stranger, &later);
	run_task(scene, 510 * MS, &later);
	result = scene_analyze(scene, "100", 1000 * MS);
	assert_int_equal(result.model->capture.target_count, 2);
	scene_done(&result, scene);
}

/* A capture of a host that forks without end, made up or not. */
static void no_more_are_followed_than_fit(void **state)
{
	struct scene *scene = scene_create(1);
	struct scene_result result;

	(void)state;
	for (int32_t i = 0; i < 1000; i++) {
		const struct ft_task child = { 1000 + i, 1000 + i, "serve: master" };

		scene_fork(scene, 0, (uint64_t)(10 + i) * SCENE_US, &master, &child);
	}
	run_task(scene, 100 * MS, &master);
	result = scene_analyze(scene, "100", 1000 * MS);
	assert_int_equal(result.model->capture.target_count, 257);
	scene_done(&result, scene);
}

static void whole_host_follows_nobody(void **state)
{
	struct scene *scene = forking_server();
	struct scene_result result = scene_analyze(scene, "host", 1000 * MS);

	(void)state;
	assert_int_equal(result.model->capture.target_count, 0);
	scene_done(&result, scene);
}

UNIT_TESTS(target)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forked_worker_and_its_children_belong_to_the_target),
		cmocka_unit_test(forked_process_that_executes_another_program_does_not),
		cmocka_unit_test(id_of_a_forked_process_may_be_given_away),
		cmocka_unit_test(no_more_are_followed_than_fit),
		cmocka_unit_test(whole_host_follows_nobody),
	};

	return run_unit_tests(tests, NULL, NULL);
}
