/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/perf/perf_events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recorder/perf/cpus.h"

#define RING_BYTES_DEFAULT (8u << 20)
#define RING_BYTES_LEAST   (64u << 10)
#define RINGS_BYTES_MAX	   (256u << 20)
#define SPARE_FILES	   64
#define READ_FORMAT_LOST   (1u << 4) /* PERF_FORMAT_LOST: headers before 6.0 lack it */

/* What read() says of an event. */
struct reading {
	uint64_t value, enabled_ns;
	uint64_t lost; /* where counts_lost */
};

int perf_events_try(const struct perf_event_attr *attr, int pid, int cpu)
{
	int fd = (int)syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool has_no_counter(int error)
{
	return error == -ENOENT || error == -EOPNOTSUPP || error == -ENODEV || error == -EINVAL;
}

static int open_event(struct perf_events *counters, const struct event_plan_entry *event,
		      uint32_t cpu)
{
	struct perf_event_attr attr = event->attr;
	attr.read_format =
		PERF_FORMAT_TOTAL_TIME_ENABLED | (counters->counts_lost ? READ_FORMAT_LOST : 0);
	int fd = perf_events_try(&attr, -1, (int)cpu);
	if (event->role == ROLE_SAMPLE && has_no_counter(fd)) {
		/* Virtual machines often have no cycle counter. */
		attr.type = PERF_TYPE_SOFTWARE;
		attr.config = PERF_COUNT_SW_CPU_CLOCK;
		int clock_fd = perf_events_try(&attr, -1, (int)cpu);
		if (clock_fd >= 0)
			counters->sample_event = "cpu-clock";
		return clock_fd;
	}
	return fd;
}

/* Map the ring of the CPU's first event; smaller where the user may not lock so much. */
static int map_ring(struct perf_events *counters, struct perf_events_cpu *cpu)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	for (;;) {
		void *map = mmap(NULL, page_bytes + counters->ring_bytes, PROT_READ | PROT_WRITE,
				 MAP_SHARED, cpu->fds[0], 0);
		if (map != MAP_FAILED) {
			cpu->map = map;
			perf_ring_attach(&cpu->ring, map, (uint8_t *)map + page_bytes,
					 counters->ring_bytes, counters->wrapped);
			return 0;
		}
		/* Later CPUs may be smaller than the first ones: the sizes need not be equal. */
		if ((errno != EPERM && errno != ENOMEM) || counters->ring_bytes <= RING_BYTES_LEAST)
			return -errno;
		counters->ring_bytes /= 2;
	}
}

static int open_cpu(struct perf_events *counters, const struct event_plan *plan,
		    struct perf_events_cpu *cpu, struct perf_events_failure *failure)
{
	failure->cpu = cpu->cpu;
	for (size_t i = 0; i < plan->count; i++) {
		const struct event_plan_entry *event = &plan->events[i];
		failure->event = event;
		failure->step = COUNTERS_OPEN;
		int fd = open_event(counters, event, cpu->cpu);
		if (fd < 0)
			return fd;
		cpu->fds[i] = fd;
		if (ioctl(fd, PERF_EVENT_IOC_ID, &cpu->ids[i]) < 0)
			return -errno;
		failure->step = COUNTERS_FILTER;
		if (event->filter && ioctl(fd, PERF_EVENT_IOC_SET_FILTER, event->filter) < 0)
			return -errno;
		failure->step = COUNTERS_RING;
		if (!i) {
			int error = map_ring(counters, cpu);
			if (error)
				return error;
		} else if (ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, cpu->fds[0]) < 0) {
			return -errno;
		}
	}
	return 0;
}

/* Its number is as it was: others read it at any time. */
static void set_closed(struct perf_events_cpu *cpu)
{
	for (size_t i = 0; i < PLAN_EVENTS_MAX; i++)
		cpu->fds[i] = -1;
	cpu->map = NULL;
	cpu->enabled_ns = 0;
}

