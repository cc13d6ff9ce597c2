/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/finder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "recorder/clock.h"

#define LOOK_S	      1
#define LOOK_CLOSER_S 10 /* a service of many processes gets and loses some while it lives */
#define STOP_WAIT_S   1
#define EARLIER_MAX   8

/* A target that was, and until when. */
struct earlier {
	struct target target;
	uint64_t until_ns;
};

struct finder {
	struct finder_options options;
	struct target target; /* of the thread */
	uint64_t looks;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	struct target found;
	struct earlier
		earlier[EARLIER_MAX]; /* the latest ones, number n in place n % EARLIER_MAX */
	uint64_t number;
	bool stop, done;
};

bool finder_looks(const struct finder *finder)
{
	const struct finder_options *options = &finder->options;
	return options->pids->count || options->pid_file || options->comm;
}

static ssize_t read_text(const char *path, char *ret_text, size_t text_bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t got = fd < 0 ? -1 : read(fd, ret_text, text_bytes - 1);
	if (fd >= 0)
		close(fd);
	ret_text[got > 0 ? got : 0] = '\0';
	return got;
}

/* The ID on the file's first line, if there is such a process. */
static void find_by_file(const char *path, struct target *ret_target)
{
	char text[64];
	int32_t missing;

	if (read_text(path, text, sizeof(text)) <= 0)
		return;
	text[strcspn(text, " \t\r\n")] = '\0';
	if (target_parse(ret_target, text) || target_open(ret_target, &missing))
		ret_target->count = 0;
}

static bool has_comm(const char *pid, const char *comm)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	if (read_text(path, text, sizeof(text)) <= 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return !strncmp(text, comm, FT_COMM_BYTES - 1);
}

/* Those of that name, the first TARGET_MAX. */
static void find_by_comm(const char *comm, struct target *ret_target)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;
	int32_t missing;

	if (!processes)
		return;
	while ((entry = readdir(processes)) && ret_target->count < TARGET_MAX)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    has_comm(entry->d_name, comm))
			target_parse(ret_target, entry->d_name);
	closedir(processes);
	if (ret_target->count && target_open(ret_target, &missing))
		ret_target->count = 0; /* one has gone meanwhile: next time */
}

static void find(const struct finder_options *options, struct target *ret_target)
{
	int32_t missing;

	*ret_target = (struct target){ .count = 0 };
	if (options->pid_file) {
		find_by_file(options->pid_file, ret_target);
	} else if (options->comm) {
		find_by_comm(options->comm, ret_target);
	} else {
		*ret_target = *options->pids;
		if (target_open(ret_target, &missing))
			ret_target->count = 0;
	}
}

static bool same(const struct target *a, const struct target *b)
{
	return a->count == b->count && !memcmp(a->tgids, b->tgids, a->count * sizeof(a->tgids[0]));
}

static void publish(struct finder *finder)
{
	pthread_mutex_lock(&finder->lock);
	finder->earlier[finder->number % EARLIER_MAX] =
		(struct earlier){ .target = finder->found, .until_ns = clock_now_ns() };
	finder->found = finder->target;
	for (size_t i = 0; i < finder->found.count; i++)
		finder->found.pidfds[i] = -1;
	finder->number++;
	pthread_mutex_unlock(&finder->lock);
}

/* A process ID alone is never looked for again: another process may have got it. */
static void look(struct finder *finder)
{
	bool alive = finder->target.count && !target_exited(&finder->target);
	bool by_id = !finder->options.pid_file && !finder->options.comm;
	bool closer = !alive || finder->options.pid_file || finder->looks % LOOK_CLOSER_S == 0;
	struct target target;

	if (finder->looks++ && by_id) {
		if (alive || !finder->target.count)
			return;
		target.count = 0;
	} else if (closer) {
		find(&finder->options, &target);
	} else {
		return;
	}
	if (same(&target, &finder->target)) {
		target_close(&target);
		return;
	}
	target_close(&finder->target);
	finder->target = target;
	publish(finder);
}

static void *run(void *context)
{
	struct finder *finder = context;
	struct timespec next;

	pthread_setname_np(pthread_self(), "ft-finder");
	clock_gettime(CLOCK_MONOTONIC, &next);
	pthread_mutex_lock(&finder->lock);
	while (!finder->stop) {
		next.tv_sec += LOOK_S;
		if (pthread_cond_timedwait(&finder->changed, &finder->lock, &next) != ETIMEDOUT)
			continue;
		pthread_mutex_unlock(&finder->lock);
		look(finder);
		clock_gettime(CLOCK_MONOTONIC, &next);
		pthread_mutex_lock(&finder->lock);
	}
	finder->done = true;
	pthread_cond_broadcast(&finder->changed);
	pthread_mutex_unlock(&finder->lock);
	return NULL;
}

static void finder_free(struct finder *finder)
{
	target_close(&finder->target);
	pthread_cond_destroy(&finder->changed);
	pthread_mutex_destroy(&finder->lock);
	free(finder);
}

int finder_start(const struct finder_options *options, struct finder **ret_finder)
{
	struct finder *finder = calloc(1, sizeof(*finder));
	pthread_condattr_t monotonic;

	if (!finder)
		return -ENOMEM;
	finder->options = *options;
	pthread_mutex_init(&finder->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&finder->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (finder_looks(finder))
		look(finder);
	else
		finder->done = true;
	int error = finder->done ? 0 : pthread_create(&finder->thread, NULL, run, finder);
	if (error) {
		finder_free(finder);
		return -error;
	}
	*ret_finder = finder;
	return 0;
}

void finder_stop(struct finder *finder)
{
	struct timespec end;

	if (!finder)
		return;
	if (!finder_looks(finder)) {
		finder_free(finder);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += STOP_WAIT_S;
	pthread_mutex_lock(&finder->lock);
	finder->stop = true;
	pthread_cond_broadcast(&finder->changed);
	while (!finder->done &&
	       pthread_cond_timedwait(&finder->changed, &finder->lock, &end) != ETIMEDOUT)
		;
	bool done = finder->done;
	pthread_mutex_unlock(&finder->lock);
	if (!done) {
		pthread_detach(finder->thread); /* it waits for a file: left behind */
		return;
	}
	pthread_join(finder->thread, NULL);
	finder_free(finder);
}

uint64_t finder_target(struct finder *finder, struct target *ret_target)
{
	pthread_mutex_lock(&finder->lock);
	*ret_target = finder->found;
	uint64_t number = finder->number;
	pthread_mutex_unlock(&finder->lock);
	return number;
}

static void add_missing(struct target *target, const struct target *more)
{
	if (!target->count)
		memcpy(target->comm, more->comm, sizeof(target->comm));
	for (size_t i = 0; i < more->count; i++) {
		bool known = target->count == TARGET_MAX;
		for (size_t j = 0; j < target->count && !known; j++)
			known = target->tgids[j] == more->tgids[i];
		if (known)
			continue;
		target->pidfds[target->count] = -1;
		target->tgids[target->count++] = more->tgids[i];
	}
}

void finder_targets_since(struct finder *finder, uint64_t since_ns, struct target *ret_target)
{
	pthread_mutex_lock(&finder->lock);
	*ret_target = finder->found;
	for (uint64_t i = 1; i <= finder->number && i <= EARLIER_MAX; i++) {
		const struct earlier *earlier =
			&finder->earlier[(finder->number - i) % EARLIER_MAX];
		if (earlier->until_ns < since_ns)
			break;
		add_missing(ret_target, &earlier->target);
	}
	pthread_mutex_unlock(&finder->lock);
}
