/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/trigger/psi_spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "recorder/base/parse_units.h"

#define WINDOW_LEAST_NS 500000000u
#define WINDOW_MOST_NS	10000000000u
#define FORM		"it is not RESOURCE:some|full:STALL/WINDOW, as memory:some:300ms/2s."

static int refuse(const char **ret_problem, const char *problem)
{
	*ret_problem = problem;
	return -EINVAL;
}

/* @text up to @end; false where it does not fit. */
static bool copy(const char *text, const char *end, char *ret_copy, size_t copy_bytes)
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

	if (at && (at[1] != '/' || !copy(at + 1, end, spec->cgroup, sizeof(spec->cgroup))))
		return refuse(ret_problem,
			      "what follows @ is not the path of a cgroup's directory.");
	if (copy(text, at ? at : end, spec->resource, sizeof(spec->resource)))
		for (size_t i = 0; i < sizeof(RESOURCES) / sizeof(RESOURCES[0]); i++)
			if (!strcmp(spec->resource, RESOURCES[i]))
				return 0;
	return refuse(ret_problem, "the resource is not one of cpu, memory, io and irq.");
}

static int parse_times(const char *text, struct psi_spec *spec, const char **ret_problem)
{
	const char *slash = strchr(text, '/');
	char stall[32];

	if (!slash || !copy(text, slash, stall, sizeof(stall)) ||
	    parse_duration(stall, &spec->stall_ns) || parse_duration(slash + 1, &spec->window_ns))
		return refuse(ret_problem, FORM);
	if (spec->window_ns < WINDOW_LEAST_NS || spec->window_ns > WINDOW_MOST_NS)
		return refuse(ret_problem, "the window is not from 500ms to 10s.");
	/* The kernel counts in microseconds. */
	if (spec->stall_ns < 1000 || spec->stall_ns > spec->window_ns)
		return refuse(ret_problem, "the stall is not from 1us to the window.");
	return 0;
}

/* What the kernel takes and would never tell. */
static int check_sense(const struct psi_spec *spec, const char **ret_problem)
{
	if (!strcmp(spec->resource, "irq") && !spec->full)
		return refuse(ret_problem, "for irq the kernel measures only full.");
	if (!strcmp(spec->resource, "cpu") && spec->full && !spec->cgroup[0])
		return refuse(ret_problem, "cpu:full of a whole host is always 0: use cpu:some.");
	return 0;
}

int psi_spec_parse(const char *text, struct psi_spec *ret_spec, const char **ret_problem)
{
	struct psi_spec spec = { .full = false };
	/* From the end: the path of a cgroup may hold colons. */
	const char *times = strrchr(text, ':');
	const char *kind = times ? memrchr(text, ':', (size_t)(times - text)) : NULL;
	char word[8];
	int error;

	if (!kind || !copy(kind + 1, times, word, sizeof(word)))
		return refuse(ret_problem, FORM);
	spec.full = !strcmp(word, "full");
	if (!spec.full && strcmp(word, "some"))
		return refuse(ret_problem, "between the colons is neither some nor full.");
	error = parse_resource(text, kind, &spec, ret_problem);
	if (!error)
		error = parse_times(times + 1, &spec, ret_problem);
	if (!error)
		error = check_sense(&spec, ret_problem);
	if (!error)
		*ret_spec = spec;
	return error;
}
