/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/event.h"
#include "recorder/proc/cpu_group.h"
#include "tests/unit/support/unit_test.h"

static void find_in(const char *text, struct cpu_hierarchy *ret_hierarchy)
{
	FILE *mountinfo = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

	assert_non_null(mountinfo);
	cpu_hierarchy_find(mountinfo, ret_hierarchy);
	fclose(mountinfo);
}

static void hierarchy_of_v1_comes_before_that_of_v2(void **state)
{
	static struct cpu_hierarchy found;

	(void)state;
	find_in("29 1 0:25 / /sys/fs/cgroup/unified rw shared:1 - cgroup2 cgroup rw\n"
		"30 1 0:26 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
		"31 1 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpuacct,cpu\n"
		"32 1 0:25 / /mnt/again rw - cgroup2 cgroup rw\n",
		&found);
	assert_true(found.found);
	assert_false(found.unified);
	assert_string_equal(found.mount, "/sys/fs/cgroup/cpu");
	assert_string_equal(found.root, "");
	find_in("29 1 0:25 /pod /sys/fs/cgroup rw shared:1 - cgroup2 cgroup rw,nsdelegate\n",
		&found);
	assert_true(found.found);
	assert_true(found.unified);
	assert_string_equal(found.root, "/pod");
}

static void nonsense_is_no_hierarchy(void **state)
{
	static const char *const texts[] = {
		"\n", " - ", "1 2 - cgroup2 x y\n", "29 1 0:25 / /a\\040b rw - cgroup2 cgroup rw\n",
		"29 1 0:25 / /x rw - cgroup\n", "29 1 0:25 / /x rw - cgroup cgroup rw,cpus\n",
	};
	static struct cpu_hierarchy found;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		find_in(texts[i], &found);
		assert_false(found.found);
	}
}

static void group_is_that_of_the_cpu_controller(void **state)
{
	char path[16] = "as before";
	bool unified = true;

	(void)state;
	assert_true(cpu_group_path("12:cpuset:/a\n4:cpu,cpuacct:/b:c\n0::/d\n", path, sizeof(path),
				   &unified));
	assert_string_equal(path, "/b:c");
	assert_false(unified);
	assert_true(cpu_group_path("12:cpuset:/a\n0::/d", path, sizeof(path), &unified));
	assert_string_equal(path, "/d");
	assert_true(unified);
	assert_false(cpu_group_path("12:cpuset:/a\n", path, sizeof(path), &unified));
	assert_false(cpu_group_path("", path, sizeof(path), &unified));
	assert_false(cpu_group_path("no colon\n0:one\n", path, sizeof(path), &unified));
	assert_false(cpu_group_path("0::/too-long-for-it\n", path, sizeof(path), &unified));
	assert_string_equal(path, "/d");
}

struct counters {
	size_t count;
	char text[1024];
};

static int keep_counter(void *context, const struct ft_event *event)
{
	struct counters *counters = context;
	size_t used = strlen(counters->text);

	assert_int_equal(event->kind, FT_EVENT_COUNTER);
	counters->count++;
	snprintf(counters->text + used, sizeof(counters->text) - used, "%s %s %lld\n",
		 event->counter.scope, event->counter.name, (long long)event->counter.value);
	return 0;
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void remove_file(const char *folder, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
}

static void limits_become_counters_of_the_group(void **state)
{
	static const char *const names[] = { "cpu.rt_runtime_us", "cpu.rt_period_us",
					     "cpu.cfs_quota_us", "cpu.max", "cpu.stat" };
	char top[] = "/tmp/test_cpu_group.XXXXXX", group[64];
	static struct cpu_hierarchy hierarchy;
	struct counters counters = { 0 };

	(void)state;
	assert_non_null(mkdtemp(top));
	snprintf(group, sizeof(group), "%s/g", top);
	assert_int_equal(mkdir(group, 0700), 0);
	write_file(group, "cpu.rt_runtime_us", "200000\n");
	write_file(group, "cpu.rt_period_us", "nonsense\n");
	write_file(group, "cpu.cfs_quota_us", "-1\n");
	write_file(group, "cpu.max", "5000 10000\n");
	write_file(group, "cpu.stat", "nr_periods 7\nnr_bursts 1\nbad\nthrottled_time 9\n");
	hierarchy.found = true;
	strcpy(hierarchy.mount, top);
	strcpy(hierarchy.root, "/pod");
	assert_int_equal(cpu_group_visit(&hierarchy, "/pod/g", keep_counter, &counters), 0);
	assert_string_equal(counters.text, "/pod/g cpu.rt_runtime_us 200000\n"
					   "/pod/g cpu.cfs_quota_us -1\n"
					   "/pod/g cpu.stat:nr_periods 7\n"
					   "/pod/g cpu.stat:throttled_time 9\n");
	counters = (struct counters){ 0 };
	hierarchy.unified = true;
	assert_int_equal(cpu_group_visit(&hierarchy, "/pod/g", keep_counter, &counters), 0);
	assert_non_null(strstr(counters.text, "/pod/g cpu.max:quota 5000\n"
					      "/pod/g cpu.max:period 10000\n"));
	write_file(group, "cpu.max", "max 10000\n");
	counters = (struct counters){ 0 };
	assert_int_equal(cpu_group_visit(&hierarchy, "/pod/g", keep_counter, &counters), 0);
	assert_non_null(strstr(counters.text, "cpu.max:quota -1\n"));

	/* Those that are not seen here, or are not there. */
	counters = (struct counters){ 0 };
	assert_int_equal(cpu_group_visit(&hierarchy, "/pod/../g", keep_counter, &counters), 0);
	assert_int_equal(cpu_group_visit(&hierarchy, "/podg", keep_counter, &counters), 0);
	assert_int_equal(cpu_group_visit(&hierarchy, "/g", keep_counter, &counters), 0);
	assert_int_equal(cpu_group_visit(&hierarchy, "/pod/other", keep_counter, &counters), 0);
	assert_int_equal(counters.count, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		remove_file(group, names[i]);
	rmdir(group);
	rmdir(top);
}

UNIT_TESTS(cpu_group)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hierarchy_of_v1_comes_before_that_of_v2),
		cmocka_unit_test(nonsense_is_no_hierarchy),
		cmocka_unit_test(group_is_that_of_the_cpu_controller),
		cmocka_unit_test(limits_become_counters_of_the_group),
	};

	return run_unit_tests(tests, NULL, NULL);
}
