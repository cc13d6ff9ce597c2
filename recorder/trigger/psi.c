/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/trigger/psi.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "recorder/base/clock.h"
#include "recorder/base/abandonable_task.h"
#include "recorder/base/parse_units.h"

#define STOP_PATIENCE_MS   200
#define LOOK_AGAIN_MS	   500
#define PLAIN_WINDOW_NS	   2000000000u /* without CAP_SYS_RESOURCE a window is a multiple of it */
#define SILENCE_OF_WINDOWS 2
#define WINDOW_LEAST_NS	   500000000u
#define WINDOW_MOST_NS	   10000000000u
#define FORM		   "it is not RESOURCE:some|full:STALL/WINDOW, as memory:some:300ms/2s."

/* Belongs to the thread, which may outlive psi_stop(). */
struct psi {
	struct psi_spec spec;
	int fd;
	int stop_fd;
	_Atomic bool stop;
	pthread_mutex_t triggers_lock; /* held for a post only */
	struct trigger_queue *triggers; /* NULL once psi_stop() was called */
	uint64_t last_ns; /* when the kernel last reported pressure */
	struct abandonable_task *task; /* used by the owner only */
};

static int reject_spec(const char **ret_problem, const char *problem)
{
	*ret_problem = problem;
	return -EINVAL;
}

/* Copies @text up to @end. Return: false if it does not fit. */
static bool copy_part(const char *text, const char *end, char *ret_copy, size_t copy_bytes)
{
	size_t bytes = (size_t)(end - text);

	if (bytes >= copy_bytes)
		return false;
	memcpy(ret_copy, text, bytes);
	ret_copy[bytes] = '\0';
	return true;
}

static int parse_resource(const char *text, const char *end, struct psi_spec *spec,
			  const char **ret_problem)
{
	static const char *const RESOURCES[] = { "cpu", "memory", "io", "irq" };
	const char *at = memchr(text, '@', (size_t)(end - text));

	if (at && (at[1] != '/' || !copy_part(at + 1, end, spec->cgroup, sizeof(spec->cgroup))))
		return reject_spec(ret_problem,
				   "what follows @ is not the path of a cgroup's directory.");
	if (copy_part(text, at ? at : end, spec->resource, sizeof(spec->resource)))
		for (size_t i = 0; i < sizeof(RESOURCES) / sizeof(RESOURCES[0]); i++)
			if (!strcmp(spec->resource, RESOURCES[i]))
				return 0;
	return reject_spec(ret_problem, "the resource is not one of cpu, memory, io and irq.");
}

static int parse_times(const char *text, struct psi_spec *spec, const char **ret_problem)
{
	const char *slash = strchr(text, '/');
	char stall[32];

	if (!slash || !copy_part(text, slash, stall, sizeof(stall)) ||
	    parse_duration(stall, &spec->stall_ns) || parse_duration(slash + 1, &spec->window_ns))
		return reject_spec(ret_problem, FORM);
	if (spec->window_ns < WINDOW_LEAST_NS || spec->window_ns > WINDOW_MOST_NS)
		return reject_spec(ret_problem, "the window is not from 500ms to 10s.");
	/* The kernel takes microseconds. */
	if (spec->stall_ns < 1000 || spec->stall_ns > spec->window_ns)
		return reject_spec(ret_problem, "the stall is not from 1us to the window.");
	return 0;
}

/* Rejects what the kernel accepts but never reports. */
static int check_sense(const struct psi_spec *spec, const char **ret_problem)
{
	if (!strcmp(spec->resource, "irq") && !spec->full)
		return reject_spec(ret_problem, "for irq the kernel measures only full.");
	if (!strcmp(spec->resource, "cpu") && spec->full && !spec->cgroup[0])
		return reject_spec(ret_problem,
				   "cpu:full of a whole host is always 0: use cpu:some.");
	return 0;
}

