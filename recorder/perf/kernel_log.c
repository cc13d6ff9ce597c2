/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/perf/kernel_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/format.h"
#include "recorder/base/clock.h"
#include "recorder/buffer/event_list.h"
#include "recorder/perf/printk_clock.h"

#define KEPT_MAX 256
/* The detector repeats itself every two minutes, as a rule, but only ten times (kernel.hung_task_warnings). */
#define BEFORE_NS	   600000000000ull
#define RECORD_BYTES	   8192 /* the kernel writes no longer one */
#define RECORDS_MAX	   1000000u /* of one look: somebody may write as fast as this reads */
#define FACILITY(priority) ((priority) >> 3)

struct kernel_log {
	int fd;
	int (*offset)(int64_t *ret_offset_ns);
	pthread_mutex_t lock; /* of all */
	struct event_list *kept;
	int64_t offset_ns; /* as measured last */
	uint64_t looked_ns; /* all lines of before were read; 0: not yet */
	char record[RECORD_BYTES + 1];
};

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

/* Whose wording this is: kernel/hung_task.c. */
static bool is_hung_task(const char *text)
{
	return !strncmp(text, "INFO: task ", strlen("INFO: task ")) &&
	       (has(text, " blocked for more than ") || has(text, " blocked on a mutex") ||
		has(text, " blocked on a semaphore") || has(text, " blocked on an rw-semaphore"));
}

/*
 * "3,856,27352308860,-;INFO: task ...\n KEY=value\n ..." Only the kernel itself writes with facility 0: whoever may
 * write to /dev/kmsg gets another.
 * Return: whether it is one to keep.
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

/* What was read now, and not at the look before, was written in between. */
static uint64_t time_of(const struct kernel_log *log, uint64_t stamp_ns, uint64_t now_ns)
{
	int64_t time_ns = (int64_t)stamp_ns + log->offset_ns;
	uint64_t bounded_ns = time_ns > 0 ? (uint64_t)time_ns : 0;

	if (bounded_ns > now_ns)
		return now_ns;
	return bounded_ns < log->looked_ns ? log->looked_ns : bounded_ns;
}

static void keep(struct kernel_log *log, uint64_t time_ns, const char *text)
{
	char note[FT_TEXT_BYTES_MAX];

	if (snprintf(note, sizeof(note), FT_NOTE_KERNEL_LOG "%s", text) >= (int)sizeof(note))
		return; /* no such line is so long */
	event_list_add(log->kept, &(struct ft_event){ .kind = FT_EVENT_NOTE,
						      .cpu = FT_NO_CPU,
						      .time_ns = time_ns,
						      .task = &ft_nobody,
						      .note.text = note });
}

/* With the lock held. */
static void look(struct kernel_log *log)
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
		/* They drift: measured when there is something to stamp. */
		if (!measured)
			log->offset(&log->offset_ns);
		measured = true;
		uint64_t now_ns = clock_now_ns(), time_ns = time_of(log, stamp_ns, now_ns);
		if (now_ns - time_ns < BEFORE_NS)
			keep(log, time_ns, text);
	}
	log->looked_ns = begun_ns;
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

	return fd < 0 ? -errno : kernel_log_open_fd(fd, printk_clock_offset, ret_log);
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
	look(log);
	pthread_mutex_unlock(&log->lock);
}

void kernel_log_copy(struct kernel_log *log, uint64_t start_ns, struct recorder_events *ownlog)
{
	uint64_t since_ns = start_ns > BEFORE_NS ? start_ns - BEFORE_NS : 0;

	if (!log)
		return;
	pthread_mutex_lock(&log->lock);
	event_list_copy(log->kept, since_ns, ownlog);
	pthread_mutex_unlock(&log->lock);
}

void kernel_log_copy_new(struct kernel_log *log, uint64_t *seen, struct recorder_events *ownlog)
{
	if (!log)
		return;
	pthread_mutex_lock(&log->lock);
	event_list_copy_new(log->kept, seen, ownlog);
	pthread_mutex_unlock(&log->lock);
}
