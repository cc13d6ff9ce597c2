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
#define RING_BYTES_MIN	   (64u << 10)
#define RINGS_BYTES_MAX	   (256u << 20)
#define SPARE_FILES	   64
#define READ_FORMAT_LOST   (1u << 4) /* PERF_FORMAT_LOST: headers before 6.0 lack it */

/* What read() returns of an event. */
struct reading {
	uint64_t value, enabled_ns;
	uint64_t lost; /* only where counts_lost */
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

static int open_event(struct perf_events *events, const struct event_plan_entry *event,
		      uint32_t cpu)
{
	struct perf_event_attr attr = event->attr;
	attr.read_format =
		PERF_FORMAT_TOTAL_TIME_ENABLED | (events->counts_lost ? READ_FORMAT_LOST : 0);
	int fd = perf_events_try(&attr, -1, (int)cpu);
	if (event->role == ROLE_SAMPLE && has_no_counter(fd)) {
		/* A virtual machine often has no cycle counter. */
		attr.type = PERF_TYPE_SOFTWARE;
		attr.config = PERF_COUNT_SW_CPU_CLOCK;
		int clock_fd = perf_events_try(&attr, -1, (int)cpu);
		if (clock_fd >= 0)
			events->sample_event = "cpu-clock";
		return clock_fd;
	}
	return fd;
}

/* Maps the ring of the CPU's first event, smaller where the user may not lock so much memory. */
static int map_ring(struct perf_events *events, struct perf_events_cpu *cpu)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	for (;;) {
		void *map = mmap(NULL, page_bytes + events->ring_bytes, PROT_READ | PROT_WRITE,
				 MAP_SHARED, cpu->fds[0], 0);
		if (map != MAP_FAILED) {
			cpu->map = map;
			perf_ring_attach(&cpu->ring, map, (uint8_t *)map + page_bytes,
					 events->ring_bytes, events->wrapped);
			return 0;
		}
		/* The rings of later CPUs may be smaller than the first. */
		if ((errno != EPERM && errno != ENOMEM) || events->ring_bytes <= RING_BYTES_MIN)
			return -errno;
		events->ring_bytes /= 2;
	}
}

/* Opens event @index, without a filter. Return: 0 or a negative errno. */
static int open_one(struct perf_events *events, const struct event_plan_entry *event,
		    struct perf_events_cpu *cpu, size_t index)
{
	uint64_t id;
	int fd = open_event(events, event, cpu->cpu);

	if (fd < 0)
		return fd;
	cpu->fds[index] = fd;
	if (ioctl(fd, PERF_EVENT_IOC_ID, &id) < 0)
		return -errno;
	cpu->ids[index] = id;
	return 0;
}

static int open_cpu(struct perf_events *events, const struct event_plan *plan,
		    struct perf_events_cpu *cpu, struct perf_events_failure *failure)
{
	failure->cpu = cpu->cpu;
	for (size_t i = 0; i < plan->count; i++) {
		const struct event_plan_entry *event = &plan->events[i];
		if (event->on_demand)
			continue;
		failure->event = event;
		failure->step = PERF_EVENTS_OPEN;
		int error = open_one(events, event, cpu, i);
		if (error)
			return error;
		failure->step = PERF_EVENTS_FILTER;
		if (event->filter &&
		    ioctl(cpu->fds[i], PERF_EVENT_IOC_SET_FILTER, event->filter) < 0)
			return -errno;
		failure->step = PERF_EVENTS_RING;
		if (!i)
			error = map_ring(events, cpu);
		else if (ioctl(cpu->fds[i], PERF_EVENT_IOC_SET_OUTPUT, cpu->fds[0]) < 0)
			error = -errno;
		if (error)
			return error;
	}
	return 0;
}

/* Leaves cpu->cpu alone, which other threads read at any time. */
static void set_closed(struct perf_events_cpu *cpu)
{
	for (size_t i = 0; i < PLAN_EVENTS_MAX; i++)
		cpu->fds[i] = -1;
	cpu->map = NULL;
	cpu->enabled_ns = 0;
}

