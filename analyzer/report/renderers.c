/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of output formats. A new format is one row.
 */
#include "analyzer/report/report.h"

#include <string.h>

#include "analyzer/report/report_private.h"

static const struct renderer renderers[] = {
	{ .name = "text",
	  .report = report_text,
	  .explanation = report_explanation_text,
	  .comparison = report_comparison_text },
	{ .name = "json",
	  .report = report_json,
	  .explanation = report_explanation_json,
	  .comparison = report_comparison_json },
	{ .name = "folded", .report = report_folded },
};

const struct renderer *report_renderer(const char *name)
{
	for (size_t i = 0; i < sizeof(renderers) / sizeof(renderers[0]); i++)
		if (strcmp(renderers[i].name, name) == 0)
			return &renderers[i];
	return NULL;
}
