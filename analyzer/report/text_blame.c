/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table that adds up what was lost in the stall, by what it was lost to.
 */
#include <inttypes.h>

#include "analyzer/report/text_parts.h"

#define ROWS	       6
#define ROOT_COLUMNS   34
#define TIME_COLUMNS   10
#define VICTIM_COLUMNS 9
#define GRADE_COLUMNS  11

static void row(struct text_layout *page, const struct model_blame *blame)
{
	const unsigned int thread_columns =
		page->width - ROOT_COLUMNS - TIME_COLUMNS - VICTIM_COLUMNS - GRADE_COLUMNS;

	layout_cell(page, ROOT_COLUMNS, false, " %s", blame->root);
	if (blame->tid)
		layout_cell(page, thread_columns, false, "%" PRId32 " %s", blame->tid, blame->comm);
	else
		layout_cell(page, thread_columns, false, "%s", "");
	layout_cell(page, TIME_COLUMNS, true, "%s", human_duration(blame->blocked_ns).text);
	layout_cell(page, VICTIM_COLUMNS, true, "%" PRIu32, blame->victims);
	layout_cell(page, GRADE_COLUMNS, true, "%s", grade_name(blame->grade));
	layout_line_end(page);
}

void text_blame(struct text_layout *page, const struct model *model)
{
	const unsigned int thread_columns =
		page->width - ROOT_COLUMNS - TIME_COLUMNS - VICTIM_COLUMNS - GRADE_COLUMNS;
	uint64_t left_ns = 0;
	size_t i;

	if (!model->blame_count)
		return;
	layout_style(page, STYLE_LABEL);
	layout_cell(page, ROOT_COLUMNS, false, "blame");
	layout_cell(page, thread_columns, false, "thread");
	layout_cell(page, TIME_COLUMNS, true, "lost");
	layout_cell(page, VICTIM_COLUMNS, true, "victims");
	layout_cell(page, GRADE_COLUMNS, true, "grade");
	layout_style_end(page);
	layout_line_end(page);
	/* What is less than a hundredth of the first is only for --json. */
	for (i = 0; i < model->blame_count && i < ROWS; i++) {
		if (model->blame[i].blocked_ns < model->blame[0].blocked_ns / 100)
			break;
		row(page, &model->blame[i]);
	}
	for (size_t j = i; j < model->blame_count; j++)
		left_ns += model->blame[j].blocked_ns;
	if (left_ns && left_ns >= model->blame[0].blocked_ns / 100) {
		layout_cell(page, page->width, false, " ... %s more (--json)",
			    human_count(model->blame_count - i).text);
		layout_line_end(page);
	}
	layout_line_end(page);
}