void perf_events_close_cpu(const struct perf_events *events, struct perf_events_cpu *cpu)
{
	for (size_t i = events->event_count; i-- > 1;)
		if (cpu->fds[i] >= 0)
			close(cpu->fds[i]);
	if (cpu->map)
		munmap(cpu->map, (size_t)sysconf(_SC_PAGESIZE) + cpu->ring.data_bytes);
	if (cpu->fds[0] >= 0)
		close(cpu->fds[0]);
	set_closed(cpu);
}

/* Allows descriptors for every event on every CPU, as far as this user may. */
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

/* Kernels before 6.0 refuse the flag in read_format. */
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
		     struct perf_events **ret_events, struct perf_events_failure *ret_failure)
{
	uint32_t *online = NULL;
	size_t online_count = 0;

	*ret_failure = (struct perf_events_failure){ .step = PERF_EVENTS_OTHER };
	struct perf_events *events = calloc(1, sizeof(*events));
	if (!events)
		return -ENOMEM;
	events->event_count = plan->count;
	events->ring_bytes = ring_bytes;
	events->sample_event = "cycles";
	for (size_t i = 0; i < plan->count; i++) {
		events->modes[i] = plan->events[i].modes;
		events->on_demand[i] = plan->events[i].on_demand;
	}
	int error = cpus_online(&online, &online_count);
	if (error)
		goto out;
	raise_file_limit(online_count * plan->count + SPARE_FILES);
	events->counts_lost = kernel_counts_lost(&plan->events[0]);
	events->cpus = calloc(online_count, sizeof(*events->cpus));
	events->wrapped = calloc(1, PERF_RING_RECORD_BYTES_MAX);
	if (!events->cpus || !events->wrapped) {
		error = -ENOMEM;
		goto out;
	}
	for (size_t i = 0; i < online_count; i++) {
		struct perf_events_cpu *cpu = &events->cpus[events->cpu_count];
		cpu->cpu = online[i];
		set_closed(cpu);
		error = open_cpu(events, plan, cpu, ret_failure);
		if (error == -ENODEV) { /* went offline */
			perf_events_close_cpu(events, cpu);
			error = 0;
			continue;
		}
		events->cpu_count++;
		if (error)
			goto out;
	}
	if (!events->cpu_count)
		error = -ENODEV;
out:
	free(online);
	if (error) {
		perf_events_close(events);
		return error;
	}
	*ret_events = events;
	return 0;
}

void perf_events_close(struct perf_events *events)
{
	if (!events)
		return;
	for (size_t i = 0; i < events->cpu_count; i++)
		perf_events_close_cpu(events, &events->cpus[i]);
	free(events->cpus);
	free(events->wrapped);
	free(events);
}

/* Events on demand have a life of their own. */
static bool is_in_mode(const struct perf_events *events, size_t event, enum tier_mode mode)
{
	return !events->on_demand[event] &&
	       (!events->modes[event] || events->modes[event] & IN_MODE(mode));
}

/* Ignores errors, because the CPU may have gone offline: record/hotplug.c sees that. */
static void enable_cpu(const struct perf_events *events, const struct perf_events_cpu *cpu)
{
	for (size_t i = 0; cpu->map && i < events->event_count; i++)
		if (is_in_mode(events, i, events->mode))
			ioctl(cpu->fds[i], PERF_EVENT_IOC_ENABLE, 0);
}

void perf_events_enable(struct perf_events *events)
{
	for (size_t i = 0; i < events->cpu_count; i++)
		enable_cpu(events, &events->cpus[i]);
	events->enabled = true;
}

void perf_events_disable(struct perf_events *events)
{
	for (size_t i = 0; i < events->cpu_count; i++)
		for (size_t j = 0; events->cpus[i].map && j < events->event_count; j++)
			if (events->cpus[i].fds[j] >= 0)
				ioctl(events->cpus[i].fds[j], PERF_EVENT_IOC_DISABLE, 0);
	events->enabled = false;
}

int perf_events_open_cpu(struct perf_events *events, const struct event_plan *plan,
			 struct perf_events_cpu *cpu)
{
	struct perf_events_failure failure;
	int error = open_cpu(events, plan, cpu, &failure);
	if (error)
		perf_events_close_cpu(events, cpu);
	else if (events->enabled)
		enable_cpu(events, cpu);
	return error;
}

