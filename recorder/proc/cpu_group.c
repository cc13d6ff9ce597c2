/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/proc/cpu_group.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/event.h"
#include "recorder/base/clock.h"
#include "recorder/base/read_file.h"

#define FILE_BYTES_MAX 4096u

/* Whether @list, joined by commas, has @name. */
static bool list_has(const char *list, const char *name)
{
	size_t bytes = strlen(name);

	for (const char *at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (!strncmp(at, name, bytes) && (!at[bytes] || at[bytes] == ','))
			return true;
	}
	return false;
}

/* "30 25 0:26 /group /sys/fs/cgroup/cpu rw,nosuid - cgroup cgroup rw,cpu,cpuacct". */
static bool parse_mount(char *line, struct cpu_hierarchy *ret_hierarchy)
{
	char *rest = strstr(line, " - "), *fields[6], *type, *options;
	size_t count = 0;

	if (!rest)
		return false;
	*rest = '\0';
	rest += 3;
	type = strsep(&rest, " ");
	strsep(&rest, " ");
	options = rest;
	while (count < 6 && line)
		fields[count++] = strsep(&line, " ");
	/* A name with blanks or the like is written as a backslash and a number. */
	if (count < 6 || !options || strchr(fields[3], '\\') || strchr(fields[4], '\\'))
		return false;
	options[strcspn(options, "\n")] = '\0';
	if (strcmp(type, "cgroup2") != 0 && (strcmp(type, "cgroup") != 0 || !list_has(options, "cpu")))
		return false;
	ret_hierarchy->found = true;
	ret_hierarchy->unified = strcmp(type, "cgroup2") == 0;
	snprintf(ret_hierarchy->root, sizeof(ret_hierarchy->root), "%s",
		 strcmp(fields[3], "/") ? fields[3] : "");
	snprintf(ret_hierarchy->mount, sizeof(ret_hierarchy->mount), "%s", fields[4]);
	return true;
}

void cpu_hierarchy_find(FILE *mountinfo, struct cpu_hierarchy *ret_hierarchy)
{
	struct cpu_hierarchy found = { .found = false };
	char *line = NULL;
	size_t bytes = 0;

	ret_hierarchy->found = false;
	while (getline(&line, &bytes, mountinfo) > 0)
		if (parse_mount(line, &found) && (!ret_hierarchy->found || !found.unified))
			*ret_hierarchy = found;
	free(line);
}

bool cpu_group_path(const char *text, char *ret_path, size_t path_bytes, bool *ret_unified)
{
	bool any = false;

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;
		char list[256];
		size_t length;
		bool unified;

		if (!path)
			break;
		snprintf(list, sizeof(list), "%.*s", (int)(path - names - 1), names + 1);
		unified = !strncmp(line, "0::", 3);
		if (!unified && !list_has(list, "cpu"))
			continue;
		length = strcspn(path + 1, "\n");
		if (length >= path_bytes)
			continue;
		memcpy(ret_path, path + 1, length);
		ret_path[length] = '\0';
		*ret_unified = unified;
		any = true;
		if (!unified)
			break; /* v2 has this controller only where v1 has not */
	}
	return any;
}

/* Where files are read, and to whom the counters go. */
struct group_visit {
	char directory[PATH_MAX];
	const char *path;
	int (*visit)(void *context, const struct ft_event *event);
	void *context;
};

static int visit_counter(const struct group_visit *group, const char *name, int64_t value)
{
	return group->visit(group->context, &(struct ft_event){ .kind = FT_EVENT_COUNTER,
								.cpu = FT_NO_CPU,
								.time_ns = clock_now_ns(),
								.task = &ft_nobody,
								.counter = { name, group->path,
									     value } });
}

static char *read_group_file(const struct group_visit *group, const char *name)
{
	char path[PATH_MAX + 64], *text = NULL;
	size_t bytes;

	snprintf(path, sizeof(path), "%s/%s", group->directory, name);
	return read_file(AT_FDCWD, path, FILE_BYTES_MAX, &text, &bytes) ? NULL : text;
}

/* A file that holds nothing but a number. */
static int visit_number(const struct group_visit *group, const char *name)
{
	char *text = read_group_file(group, name);
	int64_t value;
	int r = 0;

	if (text && sscanf(text, "%" SCNd64, &value) == 1)
		r = visit_counter(group, name, value);
	free(text);
	return r;
}

/* "max 100000" or "50000 100000". A group that is there and does not have the file has no limit. */
static int visit_max(const struct group_visit *group)
{
	char *text = read_group_file(group, "cpu.max");
	int64_t quota = -1, period;
	int r = 0;

	if (!text && !access(group->directory, F_OK))
		r = visit_counter(group, "cpu.max:quota", -1);
	if (text && (sscanf(text, "max %" SCNd64, &period) == 1 ||
		     sscanf(text, "%" SCNd64 " %" SCNd64, &quota, &period) == 2)) {
		r = visit_counter(group, "cpu.max:quota", quota);
		if (!r)
			r = visit_counter(group, "cpu.max:period", period);
	}
	free(text);
	return r;
}

static int visit_stat(const struct group_visit *group)
{
	static const char *const names[] = { "nr_periods", "nr_throttled", "throttled_time",
					     "throttled_usec" };
	char *text = read_group_file(group, "cpu.stat"), *rest = text, *line, name[64], counter[80];
	int64_t value;
	int r = 0;

	while (!r && (line = strsep(&rest, "\n"))) {
		if (sscanf(line, "%63s %" SCNd64, name, &value) != 2)
			continue;
		for (size_t i = 0; i < sizeof(names) / sizeof(*names) && !r; i++) {
			if (strcmp(name, names[i]) != 0)
				continue;
			snprintf(counter, sizeof(counter), "cpu.stat:%s", name);
			r = visit_counter(group, counter, value);
		}
	}
	free(text);
	return r;
}

/* A group that is outside of what this process sees begins with "/..". */
static bool leads_upward(const char *path)
{
	const char *at = strstr(path, "/..");

	return at && (!at[3] || at[3] == '/');
}

int cpu_group_visit(const struct cpu_hierarchy *hierarchy, const char *path,
		    int (*visit)(void *context, const struct ft_event *event), void *context)
{
	static const char *const numbers[] = { "cpu.rt_runtime_us", "cpu.rt_period_us",
					       "cpu.cfs_quota_us", "cpu.cfs_period_us" };
	struct group_visit group = { .path = path, .visit = visit, .context = context };
	size_t root_bytes = strlen(hierarchy->root);
	int r = 0;

	if (!hierarchy->found || leads_upward(path) ||
	    strncmp(path, hierarchy->root, root_bytes) != 0 ||
	    (path[root_bytes] && path[root_bytes] != '/') ||
	    snprintf(group.directory, sizeof(group.directory), "%s%s", hierarchy->mount,
		     path + root_bytes) >= (int)sizeof(group.directory))
		return 0;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers) && !hierarchy->unified && !r; i++)
		r = visit_number(&group, numbers[i]);
	if (hierarchy->unified)
		r = visit_max(&group);
	return r ? r : visit_stat(&group);
}
