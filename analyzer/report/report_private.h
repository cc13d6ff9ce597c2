/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this folder share: the renderers behind the table of renderers.c, and the
 * parts that several of their documents have.
 */
#ifndef ANALYZER_REPORT_REPORT_PRIVATE_H
#define ANALYZER_REPORT_REPORT_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "analyzer/model.h"
#include "analyzer/report/report.h"
#include "analyzer/util/human.h"
#include "analyzer/util/json_writer.h"
#include "analyzer/util/text_layout.h"

struct explain_excerpt;

int report_text(const struct model *model, const struct report_options *options, FILE *out);
int report_json(const struct model *model, const struct report_options *options, FILE *out);
int report_folded(const struct model *model, const struct report_options *options, FILE *out);
int report_explanation_text(const struct explanation *explanation, const struct model *model,
			    const struct report_options *options, FILE *out);
int report_explanation_json(const struct explanation *explanation, const struct model *model,
			    const struct report_options *options, FILE *out);
int report_comparison_text(const struct comparison *comparison,
			   const struct report_options *options, FILE *out);
int report_comparison_json(const struct comparison *comparison,
			   const struct report_options *options, FILE *out);

/* json_report.c: a member, the exact name of each frame, leaf first. */
void json_put_stack(struct json *json, const char *key, const struct model_stack *stack);

#define TEXT_COLUMN 12 /* where the text behind a label stands */

static inline struct paragraph text_labelled(const char *label, enum terminal_style style)
{
	return (struct paragraph){ .label = label, .style = style, .hang = TEXT_COLUMN };
}

/* text_report.c: the capture, its target and its trigger. */
void text_header(struct text_layout *page, const struct model *model);

/* text_report.c: into the open paragraph, path, length, start and host of the capture. */
void text_add_capture(struct text_layout *page, const struct model *model);

/* text_stack.c: leaf first, broken at " < ", without scheduler plumbing, long ones shortened. */
void text_stack(struct text_layout *page, struct paragraph paragraph,
		const struct model_stack *stack);

/* text_excerpt.c: the events of a thread, one a line. */
void text_excerpt(struct text_layout *page, unsigned int indent, const struct explain_excerpt *trail,
		  bool with_stacks);

/* text_excerpt.c: seconds since the start of the capture, as --explain takes them. */
struct human text_seconds(uint64_t at_ns);

/* text_tables.c */
void text_blame(struct text_layout *page, const struct model *model);
void text_locks(struct text_layout *page, const struct model *model);
void text_waits(struct text_layout *page, const struct model *model);
void text_idle_waits(struct text_layout *page, const struct model *model);
void text_threads(struct text_layout *page, const struct model *model, bool all);

#endif
