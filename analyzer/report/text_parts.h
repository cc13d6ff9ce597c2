/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the text report, from top to bottom.
 */
#ifndef ANALYZER_REPORT_TEXT_PARTS_H
#define ANALYZER_REPORT_TEXT_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/util/human.h"
#include "analyzer/model.h"
#include "analyzer/util/text_layout.h"

#define TEXT_COLUMN 12 /* where the text behind a label stands */

static inline struct paragraph text_labelled(const char *label, enum terminal_style style)
{
	return (struct paragraph){ .label = label, .style = style, .hang = TEXT_COLUMN };
}

/* text_headline.c: whose capture, what happened, and what is missing from it. */
void text_header(struct text_layout *page, const struct model *model);
void text_verdict(struct text_layout *page, const struct model *model);

/* text_findings.c */
void text_findings(struct text_layout *page, const struct model *model);

/* text_stack.c: leaf first, broken at " < ", without scheduler plumbing, long ones shortened. */
void text_stack(struct text_layout *page, struct paragraph paragraph, const struct model_stack *stack);

/* text_blame.c: what the waits of the stall lead to. */
void text_blame(struct text_layout *page, const struct model *model);

/* text_tables.c */
void text_locks(struct text_layout *page, const struct model *model);
void text_waits(struct text_layout *page, const struct model *model);
void text_idle_waits(struct text_layout *page, const struct model *model);
void text_threads(struct text_layout *page, const struct model *model, bool all);

/* text_coverage.c: what was recorded, what was lost, what cannot be said. */
void text_coverage(struct text_layout *page, const struct model *model);

/* report_text.c: the time of day where the host was, "+31.073 s" into the capture where that is not known. */
struct human text_moment(const struct model *model, uint64_t at_ns);

#endif
