/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/proc/proc_task.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "capture/event.h"
#include "recorder/base/clock.h"
#include "recorder/symbols/kallsyms.h"

#define FILE_BYTES \
	8192 /* holds a stack of 64 frames with common names; a longer one loses its root */
#define FRAMES_MAX 64 /* the kernel shows no more */

/*
 * Reads a whole file of /proc and ends it with a zero. Never pass it cmdline, environ, maps, smaps,
 * mem or the like: they wait for mmap_lock.
 *
 * Return: its bytes or a negative errno.
 */
static ssize_t read_at(int directory, const char *name, char *ret_text, size_t capacity)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	size_t bytes = 0;
	ssize_t got;
	int err = 0;

	if (fd < 0)
		return -errno;
	while (bytes < capacity - 1) {
		got = read(fd, ret_text + bytes, capacity - 1 - bytes);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			err = -errno;
		if (got <= 0)
			break;
		bytes += (size_t)got;
	}
	close(fd);
	ret_text[bytes] = '\0';
	return err < 0 ? err : (ssize_t)bytes;
}

/* Return: the process or thread ID that @name is, -1 where it is none. */
static int32_t parse_id(const char *name)
{
	char *end;
	long id = strtol(name, &end, 10);

	return *end == '\0' && id > 0 && id <= INT32_MAX ? (int32_t)id : -1;
}

static int32_t next_id(DIR *directory)
{
	struct dirent *entry;

	while ((entry = readdir(directory))) {
		int32_t id = parse_id(entry->d_name);

		if (id > 0)
			return id;
	}
	return -1;
}

