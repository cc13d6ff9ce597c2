/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model's tables, locks, waits and threads, from a survey.
 */
#ifndef ANALYZER_DETECT_TABLES_H
#define ANALYZER_DETECT_TABLES_H

#include "analyzer/model.h"
#include "analyzer/trace/source.h"
#include "analyzer/timeline/stack_info.h"
#include "analyzer/activity/observations.h"

struct tables_context {
	const struct source *source;
	struct stack_infos *stack_infos;
	const struct observations *observations;
	struct target *target;
	uint32_t hurting_classes;	/* classes, a bit each, in which unusual waits were no idle ones */
};

/* Each appends its table to @model. Return: 0 or -ENOMEM. */
int tables_locks(const struct tables_context *context, struct model *model);
int tables_waits(const struct tables_context *context, struct model *model);

/* Call it after the findings: their culprits come first. */
int tables_threads(const struct tables_context *context, struct model *model);

#endif