int psi_spec_parse(const char *text, struct psi_spec *ret_spec, const char **ret_problem)
{
	struct psi_spec spec = { .full = false };
	/* Search from the end, since the path of a cgroup may hold colons. */
	const char *times = strrchr(text, ':');
	const char *kind = times ? memrchr(text, ':', (size_t)(times - text)) : NULL;
	char word[8];
	int error;

	if (!kind || !copy_part(kind + 1, times, word, sizeof(word)))
		return reject_spec(ret_problem, FORM);
	spec.full = !strcmp(word, "full");
	if (!spec.full && strcmp(word, "some"))
		return reject_spec(ret_problem, "between the colons is neither some nor full.");
	error = parse_resource(text, kind, &spec, ret_problem);
	if (!error)
		error = parse_times(times + 1, &spec, ret_problem);
	if (!error)
		error = check_sense(&spec, ret_problem);
	if (!error)
		*ret_spec = spec;
	return error;
}

static void destroy_psi(void *context)
{
	struct psi *psi = context;

	if (psi->fd >= 0)
		close(psi->fd);
	if (psi->stop_fd >= 0)
		close(psi->stop_fd);
	pthread_mutex_destroy(&psi->triggers_lock);
	free(psi);
}

/* Takes avg10 of the line for some or full, "some avg10=1.53 avg60=0.87 ...". */
static void read_average(const struct psi *psi, char *ret_text, size_t text_bytes)
{
	char text[512];
	ssize_t bytes = pread(psi->fd, text, sizeof(text) - 1, 0);
	char label[8];

	snprintf(ret_text, text_bytes, "unknown");
	if (bytes <= 0)
		return;
	text[bytes] = '\0';
	snprintf(label, sizeof(label), "%s ", psi->spec.full ? "full" : "some");
	char *at = strstr(text, label);
	at = at ? strstr(at, "avg10=") : NULL;
	if (!at)
		return;
	at += strlen("avg10=");
	snprintf(ret_text, text_bytes, "%.*s %%", (int)strspn(at, "0123456789."), at);
}

static void post_pressure(struct psi *psi, uint64_t now_ns)
{
	const struct psi_spec *spec = &psi->spec;
	char average[32];

	read_average(psi, average, sizeof(average));
	pthread_mutex_lock(&psi->triggers_lock);
	if (psi->triggers)
		trigger_queue_post(psi->triggers, "psi", now_ns,
				   "%s pressure%s%s: %s stalled for %" PRIu64
				   " ms or more within %" PRIu64 " ms; 10 s average %s",
				   spec->resource, spec->cgroup[0] ? " of " : "", spec->cgroup,
				   spec->full ? "all tasks" : "some task", spec->stall_ns / 1000000,
				   spec->window_ns / 1000000, average);
	pthread_mutex_unlock(&psi->triggers_lock);
}

/* The kernel reports once a window while the pressure lasts; one trigger for all of it is enough. */
static void note_pressure(struct psi *psi)
{
	uint64_t now_ns = clock_now_ns();

	if (!psi->last_ns || now_ns - psi->last_ns > SILENCE_OF_WINDOWS * psi->spec.window_ns)
		post_pressure(psi, now_ns);
	psi->last_ns = now_ns;
}

static int open_pressure_file(const struct psi_spec *spec, const char **ret_problem)
{
	char path[sizeof(spec->cgroup) + 32];
	struct statfs filesystem;

	if (spec->cgroup[0])
		snprintf(path, sizeof(path), "%s/%s.pressure", spec->cgroup, spec->resource);
	else
		snprintf(path, sizeof(path), "/proc/pressure/%s", spec->resource);
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		int error = -errno;
		*ret_problem =
			error == -ENOENT && spec->cgroup[0]
				? "there is no such cgroup (of version 2), or it has no such file."
			: error == -ENOENT ? "this kernel has no such file in /proc/pressure: it "
					     "may need psi=1 on its "
					     "command line, or a newer kernel."
					   : "this user may not write to that file of pressure: "
					     "kernels before 6.5 "
					     "want CAP_SYS_RESOURCE.";
		return error;
	}
	/* The trigger must not be written to an ordinary file of that name. */
	if (spec->cgroup[0] &&
	    (fstatfs(fd, &filesystem) < 0 || filesystem.f_type != CGROUP2_SUPER_MAGIC)) {
		close(fd);
		*ret_problem = "what follows @ is not the directory of a cgroup (of version 2).";
		return -EINVAL;
	}
	return fd;
}

