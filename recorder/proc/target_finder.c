/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/proc/target_finder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "capture/event.h"
#include "recorder/base/clock.h"

#define LOOK_S	      1
#define LOOK_CLOSER_S 10 /* in all of /proc, for processes whose events were lost */
#define STOP_WAIT_S   1
#define FORMER_MAX    1024
#define HINTS_MAX     256

/* A process that belonged to the target until then. */
struct former {
	int32_t tgid;
	uint64_t until_ns;
};

/* A process that by the events belongs to the target as long as it has this name. */
struct hint {
	int32_t tgid;
	char comm[FT_COMM_BYTES];
};

struct target_finder {
	struct target_finder_options options;
	struct target target; /* only the thread uses this and the next two */
	int32_t root; /* the process that --pid-file names; 0: none */
	uint64_t looks;
	pthread_t thread;
	pthread_mutex_t lock; /* of everything below */
	pthread_cond_t changed;
	struct target found;
	char missing[TARGET_FINDER_TEXT_BYTES];
	struct former formers[FORMER_MAX]; /* number n in place n % FORMER_MAX */
	uint64_t former_count;
	char former_comm[FT_COMM_BYTES];
	struct hint hints[HINTS_MAX];
	size_t hint_count;
	bool hints_lost;
	uint64_t number, generation;
	bool stop, done;
};

bool target_finder_looks(const struct target_finder *finder)
{
	const struct target_finder_options *options = &finder->options;
	return options->pids->count || options->pid_file || options->comm;
}

static ssize_t read_small_file(const char *path, char *ret_text, size_t text_bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t got = fd < 0 ? -errno : read(fd, ret_text, text_bytes - 1);
	if (fd >= 0 && got < 0)
		got = -errno;
	if (fd >= 0)
		close(fd);
	ret_text[got > 0 ? got : 0] = '\0';
	return got;
}

__attribute__((format(printf, 2, 3))) static void say_missing(struct target_finder *finder,
							      const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	pthread_mutex_lock(&finder->lock);
	vsnprintf(finder->missing, sizeof(finder->missing), format, arguments);
	pthread_mutex_unlock(&finder->lock);
	va_end(arguments);
}

static bool is_same_comm(const char *a, const char *b)
{
	return !strncmp(a, b, FT_COMM_BYTES - 1);
}

static bool read_process_name(int32_t tgid, char ret_comm[64])
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", tgid);
	if (read_small_file(path, ret_comm, 64) <= 0)
		return false;
	ret_comm[strcspn(ret_comm, "\n")] = '\0';
	return true;
}

static bool has_process(const struct target *target, int32_t tgid)
{
	return target->count && target_has(target, tgid);
}

/* Adds the first TARGET_MAX processes of that name. */
static void add_named(const char *comm, struct target *target)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;
	char text[64];

	if (!processes)
		return;
	while ((entry = readdir(processes)) && target->count < TARGET_MAX) {
		int32_t tgid = (int32_t)strtol(entry->d_name, NULL, 10);
		if (tgid > 0 && !has_process(target, tgid) && read_process_name(tgid, text) &&
		    is_same_comm(text, comm))
			target_add(target, tgid);
	}
	closedir(processes);
}

/* Return: the ID at the beginning of the file, or 0 after say_missing(). */
static int32_t read_pid_file(struct target_finder *finder)
{
	const char *path = finder->options.pid_file;
	char text[64], why[64];
	struct target target = { .count = 0 };
	ssize_t got = read_small_file(path, text, sizeof(text));

	text[strcspn(text, ", \t\r\n")] = '\0';
	if (got < 0)
		say_missing(finder, "%s: %s", path, strerror_r((int)-got, why, sizeof(why)));
	else if (target_parse(&target, text))
		say_missing(finder, "%s does not begin with a process ID", path);
	return target.count ? target.tgids[0] : 0;
}

/* Return: the process that the file names, or 0 after say_missing(). */
static int32_t find_root(struct target_finder *finder)
{
	struct target target = { .tgids = { read_pid_file(finder) }, .count = 1 };
	int32_t missing;

	if (!target.tgids[0])
		return 0;
	if (target_open(&target, &missing)) {
		say_missing(finder, "%s: there is no process %d", finder->options.pid_file,
			    missing);
		return 0;
	}
	target_close(&target);
	return target.tgids[0];
}

static void find_target(struct target_finder *finder, struct target *ret_target)
{
	const struct target_finder_options *options = &finder->options;
	int32_t missing;

	*ret_target = (struct target){ .count = 0 };
	if (options->pid_file && finder->root) {
		if (target_add(ret_target, finder->root))
			target_add_children(ret_target);
		else
			say_missing(finder, "%s: process %d has exited", options->pid_file,
				    finder->root);
	} else if (options->comm) {
		add_named(options->comm, ret_target);
		if (!ret_target->count)
			say_missing(finder, "no process is called '%.15s'", options->comm);
	} else if (!options->pid_file) {
		*ret_target = *options->pids;
		if (target_open(ret_target, &missing)) {
			ret_target->count = 0;
			say_missing(finder, "there is no process %d", missing);
		}
		target_add_children(ret_target);
	}
}