void perf_events_close_cpu(const struct perf_events *counters, struct perf_events_cpu *cpu)
{
	for (size_t i = counters->event_count; i-- > 1;)
		if (cpu->fds[i] >= 0)
			close(cpu->fds[i]);
	if (cpu->map)
		munmap(cpu->map, (size_t)sysconf(_SC_PAGESIZE) + cpu->ring.data_bytes);
	if (cpu->fds[0] >= 0)
		close(cpu->fds[0]);
	set_closed(cpu);
}

/* Enough descriptors for every event on every CPU, as far as this user may. */
static void raise_file_limit(size_t files)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= files)
		return;
	struct rlimit wanted = { .rlim_cur = files, .rlim_max = limit.rlim_max };
	if (wanted.rlim_max < files)
		wanted.rlim_max = files;
	if (setrlimit(RLIMIT_NOFILE, &wanted) < 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Kernels before 6.0 refuse the flag. */
static bool kernel_counts_lost(const struct event_plan_entry *first)
{
	struct perf_event_attr attr = first->attr;
	attr.read_format = READ_FORMAT_LOST;
	int fd = perf_events_try(&attr, -1, 0);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int perf_events_open(const struct event_plan *plan, size_t ring_bytes,
		     struct perf_events **ret_counters, struct perf_events_failure *ret_failure)
{
	uint32_t *online = NULL;
	size_t online_count = 0;

	*ret_failure = (struct perf_events_failure){ .step = COUNTERS_OTHER };
	struct perf_events *counters = calloc(1, sizeof(*counters));
	if (!counters)
		return -ENOMEM;
	counters->event_count = plan->count;
	counters->ring_bytes = ring_bytes;
	counters->sample_event = "cycles";
	for (size_t i = 0; i < plan->count; i++)
		counters->modes[i] = plan->events[i].modes;
	int error = cpus_online(&online, &online_count);
	if (error)
		goto out;
	raise_file_limit(online_count * plan->count + SPARE_FILES);
	counters->counts_lost = kernel_counts_lost(&plan->events[0]);
	counters->cpus = calloc(online_count, sizeof(*counters->cpus));
	counters->wrapped = calloc(1, RING_RECORD_BYTES_MAX);
	if (!counters->cpus || !counters->wrapped) {
		error = -ENOMEM;
		goto out;
	}
	for (size_t i = 0; i < online_count; i++) {
		struct perf_events_cpu *cpu = &counters->cpus[counters->cpu_count];
		cpu->cpu = online[i];
		set_closed(cpu);
		error = open_cpu(counters, plan, cpu, ret_failure);
		if (error == -ENODEV) { /* went offline */
			perf_events_close_cpu(counters, cpu);
			error = 0;
			continue;
		}
		counters->cpu_count++;
		if (error)
			goto out;
	}
	if (!counters->cpu_count)
		error = -ENODEV;
out:
	free(online);
	if (error) {
		perf_events_close(counters);
		return error;
	}
	*ret_counters = counters;
	return 0;
}

void perf_events_close(struct perf_events *counters)
{
	if (!counters)
		return;
	for (size_t i = 0; i < counters->cpu_count; i++)
		perf_events_close_cpu(counters, &counters->cpus[i]);
	free(counters->cpus);
	free(counters->wrapped);
	free(counters);
}

static bool in_mode(const struct perf_events *counters, size_t event, enum tier_mode mode)
{
	return !counters->modes[event] || counters->modes[event] & IN_MODE(mode);
}

/* The CPU may have gone offline meanwhile: that is seen and noted elsewhere. */
static void enable_cpu(const struct perf_events *counters, const struct perf_events_cpu *cpu)
{
	for (size_t i = 0; cpu->map && i < counters->event_count; i++)
		if (in_mode(counters, i, counters->mode))
			ioctl(cpu->fds[i], PERF_EVENT_IOC_ENABLE, 0);
}

void perf_events_enable(struct perf_events *counters)
{
	for (size_t i = 0; i < counters->cpu_count; i++)
		enable_cpu(counters, &counters->cpus[i]);
	counters->enabled = true;
}

void perf_events_disable(struct perf_events *counters)
{
	for (size_t i = 0; i < counters->cpu_count; i++)
		for (size_t j = 0; counters->cpus[i].map && j < counters->event_count; j++)
			ioctl(counters->cpus[i].fds[j], PERF_EVENT_IOC_DISABLE, 0);
	counters->enabled = false;
}

int perf_events_open_cpu(struct perf_events *counters, const struct event_plan *plan,
			 struct perf_events_cpu *cpu)
{
	struct perf_events_failure failure;
	int error = open_cpu(counters, plan, cpu, &failure);
	if (error)
		perf_events_close_cpu(counters, cpu);
	else if (counters->enabled)
		enable_cpu(counters, cpu);
	return error;
}

/* @request for those events of a CPU that @mode records and @other does not. */
static int control_difference(const struct perf_events *counters, const struct perf_events_cpu *cpu,
			      unsigned long request, enum tier_mode mode, enum tier_mode other)
{
	for (size_t i = 0; cpu->map && i < counters->event_count; i++)
		if (in_mode(counters, i, mode) && !in_mode(counters, i, other) &&
		    ioctl(cpu->fds[i], request, 0) < 0 && errno != ENODEV)
			return -errno;
	return 0;
}

/*
 * The kernel enables and disables an event by an interrupt of its CPU, so each step takes effect between
 * two switches of that CPU. A filter cannot be used for this: an event takes one, once (EEXIST).
 */
int perf_events_set_mode(struct perf_events *counters, enum tier_mode mode)
{
	enum tier_mode old = counters->mode;

	for (size_t i = 0; counters->enabled && i < counters->cpu_count; i++) {
		int error = control_difference(counters, &counters->cpus[i], PERF_EVENT_IOC_ENABLE,
					       mode, old);
		if (error) {
			for (size_t j = 0; j <= i; j++)
				control_difference(counters, &counters->cpus[j],
						   PERF_EVENT_IOC_DISABLE, mode, old);
			return error;
		}
	}
	for (size_t i = 0; counters->enabled && i < counters->cpu_count; i++)
		control_difference(counters, &counters->cpus[i], PERF_EVENT_IOC_DISABLE, old, mode);
	counters->mode = mode;
	return 0;
}

static bool read_event(int fd, size_t bytes, struct reading *ret_reading)
{
	*ret_reading = (struct reading){ .value = 0 };
	return read(fd, ret_reading, bytes) == (ssize_t)bytes;
}

bool perf_events_alive(const struct perf_events *counters, struct perf_events_cpu *cpu)
{
	struct reading reading;
	size_t bytes = counters->counts_lost ? sizeof(reading) : offsetof(struct reading, lost);

	if (!read_event(cpu->fds[0], bytes, &reading) || reading.enabled_ns == cpu->enabled_ns)
		return false;
	cpu->enabled_ns = reading.enabled_ns;
	return true;
}

uint64_t perf_events_lost(const struct perf_events *counters, const struct perf_events_cpu *cpu)
{
	uint64_t lost = 0;
	for (size_t i = 0; counters->counts_lost && cpu->map && i < counters->event_count; i++) {
		struct reading reading;
		if (read_event(cpu->fds[i], sizeof(reading), &reading))
			lost += reading.lost;
	}
	return lost;
}

size_t perf_events_default_ring_bytes(void)
{
	uint32_t *online;
	size_t count, bytes = RING_BYTES_DEFAULT;
	if (cpus_online(&online, &count))
		return bytes;
	free(online);
	while (bytes > RING_BYTES_LEAST && bytes * count > RINGS_BYTES_MAX)
		bytes /= 2;
	return bytes;
}
