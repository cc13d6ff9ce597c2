/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real-time threads of a control group that may use a fifth of a CPU's time: one of them computes, and uses that up for
 * all. Ordinary threads have the CPU then.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <mntent.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/workloads/truth.h"

#define BURST_NS   (900 * TRUTH_MS)
#define HELD_UP_NS (50 * TRUTH_MS) /* between two looks at the clock: it did not run */

static char mount[PATH_MAX], group[PATH_MAX + 64];

/* Only version 1 limits real-time threads. */
static bool find_mount(void)
{
	FILE *mounts = setmntent("/proc/mounts", "re");
	const struct mntent *entry;

	while (mounts && !*mount && (entry = getmntent(mounts)))
		if (!strcmp(entry->mnt_type, "cgroup") && hasmntopt(entry, "cpu"))
			snprintf(mount, sizeof(mount), "%s", entry->mnt_dir);
	if (mounts)
		endmntent(mounts);
	return *mount;
}

/* A child outlives this process, and removes its group: a workload may end at any moment. */
static bool remove_group_at_end(void)
{
	int alive[2];
	pid_t child;
	char byte;

	if (pipe2(alive, O_CLOEXEC))
		return false;
	child = fork();
	if (child)
		return child > 0;
	close(alive[1]);
	close(STDOUT_FILENO); /* who reads the truth waits for its end */
	close(STDERR_FILENO);
	(void)!read(alive[0], &byte, 1);
	for (unsigned int tries = 0; rmdir(group) && errno == EBUSY && tries < 100; tries++)
		truth_sleep_ns(10 * TRUTH_MS);
	_exit(EXIT_SUCCESS);
}

static bool enter_group(void)
{
	if (!find_mount())
		return false;
	snprintf(group, sizeof(group), "%s/rt-limit-%d", mount, getpid());
	return !mkdir(group, 0755) && remove_group_at_end() &&
	       truth_write_text(group, "cpu.rt_period_us", "1000000") &&
	       truth_write_text(group, "cpu.rt_runtime_us", "200000") &&
	       truth_write_text(group, "cgroup.procs", "0");
}

/* All of them on the last CPU that this process may use. Return: 0 or an errno. */
static int become_real_time(void)
{
	struct sched_param real_time = { .sched_priority = 1 };
	cpu_set_t cpus, last;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		return errno;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &cpus))
			continue;
		CPU_ZERO(&last);
		CPU_SET(cpu, &last);
	}
	if (sched_setaffinity(0, sizeof(last), &last) || sched_setscheduler(0, SCHED_FIFO, &real_time))
		return errno;
	return 0;
}

/* The pause between two requests takes longer when the time is used up; that is noted. */
static void request(void)
{
	static __thread bool ready;

	if (!ready)
		become_real_time();
	ready = true;
}

static void burn(void)
{
	uint64_t start_ns = truth_now_ns(), last_ns = start_ns, now_ns = start_ns;

	for (; last_ns - start_ns < BURST_NS; last_ns = now_ns) {
		now_ns = truth_now_ns();
		if (now_ns - last_ns >= HELD_UP_NS)
			truth_waited(last_ns); /* its own victim */
	}
	truth_held(start_ns);
}

static void *compact(void *argument)
{
	become_real_time();
	for (; !truth_stopping(); truth_sleep_ns(TRUTH_MS)) {
		if (!truth_ordered())
			continue;
		burn();
		truth_order_done();
	}
	return argument;
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "Real-time threads have used up the CPU time of their group.", 0);
	if (!enter_group())
		truth_cannot("cannot make a control group with a limit of real-time CPU time");
	truth_thread("compactor", compact, NULL);
	truth_serve(4, request);
	return truth_run("director", "cpu-throttled", truth_order);
}