/* Applies @request to the events of a CPU that @mode records and @other does not. */
static int control_difference(const struct perf_events *events, const struct perf_events_cpu *cpu,
			      unsigned long request, enum tier_mode mode, enum tier_mode other)
{
	for (size_t i = 0; cpu->map && i < events->event_count; i++)
		if (is_in_mode(events, i, mode) && !is_in_mode(events, i, other) &&
		    ioctl(cpu->fds[i], request, 0) < 0 && errno != ENODEV)
			return -errno;
	return 0;
}

/*
 * The kernel enables and disables an event by an interrupt of its CPU, so a step takes effect
 * between two switches of that CPU. A filter cannot do this: an event takes one only once (EEXIST).
 */
int perf_events_set_mode(struct perf_events *events, enum tier_mode mode)
{
	enum tier_mode old = events->mode;

	for (size_t i = 0; events->enabled && i < events->cpu_count; i++) {
		int error = control_difference(events, &events->cpus[i], PERF_EVENT_IOC_ENABLE,
					       mode, old);
		if (error) {
			for (size_t j = 0; j <= i; j++)
				control_difference(events, &events->cpus[j], PERF_EVENT_IOC_DISABLE,
						   mode, old);
			return error;
		}
	}
	for (size_t i = 0; events->enabled && i < events->cpu_count; i++)
		control_difference(events, &events->cpus[i], PERF_EVENT_IOC_DISABLE, old, mode);
	events->mode = mode;
	return 0;
}

static int demand_on_cpu(struct perf_events *events, const struct event_plan_entry *event,
			 struct perf_events_cpu *cpu, size_t index, const char *filter)
{
	int error = open_one(events, event, cpu, index);

	if (error)
		return error;
	return ioctl(cpu->fds[index], PERF_EVENT_IOC_SET_FILTER, filter) < 0 ||
			       ioctl(cpu->fds[index], PERF_EVENT_IOC_SET_OUTPUT, cpu->fds[0]) < 0 ||
			       (events->enabled &&
				ioctl(cpu->fds[index], PERF_EVENT_IOC_ENABLE, 0) < 0)
		       ? -errno
		       : 0;
}

int perf_events_demand(struct perf_events *events, const struct event_plan *plan, size_t index,
		       const char *filter)
{
	for (size_t i = 0; i < events->cpu_count; i++) {
		struct perf_events_cpu *cpu = &events->cpus[i];
		int error = cpu->map ? demand_on_cpu(events, &plan->events[index], cpu, index,
						     filter)
				     : 0;
		if (error && error != -ENODEV) {
			perf_events_end_demand(events, index);
			return error;
		}
	}
	return 0;
}

void perf_events_end_demand(struct perf_events *events, size_t index)
{
	for (size_t i = 0; i < events->cpu_count; i++) {
		if (events->cpus[i].fds[index] >= 0)
			close(events->cpus[i].fds[index]);
		events->cpus[i].fds[index] = -1;
	}
}

static bool read_event(int fd, size_t bytes, struct reading *ret_reading)
{
	*ret_reading = (struct reading){ .value = 0 };
	return read(fd, ret_reading, bytes) == (ssize_t)bytes;
}

bool perf_events_alive(const struct perf_events *events, struct perf_events_cpu *cpu)
{
	struct reading reading;
	size_t bytes = events->counts_lost ? sizeof(reading) : offsetof(struct reading, lost);

	if (!read_event(cpu->fds[0], bytes, &reading) || reading.enabled_ns == cpu->enabled_ns)
		return false;
	cpu->enabled_ns = reading.enabled_ns;
	return true;
}

uint64_t perf_events_lost(const struct perf_events *events, const struct perf_events_cpu *cpu)
{
	uint64_t lost = 0;
	for (size_t i = 0; events->counts_lost && cpu->map && i < events->event_count; i++) {
		struct reading reading;
		if (cpu->fds[i] >= 0 && read_event(cpu->fds[i], sizeof(reading), &reading))
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
	while (bytes > RING_BYTES_MIN && bytes * count > RINGS_BYTES_MAX)
		bytes /= 2;
	return bytes;
}
