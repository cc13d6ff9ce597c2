/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report for a ticket, in the order a tired person asks: what happened,
 * who did it, how do you know, what do I do, what can't you tell me.
 */
#include "analyzer/report/report.h"

#include <inttypes.h>
#include <stdio.h>

#include "analyzer/report/text_parts.h"

struct human text_moment(const struct model *model, uint64_t at_ns)
{
	struct human human;

	/* Unsigned, as any numbers may stand in a capture. */
	if (model->capture.start_realtime_ns)
		return human_clock((int64_t)((uint64_t)model->capture.start_realtime_ns + at_ns),
				   model->capture.utc_offset_s);
	snprintf(human.text, sizeof(human.text), "+%" PRIu64 ".%03" PRIu64 " s", at_ns / 1000000000,
		 at_ns / 1000000 % 1000);
	return human;
}

int report_text(const struct model *model, const struct text_options *options, FILE *out)
{
	struct text_layout page;

	layout_start(&page, out, options->width, options->color);
	text_header(&page, model);
	text_verdict(&page, model);
	text_findings(&page, model);
	text_blame(&page, model);
	text_locks(&page, model);
	text_waits(&page, model);
	text_idle_waits(&page, model);
	text_threads(&page, model, options->all_threads);
	text_coverage(&page, model);
	return layout_finish(&page);
}
