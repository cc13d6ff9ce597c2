/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/event.h"
#include "recorder/proc/target.h"
#include "recorder/proc/thread_scheduling.h"
#include "tests/unit/support/unit_test.h"

struct seen {
	size_t count, counters;
	int32_t tid;
	uint32_t policy;
	int64_t nice;
	char cpus[64], comm[16];
};

static int keep_event(void *context, const struct ft_event *event)
{
	struct seen *seen = context;

	if (event->kind == FT_EVENT_COUNTER) {
		assert_true(event->counter.scope[0] == '/');
		seen->counters++;
		return 0;
	}
	assert_int_equal(event->kind, FT_EVENT_SCHEDULING);
	assert_int_equal(seen->counters, 0);
	seen->count++;
	seen->tid = event->task->tid;
	seen->policy = event->scheduling.policy;
	seen->nice = event->scheduling.nice;
	snprintf(seen->cpus, sizeof(seen->cpus), "%s", event->scheduling.cpus);
	memcpy(seen->comm, event->task->comm, sizeof(seen->comm));
	return 0;
}

/* A child of low priority that may use one CPU. */
static pid_t start_child(char *ret_cpu)
{
	cpu_set_t cpus;
	int ready[2], cpu = 0;
	pid_t child;
	char byte;

	assert_int_equal(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	while (!CPU_ISSET(cpu, &cpus))
		cpu++;
	sprintf(ret_cpu, "%d", cpu);
	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		struct sched_param none = { 0 };

		CPU_ZERO(&cpus);
		CPU_SET(cpu, &cpus);
		if (sched_setaffinity(0, sizeof(cpus), &cpus) ||
		    sched_setscheduler(0, SCHED_BATCH, &none) || setpriority(PRIO_PROCESS, 0, 7) ||
		    write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return child;
}

static void rules_of_a_thread_are_read(void **state)
{
	char cpu[16];
	pid_t child = start_child(cpu);
	const struct ft_task task = { child, child, "as told" };
	const struct target target = { .tgids = { child }, .count = 1 };
	struct seen seen = { 0 };

	(void)state;
	assert_int_equal(thread_scheduling_visit(NULL, &task, 1, keep_event, &seen), 0);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.tid, child);
	assert_int_equal(seen.policy, SCHED_BATCH);
	assert_int_equal(seen.nice, 7);
	assert_string_equal(seen.cpus, cpu);
	assert_string_equal(seen.comm, "as told");
	seen = (struct seen){ 0 };
	assert_int_equal(thread_scheduling_visit(&target, NULL, 0, keep_event, &seen), 0);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.cpus, cpu);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	seen = (struct seen){ 0 };
	assert_int_equal(thread_scheduling_visit(&target, &task, 1, keep_event, &seen), 0);
	assert_int_equal(seen.count, 0);
}

static void whole_host_is_read(void **state)
{
	const struct target host = { .count = 0 };
	struct seen seen = { 0 };

	(void)state;
	assert_int_equal(thread_scheduling_visit(&host, NULL, 0, keep_event, &seen), 0);
	assert_true(seen.count > 0);
}

UNIT_TESTS(thread_scheduling)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_of_a_thread_are_read),
		cmocka_unit_test(whole_host_is_read),
	};

	return run_unit_tests(tests, NULL, NULL);
}
