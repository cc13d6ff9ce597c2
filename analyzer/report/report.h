/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The renderers: each draws what was found into a file and computes nothing.
 */
#ifndef ANALYZER_REPORT_REPORT_H
#define ANALYZER_REPORT_REPORT_H

#include <stdbool.h>
#include <stdio.h>

struct comparison;
struct explanation;
struct model;

/* What a page for a person looks like. The other formats ignore it. */
struct report_options {
	bool color;
	bool all_threads;	/* --threads */
	unsigned int width;	/* columns, 80 */
};

/*
 * An output format. A member is NULL where the format has no such document.
 * Each returns 0, -ENOMEM, or -EIO where @out did not take everything.
 */
struct renderer {
	const char *name;
	int (*report)(const struct model *model, const struct report_options *options, FILE *out);
	/* --explain, see explain.h */
	int (*explanation)(const struct explanation *explanation, const struct model *model,
			   const struct report_options *options, FILE *out);
	/* --before, see compare.h */
	int (*comparison)(const struct comparison *comparison, const struct report_options *options,
			  FILE *out);
};

/* @name: "text", "json" or "folded". Return: NULL: there is no such format. */
const struct renderer *report_renderer(const char *name);

#endif
