/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The renderers: each draws the model into @out and computes nothing.
 *
 * Return: 0, -ENOMEM, or -EIO where @out took not everything.
 */
#ifndef ANALYZER_REPORT_REPORT_H
#define ANALYZER_REPORT_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "analyzer/model.h"

struct text_options {
	bool color;
	bool all_threads;	/* --threads */
	unsigned int width;	/* columns, 80 */
};

int report_text(const struct model *model, const struct text_options *options, FILE *out);
int report_json(const struct model *model, FILE *out);

/* Off-CPU time of the target by stack, for flame graphs: "target comm;wait class;outermost;...;leaf microseconds". Idle waits too. */
int report_folded(const struct model *model, FILE *out);

struct explanation;

/* --explain, see explain.h */
int report_explanation_text(const struct explanation *explanation, const struct model *model,
			    const struct text_options *options, FILE *out);
int report_explanation_json(const struct explanation *explanation, const struct model *model,
			    FILE *out);

struct comparison;

/* --before, see compare.h */
int report_comparison_text(const struct comparison *comparison, const struct text_options *options,
			   FILE *out);
int report_comparison_json(const struct comparison *comparison, FILE *out);

#endif
