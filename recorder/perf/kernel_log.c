/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/perf/kernel_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "capture/format.h"
#include "recorder/base/clock.h"
#include "recorder/buffer/event_list.h"
#include "recorder/buffer/recorder_events.h"
#include "recorder/perf/perf_events.h"
#include "recorder/perf/perf_ring.h"

#define KEPT_MAX 256
/* The detector repeats itself every two minutes, but ten times at most (hung_task_warnings). */
#define BEFORE_NS	   600000000000ull
#define RECORD_BYTES	   8192 /* the kernel writes none that is longer */
#define RECORDS_MAX	   1000000u /* in one look: a process may write as fast as this reads */
#define OFFSET_TRIES	   3 /* the first one is slow */
#define FACILITY(priority) ((priority) >> 3)

struct kernel_log {
	int fd;
	int (*offset)(int64_t *ret_offset_ns);
	pthread_mutex_t lock; /* of everything here */
	struct event_list *kept;
	int64_t offset_ns; /* as last measured */
	uint64_t looked_ns; /* every line written before this was read; 0: none was */
	char record[RECORD_BYTES + 1];
};

/* The wording is that of kernel/hung_task.c. */
static bool is_hung_task(const char *text)
{
	return !strncmp(text, "INFO: task ", strlen("INFO: task ")) &&
	       (strstr(text, " blocked for more than ") || strstr(text, " blocked on a mutex") ||
		strstr(text, " blocked on a semaphore") ||
		strstr(text, " blocked on an rw-semaphore"));
}

/*
 * Parses "3,856,27352308860,-;INFO: task ...\n KEY=value\n ...". Only the kernel itself writes with
 * facility 0: a process that may write to /dev/kmsg gets another one.
 *
 * Return: whether the record is one to keep.
 */
static bool read_record(char *record, uint64_t *ret_stamp_ns, const char **ret_text)
{
	unsigned int priority;
	uint64_t stamp_us;
	char *text = strchr(record, ';');

	if (!text || sscanf(record, "%u,%*u,%" SCNu64, &priority, &stamp_us) != 2 ||
	    FACILITY(priority) || stamp_us > INT64_MAX / 1000)
		return false;
	*text++ = '\0';
	text[strcspn(text, "\n")] = '\0';
	*ret_stamp_ns = stamp_us * 1000;
	*ret_text = text;
	return is_hung_task(text);
}

/* A record that the last look did not find was written since then, whatever its stamp says. */
static uint64_t bound_time(const struct kernel_log *log, uint64_t stamp_ns, uint64_t now_ns)
{
	int64_t time_ns = (int64_t)stamp_ns + log->offset_ns;
	uint64_t bounded_ns = time_ns > 0 ? (uint64_t)time_ns : 0;

	if (bounded_ns > now_ns)
		return now_ns;
	return bounded_ns < log->looked_ns ? log->looked_ns : bounded_ns;
}

static void keep_line(struct kernel_log *log, uint64_t time_ns, const char *text)
{
	char note[FT_TEXT_BYTES_MAX];

	if (snprintf(note, sizeof(note), FT_NOTE_KERNEL_LOG "%s", text) >= (int)sizeof(note))
		return; /* no line of the detector is so long */
	event_list_add(log->kept, &(struct ft_event){ .kind = FT_EVENT_NOTE,
						      .cpu = FT_NO_CPU,
						      .time_ns = time_ns,
						      .task = &ft_nobody,
						      .note.text = note });
}

/* The caller holds the lock. */
static void read_new_records(struct kernel_log *log)
{
	uint64_t begun_ns = clock_now_ns(), stamp_ns;
	bool measured = false;
	const char *text;

	for (unsigned int i = 0; i < RECORDS_MAX; i++) {
		ssize_t got = read(log->fd, log->record, RECORD_BYTES);
		if (got < 0 && (errno == EPIPE || errno == EINTR))
			continue; /* EPIPE: some were overwritten before they were read */
		if (got <= 0)
			break;
		log->record[got] = '\0';
		if (!read_record(log->record, &stamp_ns, &text))
			continue;
		/* The clocks drift: measure when there is something to stamp. */
		if (!measured)
			log->offset(&log->offset_ns);
		measured = true;
		uint64_t now_ns = clock_now_ns(), time_ns = bound_time(log, stamp_ns, now_ns);
		if (now_ns - time_ns < BEFORE_NS)
			keep_line(log, time_ns, text);
	}
	log->looked_ns = begun_ns;
}

