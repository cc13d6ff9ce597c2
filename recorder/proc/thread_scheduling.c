/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/proc/thread_scheduling.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/event.h"
#include "recorder/base/clock.h"
#include "recorder/proc/cpu_group.h"
#include "recorder/proc/proc_task.h"
#include "recorder/proc/target.h"

#define THREADS_MAX 4096u
#define GROUPS_MAX  64u /* with those above them */
#define CPUS_MAX    8192u
#define GROUP_BYTES 8192u /* of /proc/PID/cgroup */
#define WORD_BITS   (sizeof(unsigned long) * CHAR_BIT)

struct scheduling_walk {
	int (*visit)(void *context, const struct ft_event *event);
	void *context;
	struct cpu_hierarchy hierarchy;
	size_t threads;
	size_t group_count;
	char groups[GROUPS_MAX][FT_NAME_BYTES_MAX]; /* each once */
};

static bool mask_has(const unsigned long *mask, unsigned int cpu)
{
	return cpu < CPUS_MAX && mask[cpu / WORD_BITS] >> cpu % WORD_BITS & 1;
}

/* "0-3,8". Part of a list would be another one: it is empty where it does not fit. */
static void write_cpus(const unsigned long *mask, char *ret_text, size_t bytes)
{
	size_t used = 0;

	ret_text[0] = '\0';
	for (unsigned int cpu = 0; cpu < CPUS_MAX; cpu++) {
		unsigned int first = cpu;
		int more;

		if (!mask_has(mask, cpu))
			continue;
		while (mask_has(mask, cpu + 1))
			cpu++;
		more = first == cpu ? snprintf(ret_text + used, bytes - used, "%s%u",
					       used ? "," : "", first)
				    : snprintf(ret_text + used, bytes - used, "%s%u-%u",
					       used ? "," : "", first, cpu);
		used += (size_t)more;
		if (used >= bytes) {
			ret_text[0] = '\0';
			return;
		}
	}
}

static void read_cpus(int32_t tid, char *ret_text, size_t bytes)
{
	unsigned long mask[CPUS_MAX / WORD_BITS] = { 0 };

	/* The library's function wants a mask of the size that the kernel was built for. */
	if (syscall(SYS_sched_getaffinity, tid, sizeof(mask), mask) > 0)
		write_cpus(mask, ret_text, bytes);
}

static void read_group(const struct ft_task *task, char *ret_path, bool *ret_unified)
{
	char path[64], text[GROUP_BYTES];
	ssize_t bytes;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/cgroup", task->tgid, task->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	bytes = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[bytes > 0 ? bytes : 0] = '\0';
	cpu_group_path(text, ret_path, FT_NAME_BYTES_MAX, ret_unified);
}

static void note_one_group(struct scheduling_walk *walk, const char *path)
{
	for (size_t i = 0; i < walk->group_count; i++)
		if (!strcmp(walk->groups[i], path))
			return;
	if (walk->group_count < GROUPS_MAX)
		strcpy(walk->groups[walk->group_count++], path);
}

/* A limit may be that of a group above. */
static void note_group(struct scheduling_walk *walk, const char *path, bool unified)
{
	char above[FT_NAME_BYTES_MAX], *slash;

	if (path[0] != '/' || unified != walk->hierarchy.unified)
		return;
	snprintf(above, sizeof(above), "%s", path);
	while ((slash = strrchr(above, '/')) != above) {
		note_one_group(walk, above);
		*slash = '\0';
	}
	note_one_group(walk, above);
	note_one_group(walk, "/");
}

/* By system calls, which wait for nobody. A thread that is gone is passed over. */
static int visit_thread(void *context, const struct ft_task *task)
{
	struct scheduling_walk *walk = context;
	char cpus[FT_NAME_BYTES_MAX] = "", group[FT_NAME_BYTES_MAX] = "";
	struct ft_event event = { .kind = FT_EVENT_SCHEDULING, .cpu = FT_NO_CPU, .task = task };
	struct sched_param parameters = { 0 };
	int policy = sched_getscheduler(task->tid);
	bool unified = false;

	if (walk->threads >= THREADS_MAX)
		return -E2BIG;
	if (policy < 0 || sched_getparam(task->tid, &parameters) < 0)
		return 0;
	walk->threads++;
	read_cpus(task->tid, cpus, sizeof(cpus));
	read_group(task, group, &unified);
	note_group(walk, group, unified);
	event.time_ns = clock_now_ns();
	event.scheduling.policy = (uint32_t)(policy & ~SCHED_RESET_ON_FORK);
	event.scheduling.priority = (uint32_t)parameters.sched_priority;
	errno = 0; /* -1 is a priority, too */
	event.scheduling.nice = getpriority(PRIO_PROCESS, (id_t)task->tid);
	if (errno)
		return 0;
	event.scheduling.cpus = cpus;
	event.scheduling.group = group;
	return walk->visit(walk->context, &event);
}

static int visit_target(struct scheduling_walk *walk, const struct target *target)
{
	int r = 0;

	if (!target->count)
		return proc_task_visit_names(visit_thread, walk);
	for (size_t i = 0; i < target->count && (!r || r == -ESRCH); i++)
		r = proc_task_visit_process_names(target->tgids[i], visit_thread, walk);
	return r == -ESRCH ? 0 : r;
}

static int visit_all(struct scheduling_walk *walk, const struct target *target,
		     const struct ft_task *tasks, size_t count)
{
	int r = 0;

	for (size_t i = 0; i < count && !r; i++)
		r = visit_thread(walk, &tasks[i]);
	if (!r && target)
		r = visit_target(walk, target);
	if (r == -E2BIG)
		r = 0;
	for (size_t i = 0; i < walk->group_count && !r; i++)
		r = cpu_group_visit(&walk->hierarchy, walk->groups[i], walk->visit, walk->context);
	return r;
}

int thread_scheduling_visit(const struct target *target, const struct ft_task *tasks, size_t count,
			    int (*visit)(void *context, const struct ft_event *event),
			    void *context)
{
	struct scheduling_walk *walk = calloc(1, sizeof(*walk));
	FILE *mountinfo = fopen("/proc/self/mountinfo", "re");
	int r = walk ? 0 : -ENOMEM;

	if (walk && mountinfo)
		cpu_hierarchy_find(mountinfo, &walk->hierarchy);
	if (mountinfo)
		fclose(mountinfo);
	if (walk) {
		walk->visit = visit;
		walk->context = context;
		r = visit_all(walk, target, tasks, count);
	}
	free(walk);
	return r;
}