static int open_task(DIR *directory, int32_t tid)
{
	char name[16];

	snprintf(name, sizeof(name), "%d", tid);
	return openat(dirfd(directory), name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* @task: a descriptor of /proc/PID/task/TID. Unlike stat, comm has the name as it is. */
static int read_task_comm(int task, char *ret_comm)
{
	char text[FILE_BYTES];
	ssize_t bytes = read_at(task, "comm", text, sizeof(text));

	if (bytes < 0)
		return (int)bytes;
	if (bytes > 0 && text[bytes - 1] == '\n')
		bytes--;
	if (bytes > FT_COMM_BYTES - 1)
		bytes = FT_COMM_BYTES - 1;
	memset(ret_comm, 0, FT_COMM_BYTES);
	memcpy(ret_comm, text, (size_t)bytes);
	return 0;
}

static enum ft_task_state parse_state_letter(char letter)
{
	switch (letter) {
	case 'R':
		return FT_STATE_RUNNING;
	case 'S':
		return FT_STATE_SLEEPING;
	case 'D':
		return FT_STATE_DISK;
	case 'T':
		return FT_STATE_STOPPED;
	case 't':
		return FT_STATE_TRACED;
	case 'X':
	case 'Z':
		return FT_STATE_DEAD;
	case 'P':
		return FT_STATE_PARKED;
	case 'I':
		return FT_STATE_IDLE;
	default:
		return FT_STATE_OTHER;
	}
}

static int read_state(int task, enum ft_task_state *ret_state)
{
	char text[FILE_BYTES];
	ssize_t bytes = read_at(task, "stat", text, sizeof(text));
	const char *name_end;

	if (bytes < 0)
		return (int)bytes;
	name_end = strrchr(text, ')'); /* the name may hold parentheses */
	if (!name_end || name_end[1] != ' ')
		return -EBADMSG;
	*ret_state = parse_state_letter(name_end[2]);
	return 0;
}

static void read_schedstat(int task, struct ft_event *event)
{
	char text[FILE_BYTES];
	uint64_t running_ns, delay_ns;

	if (read_at(task, "schedstat", text, sizeof(text)) < 0 ||
	    sscanf(text, "%" SCNu64 " %" SCNu64, &running_ns, &delay_ns) != 2)
		return;
	event->state.running_ns = running_ns;
	event->state.delay_ns = delay_ns;
}

/* "running", "-1 sp pc" outside of calls, or "number args[6] sp pc". */
static void read_syscall(int task, struct ft_event *event)
{
	char text[FILE_BYTES];
	uint64_t args[6];
	int64_t number;

	if (read_at(task, "syscall", text, sizeof(text)) < 0 ||
	    sscanf(text,
		   "%" SCNd64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64
		   " %" SCNx64,
		   &number, &args[0], &args[1], &args[2], &args[3], &args[4], &args[5]) != 7 ||
	    number < 0)
		return;
	event->state.syscall = number;
	memcpy(event->state.args, args, sizeof(args));
}

/* "[<0>] name+0x1/0x2 [module]", or an address without a name. Return: 0 if not understood. */
static uint64_t parse_frame(const struct kallsyms *kallsyms, char *line)
{
	char *name = strchr(line, ' '), *plus;
	uint64_t start;

	if (!name++)
		return 0;
	if (strncmp(name, "0x", 2) == 0)
		return strtoull(name, NULL, 16);
	plus = strchr(name, '+');
	if (!plus)
		return 0;
	*plus = '\0';
	start = kallsyms_address(kallsyms, name);
	return start ? start + strtoull(plus + 1, NULL, 16) : 0;
}

static size_t read_stack(int task, const struct kallsyms *kallsyms, uint64_t *ret_frames)
{
	char text[FILE_BYTES], *rest = text, *line;
	size_t count = 0;

	if (read_at(task, "stack", text, sizeof(text)) < 0)
		return 0;
	while (count < FRAMES_MAX && (line = strsep(&rest, "\n"))) {
		uint64_t address = rest ? parse_frame(kallsyms, line) : 0;

		if (address)
			ret_frames[count++] = address;
	}
	return count;
}

/* wchan names only the function that waits, but is readable where the stack is not. */
static size_t read_wchan(int task, const struct kallsyms *kallsyms, uint64_t *ret_frames)
{
	char text[FILE_BYTES];

	if (read_at(task, "wchan", text, sizeof(text)) < 0)
		return 0;
	ret_frames[0] = kallsyms_address(kallsyms, text);
	return ret_frames[0] != 0;
}

/* Return: what @visit returned, or -ESRCH where the thread is gone meanwhile. */
static int visit_thread(int task_fd, int32_t tgid, int32_t tid, const struct kallsyms *kallsyms,
			int (*visit)(void *context, const struct ft_event *event), void *context)
{
	uint64_t frames[FRAMES_MAX];
	struct ft_task task = { .tid = tid, .tgid = tgid };
	struct ft_stack stack = { .frames = frames };
	struct ft_event event = { .kind = FT_EVENT_STATE, .cpu = FT_NO_CPU, .task = &task };

	event.state.syscall = -1;
	if (read_state(task_fd, &event.state.state) < 0)
		return -ESRCH;
	event.time_ns = clock_now_ns();
	if (read_task_comm(task_fd, task.comm) < 0)
		return -ESRCH;
	read_schedstat(task_fd, &event);
	if (event.state.state != FT_STATE_RUNNING && event.state.state != FT_STATE_DEAD) {
		read_syscall(task_fd, &event);
		if (kallsyms)
			stack.kernel_count = (uint16_t)read_stack(task_fd, kallsyms, frames);
		if (kallsyms && stack.kernel_count == 0)
			stack.kernel_count = (uint16_t)read_wchan(task_fd, kallsyms, frames);
	}
	if (stack.kernel_count > 0)
		event.stack = &stack;
	return visit(context, &event);
}

static DIR *open_tasks(int32_t tgid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/task", tgid);
	return opendir(path);
}

int proc_task_visit(int32_t tgid, const struct kallsyms *kallsyms,
		       int (*visit)(void *context, const struct ft_event *event), void *context)
{
	DIR *tasks = open_tasks(tgid);
	int32_t tid;
	int err = 0;

	if (!tasks)
		return -ESRCH;
	while (err == 0 && (tid = next_id(tasks)) > 0) {
		int task_fd = open_task(tasks, tid);

		if (task_fd < 0)
			continue;
		err = visit_thread(task_fd, tgid, tid, kallsyms, visit, context);
		close(task_fd);
		if (err == -ESRCH) /* gone meanwhile */
			err = 0;
	}
	closedir(tasks);
	return err;
}

int proc_task_visit_one(int32_t tgid, int32_t tid, const struct kallsyms *kallsyms,
			   int (*visit)(void *context, const struct ft_event *event), void *context)
{
	char path[48];
	int task_fd, err;

	snprintf(path, sizeof(path), "/proc/%d/task/%d", tgid, tid);
	task_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (task_fd < 0)
		return -ESRCH;
	err = visit_thread(task_fd, tgid, tid, kallsyms, visit, context);
	close(task_fd);
	return err;
}

int proc_task_read_wait(int32_t tgid, int32_t tid, struct proc_task_wait *ret_wait)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", tgid, tid);
	int task_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (task_fd < 0)
		return -ESRCH;
	ret_wait->function[0] = '\0';
	int err = read_state(task_fd, &ret_wait->state);
	if (!err)
		read_at(task_fd, "wchan", ret_wait->function, sizeof(ret_wait->function));
	close(task_fd);
	return err ? -ESRCH : 0;
}

static int visit_names(DIR *tasks, int32_t tgid,
		       int (*visit)(void *context, const struct ft_task *task), void *context)
{
	struct ft_task task = { .tgid = tgid };
	int err = 0;

	while (err == 0 && (task.tid = next_id(tasks)) > 0) {
		int task_fd = open_task(tasks, task.tid);

		if (task_fd < 0)
			continue;
		if (read_task_comm(task_fd, task.comm) == 0)
			err = visit(context, &task);
		close(task_fd);
	}
	return err;
}

int proc_task_visit_process_names(int32_t tgid,
				  int (*visit)(void *context, const struct ft_task *task),
				  void *context)
{
	DIR *tasks = open_tasks(tgid);
	int err;

	if (!tasks)
		return -ESRCH;
	err = visit_names(tasks, tgid, visit, context);
	closedir(tasks);
	return err;
}

int proc_task_visit_names(int (*visit)(void *context, const struct ft_task *task), void *context)
{
	DIR *processes = opendir("/proc");
	int32_t tgid;
	int err = 0;

	if (!processes)
		return -errno;
	while (err == 0 && (tgid = next_id(processes)) > 0) {
		err = proc_task_visit_process_names(tgid, visit, context);
		if (err == -ESRCH) /* gone meanwhile */
			err = 0;
	}
	closedir(processes);
	return err;
}
