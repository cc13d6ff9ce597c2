/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the analysis concluded: what it was, who did it, why we think so, what to do.
 */
#include <inttypes.h>

#include "analyzer/report/text_parts.h"

#define INDENT	      3
#define COLUMN	      15
#define GRADE_COLUMNS 24

static struct paragraph labelled(const char *label)
{
	return (struct paragraph){
		.label = label, .style = STYLE_LABEL, .indent = INDENT, .hang = COLUMN
	};
}

static void title(struct text_layout *page, const struct model_finding *finding, size_t number)
{
	layout_style(page, STYLE_STRONG);
	layout_cell(page, INDENT, false, "%zu", number);
	layout_cell(page, page->width - INDENT - GRADE_COLUMNS, false, "%s",
		    finding_kind_name(finding->kind));
	layout_style_end(page);
	layout_cell(page, GRADE_COLUMNS, true, "grade: %s", grade_name(finding->grade));
	layout_line_end(page);
}

/* What it did while it held the others up. */
static void culprit(struct text_layout *page, const struct model_culprit *culprit)
{
	struct paragraph paragraph = labelled("meanwhile");

	if (culprit->hold_ns)
		layout_paragraph(page, paragraph,
				 "%" PRId32 " %s: running %s, runnable %s, blocked %s",
				 culprit->tid, culprit->comm,
				 human_duration(culprit->running_ns).text,
				 human_duration(culprit->runnable_ns).text,
				 human_duration(culprit->blocked_ns).text);
	if (culprit->why)
		layout_paragraph(page, labelled("because"), "%s", culprit->why);
	paragraph = labelled("kernel");
	paragraph.separator = " < ";
	text_stack(page, paragraph, &culprit->stack);
	paragraph.label = "user";
	text_stack(page, paragraph, &culprit->user_stack);
}

static void evidence(struct text_layout *page, const struct model_finding *finding)
{
	struct paragraph paragraph = labelled("evidence");

	for (size_t i = 0; i < finding->evidence_count; i++) {
		layout_paragraph(page, paragraph, "%s", finding->evidence[i]);
		paragraph.label = NULL;
	}
}

/* How to go on from here: by the one who was hit hardest. */
static void explain(struct text_layout *page, const struct model *model,
		    const struct model_finding *finding)
{
	const char *comm = "";

	if (!finding->victim_count)
		return;
	for (size_t i = 0; i < model->thread_count && !*comm; i++)
		if (model->threads[i].tid == finding->victims[0])
			comm = model->threads[i].comm;
	layout_begin(page);
	layout_add(page, "--explain=%" PRId32 " shows, event by event, why %s waited",
		   finding->victims[0], *comm ? comm : "that thread");
	layout_end(page, labelled("explain"));
}

static void one(struct text_layout *page, const struct model *model,
		const struct model_finding *finding, size_t number)
{
	const struct paragraph summary = { .hang = INDENT };

	title(page, finding, number);
	if (finding->summary)
		layout_paragraph(page, summary, "%s", finding->summary);
	if (finding->has_culprit || finding->evidence_count || finding->pattern || finding->advice)
		layout_line_end(page);
	if (finding->has_culprit)
		culprit(page, &finding->culprit);
	evidence(page, finding);
	if (finding->pattern)
		layout_paragraph(page, labelled("pattern"), "%s", finding->pattern);
	if (finding->advice)
		layout_paragraph(page, labelled("do"), "%s", finding->advice);
	if (number == 1)
		explain(page, model, finding);
	layout_line_end(page);
}

void text_findings(struct text_layout *page, const struct model *model)
{
	const struct paragraph nothing = { .hang = INDENT };

	for (size_t i = 0; i < model->finding_count; i++)
		one(page, model, &model->findings[i], i + 1);
	if (model->stall.found && model->finding_count == 0) {
		layout_paragraph(
			page, nothing,
			"No known cause was recognised. Where the time went is in the table "
			"\"waits that hurt\" below.");
		layout_line_end(page);
	}
}
