/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting one finding together: its texts, its evidence, its stacks.
 */
#ifndef ANALYZER_DETECT_FINDING_H
#define ANALYZER_DETECT_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/util/human.h"
#include "analyzer/model.h"
#include "analyzer/activity/cpu_profile.h"
#include "analyzer/trace/stack_table.h"
#include "analyzer/blame/contended_lock.h"

/* Append an empty one to @model; NULL on lack of memory. Valid until the next one. */
struct model_finding *finding_append(struct model *model, enum finding_kind kind);

/* Set summary, pattern or advice. Return: 0 or -ENOMEM. */
int finding_text(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Append a line of evidence. Return: 0 or -ENOMEM. */
int finding_evidence(struct model_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Append whose threads the victims are, for a capture of more than one process. Return: 0 or -ENOMEM. */
int finding_whose(struct model_finding *finding, const struct threads *threads);

/* Append "96.0 % of 300 CPU samples are in user space; innermost: a 40.1 %, b 20.0 %", if there are any. 0 or -ENOMEM. */
int finding_profile(struct model_finding *finding, const struct cpu_profile *profile);

/* Its victims and their time. @start_ns: of the capture. Return: 0 or -ENOMEM. */
int finding_victims(struct model_finding *finding, const struct victim *victims, size_t count,
		    uint64_t start_ns);

/* The kernel's, or else the user's, frames of stack @stack_id. */
struct model_stack finding_stack(const struct stack_table *stacks, uint32_t stack_id, bool kernel);

#endif