/* The last 8 bytes of a record are its time, because the event asks for nothing else. */
static int read_record_time(struct perf_ring *ring, uint64_t *ret_time_ns)
{
	const struct perf_event_header *record;
	size_t bad_bytes;
	int error = -ENODATA;

	perf_ring_begin(ring);
	while ((record = perf_ring_next(ring, &bad_bytes))) {
		if (record->type != PERF_RECORD_COMM ||
		    record->size < sizeof(*record) + sizeof(*ret_time_ns))
			continue;
		memcpy(ret_time_ns, (const uint8_t *)record + record->size - sizeof(*ret_time_ns),
		       sizeof(*ret_time_ns));
		error = 0;
	}
	perf_ring_end(ring);
	return error;
}

static int measure_in_ring(struct perf_ring *ring, int64_t *ret_offset_ns)
{
	uint64_t shortest_ns = UINT64_MAX;
	char name[16] = "";
	int error = 0;

	prctl(PR_GET_NAME, name);
	for (int i = 0; i < OFFSET_TRIES && !error; i++) {
		uint64_t time_ns = 0, before_ns = clock_now_ns();
		prctl(PR_SET_NAME, name);
		uint64_t took_ns = clock_now_ns() - before_ns;
		error = read_record_time(ring, &time_ns);
		if (error || took_ns >= shortest_ns)
			continue;
		shortest_ns = took_ns;
		*ret_offset_ns = (int64_t)(before_ns + took_ns / 2 - time_ns);
	}
	return error;
}

/*
 * The kernel stamps its log with a clock of its own. It runs from the same counter as
 * CLOCK_MONOTONIC but without corrections: hours after boot the two are milliseconds apart, and
 * they drift on. Perf stamps events with the log's clock where no other is asked for. Setting this
 * thread's name to what it is makes such an event at a known time.
 */
static int measure_printk_offset(int64_t *ret_offset_ns)
{
	const struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TIME,
		.sample_id_all = 1,
		.comm = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t wrapped[PERF_RING_RECORD_BYTES_MAX];
	struct perf_ring ring;
	int64_t offset_ns = 0;

	int fd = perf_events_try(&attr, 0, -1);
	if (fd < 0)
		return fd;
	void *pages = mmap(NULL, 2 * page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int error = pages == MAP_FAILED ? -errno : 0;
	if (!error) {
		perf_ring_attach(&ring, pages, (uint8_t *)pages + page_bytes, page_bytes, wrapped);
		error = measure_in_ring(&ring, &offset_ns);
		munmap(pages, 2 * page_bytes);
	}
	close(fd);
	if (!error)
		*ret_offset_ns = offset_ns;
	return error;
}

int kernel_log_open_fd(int fd, int (*offset)(int64_t *ret_offset_ns), struct kernel_log **ret_log)
{
	struct kernel_log *log = calloc(1, sizeof(*log));
	int error = -ENOMEM;

	if (!log) {
		close(fd);
		return error;
	}
	log->fd = fd;
	log->offset = offset;
	pthread_mutex_init(&log->lock, NULL);
	error = event_list_create(KEPT_MAX, &log->kept);
	if (!error)
		error = offset(&log->offset_ns);
	if (error) {
		kernel_log_close(log);
		return error;
	}
	kernel_log_look(log);
	*ret_log = log;
	return 0;
}

int kernel_log_open(const char *path, struct kernel_log **ret_log)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : kernel_log_open_fd(fd, measure_printk_offset, ret_log);
}

void kernel_log_close(struct kernel_log *log)
{
	if (!log)
		return;
	event_list_destroy(log->kept);
	pthread_mutex_destroy(&log->lock);
	close(log->fd);
	free(log);
}

void kernel_log_look(struct kernel_log *log)
{
	if (!log)
		return;
	pthread_mutex_lock(&log->lock);
	read_new_records(log);
	pthread_mutex_unlock(&log->lock);
}

void kernel_log_copy(struct kernel_log *log, uint64_t start_ns, struct recorder_events *events)
{
	uint64_t since_ns = start_ns > BEFORE_NS ? start_ns - BEFORE_NS : 0;

	if (!log)
		return;
	pthread_mutex_lock(&log->lock);
	event_list_copy(log->kept, since_ns, events);
	pthread_mutex_unlock(&log->lock);
}

void kernel_log_copy_new(struct kernel_log *log, uint64_t *seen, struct recorder_events *events)
{
	if (!log)
		return;
	pthread_mutex_lock(&log->lock);
	event_list_copy_new(log->kept, seen, events);
	pthread_mutex_unlock(&log->lock);
}
