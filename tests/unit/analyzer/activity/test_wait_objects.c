/* SPDX-License-Identifier: Apache-2.0 */
/*
 * At which objects threads were seen to wait, by thread and time.
 */
#include <string.h>

#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define MS SCENE_MS

static const struct ft_task writer = { 101, 100, "writer" }, reader = { 200, 200, "reader" },
			    other = { 300, 300, "other" };

static void observe_two_waits(struct scene_observed *observed)
{
	struct scene *scene = scene_create(1);

	scene_switch(scene, 0, 10 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &writer);
	scene_object(scene, 0, 300 * MS, &writer, FT_OBJECT_PIPE, "pipe:[8123]", 1);
	scene_peer(scene, 0, 300 * MS, &writer, &reader, 0);
	scene_object(scene, 0, 900 * MS, &writer, FT_OBJECT_FILE, "/var/log/x", 0);
	scene_peer(scene, 0, 950 * MS, &writer, &other, 0); /* of none */
	scene_observe(scene, 1000 * MS, observed);
}

static void object_is_found_by_thread_and_time(void **state)
{
	struct scene_observed observed;
	const struct wait_object *object;

	(void)state;
	observe_two_waits(&observed);
	const struct wait_objects *objects = &observed.observations.objects;
	const struct thread *thread = scene_observed_thread(&observed, &writer);
	uint64_t start_ns = observed.observations.start_ns;

	object = wait_objects_find(objects, thread, start_ns + 200 * MS, start_ns + 400 * MS);
	assert_non_null(object);
	assert_string_equal(object->name, "pipe:[8123]");
	assert_ptr_equal(object->peers[0], scene_observed_thread(&observed, &reader));
	assert_null(object->peers[1]);
	assert_string_equal(wait_object_text(object).text, "pipe:[8123] (stdout)");
	assert_string_equal(wait_object_peers_text(object).text,
			    "process 200 (reader) alone has its other end");
	/* At the latest it was this one. */
	object = wait_objects_find(objects, thread, start_ns, start_ns + 1000 * MS);
	assert_string_equal(wait_object_text(object).text, "/var/log/x on /dev/sda1 (8:1) (stdout)");
	assert_null(object->peers[0]);
	assert_string_equal(wait_object_peers_text(object).text, "");
	assert_null(wait_objects_find(objects, thread, start_ns + 400 * MS, start_ns + 800 * MS));
	assert_null(wait_objects_find(objects, scene_observed_thread(&observed, &reader), start_ns,
				      start_ns + 1000 * MS));
	scene_observed_free(&observed);
}

static void long_name_and_many_peers_are_cut(void **state)
{
	struct thread peers[WAIT_OBJECT_PEERS];
	char name[400];
	struct wait_object object = { .name = name, .device = "", .ends = 9,
				      .object = FT_OBJECT_SOCKET, .number = 7 };

	(void)state;
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 2] = 'z';
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(strlen(wait_object_text(&object).text), 163);
	assert_non_null(strstr(wait_object_text(&object).text, "a...a"));
	assert_non_null(strchr(wait_object_text(&object).text, 'z'));
	for (int i = 0; i < WAIT_OBJECT_PEERS; i++) {
		peers[i] = (struct thread){ .tgid = 2147483647, .comm = "fifteen letters" };
		object.peers[i] = &peers[i];
	}
	assert_non_null(strstr(wait_object_peers_text(&object).text, "one of 9 processes: 2147483647"));
	assert_non_null(strstr(wait_object_peers_text(&object).text, "... has its other end"));
}

UNIT_TESTS(wait_objects)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(object_is_found_by_thread_and_time),
		cmocka_unit_test(long_name_and_many_peers_are_cut),
	};

	return run_unit_tests(tests, NULL, NULL);
}
