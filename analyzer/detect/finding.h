/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting one finding together: its texts, its evidence, its culprit.
 *
 * Where memory runs out the finding stays incomplete, and goes on being filled in: finding_status()
 * tells in the end.
 */
#ifndef ANALYZER_DETECT_FINDING_H
#define ANALYZER_DETECT_FINDING_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/cpu_profile.h"
#include "analyzer/activity/victims.h"
#include "analyzer/detect/detectors.h"
#include "analyzer/model.h"
#include "analyzer/trace/stack_table.h"
#include "analyzer/util/human.h"

/* Append an empty one to @model; NULL on lack of memory. Valid until the next one. */
struct model_finding *finding_append(struct model *model, enum finding_kind kind);

/* 0 or -ENOMEM: whether all of it, summary and advice first of all, is there. */
int finding_status(const struct model_finding *finding);

/* Set summary or advice. */
void finding_text(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Append a text to a list of them. Return: false on lack of memory. */
bool finding_add_line(char ***lines, size_t *count, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

/* Append a line of evidence. */
void finding_evidence(struct model_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Append whose threads the victims are, for a capture of more than one process. */
void finding_whose(struct model_finding *finding, const struct threads *threads);

/* Append "96.0 % of 300 CPU samples are in user space; innermost: a 40.1 %, b 20.0 %", if there are
 * any. */
void finding_profile(struct model_finding *finding, const struct cpu_profile *profile);

/* Append which thread waited longest, and in what. */
void finding_longest_wait(const struct detect_context *in, const struct long_wait *longest,
			  struct model_finding *finding);

/* Its victims and their time. */
void finding_victims(const struct detect_context *in, const struct victim *victims, size_t count,
		     struct model_finding *finding);

/*
 * @thread is the culprit, by what it did from @start_ns to @end_ns. @state_ns: times there by enum thread_state; NULL.
 * @stack_id: where it was. Return: the culprit, whose other figures are zero.
 */
struct model_culprit *finding_culprit(const struct detect_context *in, const struct thread *thread,
				      uint64_t start_ns, uint64_t end_ns, const uint64_t *state_ns,
				      uint32_t stack_id, struct model_finding *finding);

/* "fsync", or "" where stack @stack_id does not tell in which operation it is. */
const char *finding_operation(const struct detect_context *in, uint32_t stack_id,
			      struct model_finding *finding);

/* "s" of more than one. */
const char *finding_plural(size_t count);

/* The kernel's, or else the user's, frames of stack @stack_id. */
struct model_stack finding_stack(const struct stack_table *stacks, uint32_t stack_id, bool kernel);

#endif
