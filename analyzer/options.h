/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command line of analyze asks for.
 */
#ifndef ANALYZER_OPTIONS_H
#define ANALYZER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/explain/wait_spec.h"
#include "analyzer/report/report.h"

enum options_action { ACTION_REPORT, ACTION_EXPLAIN, ACTION_COMPARE, ACTION_HELP, ACTION_VERSION };
enum options_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct options {
	enum options_action action;
	const struct renderer *renderer; /* draws what the action makes */
	enum options_color color;
	bool all_threads;
	uint64_t stall_ns;
	int32_t *target; /* tgids; none: what the capture names */
	size_t target_count;
	struct wait_spec wait_spec; /* EXPLAIN */
	const char *before; /* COMPARE: the other capture; borrowed from argv */
	const char *path; /* borrowed from argv; NULL only for --help and --version */
};

extern const char options_help[];

/**
 * options_parse() - read the command line.
 *
 * @ret_options: free with options_free(); untouched on failure.
 * @ret_message: on -EINVAL a malloc'ed sentence about what is wrong with it.
 *
 * Return: 0, -EINVAL (wrong usage), -ENOMEM.
 */
int options_parse(int argc, char *const argv[], struct options *ret_options, char **ret_message);
void options_free(struct options *options);

#endif
