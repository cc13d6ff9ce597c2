/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control groups of the cpu controller: in which one a thread is, and what limits its CPU time.
 * Nothing of this takes mmap_lock.
 */
#ifndef RECORDER_PROC_CPU_GROUP_H
#define RECORDER_PROC_CPU_GROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct ft_event;

/* Where this process sees the groups. */
struct cpu_hierarchy {
	bool found;
	bool unified;		/* cgroup v2 */
	char mount[PATH_MAX];
	char root[PATH_MAX];	/* the group that is mounted there, "" for the topmost one */
};

/* Find it in @mountinfo, which is /proc/self/mountinfo; a hierarchy of v1 comes before that of v2. */
void cpu_hierarchy_find(FILE *mountinfo, struct cpu_hierarchy *ret_hierarchy);

/**
 * cpu_group_path() - the group in @text, which is that of /proc/PID/cgroup.
 *
 * @ret_path: it is changed only where there is one, and it fits.
 *
 * Return: whether that is so.
 */
bool cpu_group_path(const char *text, char *ret_path, size_t path_bytes, bool *ret_unified);

/**
 * cpu_group_visit() - the limits of a group and what became of them, as FT_EVENT_COUNTERs with
 * @path as their scope.
 *
 * Return: 0 or what @visit returned other than that, which ends it.
 */
int cpu_group_visit(const struct cpu_hierarchy *hierarchy, const char *path,
		    int (*visit)(void *context, const struct ft_event *event), void *context);

#endif
