/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The renderers: each draws the model into @out and computes nothing.
 *
 * Return: 0, -ENOMEM, or -EIO where @out took not everything.
 */
#ifndef ANALYZER_RENDER_H
#define ANALYZER_RENDER_H

#include <stdbool.h>
#include <stdio.h>

#include "analyzer/model.h"

struct text_options {
	bool color;
	bool all_threads;	/* --threads */
	unsigned int width;	/* columns, 80 */
};

int render_text(const struct model *model, const struct text_options *options, FILE *out);
int render_json(const struct model *model, FILE *out);

/* Off-CPU time of the target by stack, for flame graphs: "target comm;wait class;outermost;...;leaf microseconds". Idle waits too. */
int render_folded(const struct model *model, FILE *out);

struct explanation;

/* --explain, see explain.h */
int render_explanation_text(const struct explanation *explanation, const struct model *model,
			    const struct text_options *options, FILE *out);
int render_explanation_json(const struct explanation *explanation, const struct model *model,
			    FILE *out);

struct comparison;

/* --before, see compare.h */
int render_comparison_text(const struct comparison *comparison, const struct text_options *options,
			   FILE *out);
int render_comparison_json(const struct comparison *comparison, FILE *out);

#endif