static int set_trigger(int fd, const struct psi_spec *spec, const char **ret_problem)
{
	char text[64];

	snprintf(text, sizeof(text), "%s %" PRIu64 " %" PRIu64, spec->full ? "full" : "some",
		 spec->stall_ns / 1000, spec->window_ns / 1000);
	if (write(fd, text, strlen(text) + 1) >= 0)
		return 0;
	int error = -errno;
	if (error == -EINVAL && spec->window_ns % PLAIN_WINDOW_NS) {
		*ret_problem =
			"without CAP_SYS_RESOURCE the window must be a multiple of 2 s, as in "
			"memory:some:300ms/2s.";
		return -ERANGE;
	}
	*ret_problem =
		error == -EOPNOTSUPP
			? "pressure is not measured: boot with psi=1 on the kernel's command line."
			: "the kernel refuses to watch for this pressure.";
	return error;
}

static int open_trigger(const struct psi_spec *spec, int *ret_fd, const char **ret_problem)
{
	int fd = open_pressure_file(spec, ret_problem);
	if (fd < 0)
		return fd;
	int error = set_trigger(fd, spec, ret_problem);
	if (error)
		close(fd);
	else
		*ret_fd = fd;
	return error;
}

/* The cgroup is gone, perhaps because its service restarts. Return: false if psi_stop() came
 * first. */
static bool wait_for_cgroup(struct psi *psi)
{
	const char *problem;

	close(psi->fd);
	psi->fd = -1;
	while (!psi->stop) {
		struct pollfd pollfd = { .fd = psi->stop_fd, .events = POLLIN };
		if (!open_trigger(&psi->spec, &psi->fd, &problem))
			return true;
		poll(&pollfd, 1, LOOK_AGAIN_MS);
	}
	return false;
}

static void watch_pressure(void *context)
{
	struct psi *psi = context;

	while (!psi->stop) {
		struct pollfd pollfds[] = { { .fd = psi->fd, .events = POLLPRI },
					    { .fd = psi->stop_fd, .events = POLLIN } };
		if (poll(pollfds, 2, -1) <= 0)
			continue;
		if (pollfds[0].revents & (POLLERR | POLLNVAL)) {
			if (!wait_for_cgroup(psi))
				return;
		} else if (pollfds[0].revents & POLLPRI) {
			note_pressure(psi);
		}
	}
}

int psi_start(const char *spec, struct trigger_queue *triggers, struct psi **ret_psi,
	      const char **ret_problem)
{
	struct psi *psi = calloc(1, sizeof(*psi));
	int error;

	*ret_problem = "there is no memory or descriptor left for it.";
	if (!psi)
		return -ENOMEM;
	psi->fd = -1;
	psi->triggers = triggers;
	pthread_mutex_init(&psi->triggers_lock, NULL);
	psi->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	error = psi->stop_fd < 0 ? -errno : 0;
	if (!error)
		error = psi_spec_parse(spec, &psi->spec, ret_problem);
	if (!error)
		error = open_trigger(&psi->spec, &psi->fd, ret_problem);
	if (!error)
		error = abandonable_task_start("ft-psi", watch_pressure, destroy_psi, psi,
					       &psi->task);
	if (error)
		destroy_psi(psi);
	else
		*ret_psi = psi;
	return error;
}

void psi_stop(struct psi *psi)
{
	if (!psi)
		return;
	pthread_mutex_lock(&psi->triggers_lock);
	psi->triggers = NULL;
	pthread_mutex_unlock(&psi->triggers_lock);
	psi->stop = true;
	(void)!eventfd_write(psi->stop_fd, 1);
	abandonable_task_leave(psi->task, STOP_PATIENCE_MS);
}