/* The caller holds the lock. */
static void add_former(struct target_finder *finder, int32_t tgid)
{
	finder->formers[finder->former_count++ % FORMER_MAX] =
		(struct former){ .tgid = tgid, .until_ns = clock_now_ns() };
}

/* Shows the target to other threads: a new generation where no process of it was there before. */
static void publish_target(struct target_finder *finder)
{
	bool stays = false;

	pthread_mutex_lock(&finder->lock);
	if (finder->found.count)
		memcpy(finder->former_comm, finder->found.comm, sizeof(finder->former_comm));
	for (size_t i = 0; i < finder->found.count; i++) {
		if (has_process(&finder->target, finder->found.tgids[i]))
			stays = true;
		else
			add_former(finder, finder->found.tgids[i]);
	}
	finder->found = finder->target;
	for (size_t i = 0; i < finder->found.count; i++)
		finder->found.pidfds[i] = -1;
	finder->number++;
	finder->generation += !stays;
	pthread_mutex_unlock(&finder->lock);
}

static bool is_same_target(const struct target *a, const struct target *b)
{
	return a->count == b->count && !memcmp(a->tgids, b->tgids, a->count * sizeof(a->tgids[0]));
}

/* Looks in the file or in /proc, if @closer for children too. Return: whether anything changed. */
static bool find_all(struct target_finder *finder, bool closer)
{
	struct target target;

	if (finder->options.pid_file) {
		int32_t root = find_root(finder);
		if (root && root == finder->root && has_process(&finder->target, root))
			return closer && target_add_children(&finder->target);
		finder->root = root;
	}
	find_target(finder, &target);
	bool changed = !is_same_target(&target, &finder->target);
	target_close(&finder->target);
	finder->target = target;
	return changed;
}

static bool drop_exited(struct target_finder *finder)
{
	size_t before = finder->target.count;

	for (size_t i = before; i-- > 0;)
		if (target_exited_at(&finder->target, i))
			target_remove(&finder->target, i);
	return finder->target.count != before;
}

/* Return: whether the process was added. */
static bool add_hinted(struct target_finder *finder, const struct hint *hint)
{
	char comm[64];

	if (!read_process_name(hint->tgid, comm)) {
		/* The process came and went between two looks. */
		pthread_mutex_lock(&finder->lock);
		add_former(finder, hint->tgid);
		pthread_mutex_unlock(&finder->lock);
		return false;
	}
	return (finder->options.comm ? is_same_comm(comm, hint->comm)
				     : target_same_program(comm, hint->comm)) &&
	       target_add(&finder->target, hint->tgid);
}

static bool add_all_hinted(struct target_finder *finder, bool *ret_lost)
{
	struct hint hints[HINTS_MAX];
	bool changed = false;

	pthread_mutex_lock(&finder->lock);
	size_t count = finder->hint_count;
	memcpy(hints, finder->hints, count * sizeof(hints[0]));
	*ret_lost = finder->hints_lost;
	finder->hint_count = 0;
	finder->hints_lost = false;
	pthread_mutex_unlock(&finder->lock);
	if (!finder->target.count)
		return false;
	for (size_t i = 0; i < count; i++)
		changed |= add_hinted(finder, &hints[i]);
	return changed;
}

/* A process ID is not looked for again, because another process may have got it. */
static void look_by_id(struct target_finder *finder)
{
	bool lost, changed = finder->looks ? drop_exited(finder) : find_all(finder, true);

	changed |= add_all_hinted(finder, &lost);
	if (lost)
		changed |= target_add_children(&finder->target);
	if (finder->looks++ && changed && !finder->target.count)
		say_missing(finder, "it has exited");
	if (changed)
		publish_target(finder);
}

static void look_by_name(struct target_finder *finder)
{
	bool lost, changed = drop_exited(finder);

	changed |= add_all_hinted(finder, &lost);
	bool closer = lost || finder->looks % LOOK_CLOSER_S == 0;
	if (finder->options.pid_file || closer || !finder->target.count)
		changed |= find_all(finder, closer);
	finder->looks++;
	if (changed)
		publish_target(finder);
}

/* The caller holds the lock. Return: NULL where there is none. */
static struct hint *find_hint(struct target_finder *finder, int32_t tgid)
{
	for (size_t i = 0; i < finder->hint_count; i++)
		if (finder->hints[i].tgid == tgid)
			return &finder->hints[i];
	return NULL;
}

/* The caller holds the lock. */
static void add_hint(struct target_finder *finder, const struct ft_task *task)
{
	if (finder->hint_count == HINTS_MAX) {
		finder->hints_lost = true;
		return;
	}
	struct hint *hint = &finder->hints[finder->hint_count++];
	hint->tgid = task->tgid;
	memcpy(hint->comm, task->comm, sizeof(hint->comm));
}

