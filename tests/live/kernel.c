/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/live/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/decoder.h"
#include "capture/segment.h"

#define SKIPPED	   77
#define RING_BYTES (8u << 20)

int kernel_failed(const char *what, int error)
{
	if (error)
		fprintf(stderr, "FAIL: %s: %s\n", what, strerror(error < 0 ? -error : error));
	else
		fprintf(stderr, "FAIL: %s\n", what);
	return 1;
}

int kernel_skipped(const char *why)
{
	printf("SKIP: %s\n", why);
	return SKIPPED;
}

static int record_host(struct kernel *kernel, size_t slot_count, int (*test)(struct kernel *kernel))
{
	int status = 1;
	if (task_table_create(4096, &kernel->tasks) ||
	    segment_ring_create(KERNEL_SLOT_BYTES, slot_count, &kernel->slots) ||
	    stack_dumps_create(&kernel->dumps) ||
	    drain_create(kernel->plan, kernel->counters, kernel->tasks, kernel->slots,
			 kernel->dumps, &kernel->drain))
		kernel_failed("no memory", 0);
	else
		status = test(kernel);
	drain_destroy(kernel->drain);
	stack_dumps_destroy(kernel->dumps);
	segment_ring_destroy(kernel->slots);
	task_table_destroy(kernel->tasks);
	return status;
}

/* As live_test() of lib.sh does: until the process ends. Without such a file there are no others. */
static void take_lock(void)
{
	int lock = open("tests/live/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (lock >= 0)
		flock(lock, getenv("LIVE_CALM") ? LOCK_SH : LOCK_EX);
}

int kernel_test(size_t slot_count, int (*test)(struct kernel *kernel))
{
	struct kernel kernel = { .drain = NULL };
	struct event_plan_error plan_error;
	struct perf_events_failure failure;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (geteuid())
		return kernel_skipped("recording needs root");
	take_lock();
	int error = tracefs_open(&kernel.tracefs);
	if (!error)
		error = event_plan_create(&TRACEPOINT_TIER, &kernel.tracefs, RING_BYTES / 4,
					  &kernel.plan, &plan_error);
	if (!error)
		error = perf_events_open(kernel.plan, RING_BYTES, &kernel.counters, &failure);
	if (error) {
		printf("SKIP: this kernel does not let us record: %s\n", strerror(-error));
		return SKIPPED;
	}
	int status = record_host(&kernel, slot_count, test);
	perf_events_close(kernel.counters);
	event_plan_destroy(kernel.plan);
	tracefs_close(&kernel.tracefs);
	return status;
}

int kernel_read_events(const struct kernel *kernel,
		       void (*visit)(void *context, const struct ft_event *event), void *context)
{
	struct segment_ring_cursor cursor = { 0 };
	struct ft_decoder *decoder;
	uint8_t *buffer = malloc(KERNEL_SLOT_BYTES);
	size_t bytes;
	int error = 0;

	if (!buffer || ft_decoder_create(&decoder)) {
		free(buffer);
		return -ENOMEM;
	}
	while (!error && segment_ring_get(kernel->slots, &cursor, buffer, &bytes)) {
		struct ft_segment segment;
		struct ft_event event;
		size_t used;
		error = ft_segment_decode(buffer, bytes, &segment, &used) ? -EBADMSG : 0;
		if (error)
			break;
		ft_decoder_begin(decoder, segment.payload, segment.payload_bytes, segment.cpu,
				 segment.first_ns);
		while (ft_decoder_next(decoder, &event) == 1)
			visit(context, &event);
	}
	ft_decoder_destroy(decoder);
	free(buffer);
	return error ? error : cursor.lost_segments ? -ENOBUFS : 0;
}

static int stay_on(int cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

pid_t kernel_start_pair(int cpu, const char *name)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	int there[2], back[2];
	char byte = 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, name);
	if (stay_on(cpu) < 0 || pipe(there) < 0 || pipe(back) < 0)
		_exit(1);
	bool child = !fork();
	if (child)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (child ? read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1
		     : write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1)
		;
	_exit(1);
}

void kernel_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