/* The caller holds the lock. The name decides where one was given, else the parent. */
static bool belongs_to_target(struct target_finder *finder, const struct ft_task *parent,
			      const struct ft_task *task)
{
	if (finder->options.comm)
		return is_same_comm(task->comm, finder->options.comm);
	return parent &&
	       (has_process(&finder->found, parent->tgid) || find_hint(finder, parent->tgid));
}

void target_finder_event(struct target_finder *finder, const struct ft_event *event)
{
	bool is_fork = event->kind == FT_EVENT_FORK;
	const struct ft_task *task = is_fork ? event->fork.child : event->task;

	if (!target_finder_looks(finder) || (!is_fork && event->kind != FT_EVENT_COMM) ||
	    task->tgid <= 0 || task->tid != task->tgid)
		return;
	pthread_mutex_lock(&finder->lock);
	struct hint *hint = find_hint(finder, task->tgid);
	/* It executes another program now, or another process has its ID. */
	if (hint && (is_fork || !target_same_program(hint->comm, task->comm))) {
		*hint = finder->hints[--finder->hint_count];
		hint = NULL;
	}
	if (!hint && belongs_to_target(finder, is_fork ? event->task : NULL, task))
		add_hint(finder, task);
	pthread_mutex_unlock(&finder->lock);
}

static void look_once(struct target_finder *finder)
{
	if (finder->options.pid_file || finder->options.comm)
		look_by_name(finder);
	else
		look_by_id(finder);
}

static void *run_finder(void *context)
{
	struct target_finder *finder = context;
	struct timespec next;

	pthread_setname_np(pthread_self(), "ft-finder");
	clock_gettime(CLOCK_MONOTONIC, &next);
	pthread_mutex_lock(&finder->lock);
	while (!finder->stop) {
		next.tv_sec += LOOK_S;
		if (pthread_cond_timedwait(&finder->changed, &finder->lock, &next) != ETIMEDOUT)
			continue;
		pthread_mutex_unlock(&finder->lock);
		look_once(finder);
		clock_gettime(CLOCK_MONOTONIC, &next);
		pthread_mutex_lock(&finder->lock);
	}
	finder->done = true;
	pthread_cond_broadcast(&finder->changed);
	pthread_mutex_unlock(&finder->lock);
	return NULL;
}

static void free_finder(struct target_finder *finder)
{
	target_close(&finder->target);
	pthread_cond_destroy(&finder->changed);
	pthread_mutex_destroy(&finder->lock);
	free(finder);
}

int target_finder_start(const struct target_finder_options *options,
			struct target_finder **ret_finder)
{
	struct target_finder *finder = calloc(1, sizeof(*finder));
	pthread_condattr_t monotonic;

	if (!finder)
		return -ENOMEM;
	finder->options = *options;
	pthread_mutex_init(&finder->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&finder->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (target_finder_looks(finder))
		look_once(finder);
	else
		finder->done = true;
	int error = finder->done ? 0 : pthread_create(&finder->thread, NULL, run_finder, finder);
	if (error) {
		free_finder(finder);
		return -error;
	}
	*ret_finder = finder;
	return 0;
}

void target_finder_stop(struct target_finder *finder)
{
	struct timespec end;

	if (!finder)
		return;
	if (!target_finder_looks(finder)) {
		free_finder(finder);
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
		pthread_detach(finder->thread); /* it waits for a file, and is left behind */
		return;
	}
	pthread_join(finder->thread, NULL);
	free_finder(finder);
}

uint64_t target_finder_target(struct target_finder *finder, struct target *ret_target)
{
	pthread_mutex_lock(&finder->lock);
	*ret_target = finder->found;
	uint64_t number = finder->number;
	pthread_mutex_unlock(&finder->lock);
	return number;
}

uint64_t target_finder_generation(struct target_finder *finder)
{
	pthread_mutex_lock(&finder->lock);
	uint64_t generation = finder->generation;
	pthread_mutex_unlock(&finder->lock);
	return generation;
}

void target_finder_missing(struct target_finder *finder, char ret_text[TARGET_FINDER_TEXT_BYTES])
{
	pthread_mutex_lock(&finder->lock);
	memcpy(ret_text, finder->missing, TARGET_FINDER_TEXT_BYTES);
	if (finder->found.count || !target_finder_looks(finder))
		ret_text[0] = '\0';
	pthread_mutex_unlock(&finder->lock);
}

void target_finder_targets_since(struct target_finder *finder, uint64_t since_ns,
				 struct target *ret_target)
{
	pthread_mutex_lock(&finder->lock);
	*ret_target = finder->found;
	for (uint64_t i = 1; i <= finder->former_count && i <= FORMER_MAX; i++) {
		const struct former *former =
			&finder->formers[(finder->former_count - i) % FORMER_MAX];
		if (former->until_ns < since_ns || ret_target->count == TARGET_MAX)
			break;
		if (has_process(ret_target, former->tgid))
			continue;
		if (!ret_target->count)
			memcpy(ret_target->comm, finder->former_comm, sizeof(ret_target->comm));
		ret_target->pidfds[ret_target->count] = -1;
		ret_target->tgids[ret_target->count++] = former->tgid;
	}
	pthread_mutex_unlock(&finder->lock);
}
