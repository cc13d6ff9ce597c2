/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One frame of a stack as text.
 *
 * Each returns malloc'ed text, NULL on lack of memory. Symbols and names of files may hold any
 * bytes.
 */
#ifndef ANALYZER_TRACE_FRAME_NAME_H
#define ANALYZER_TRACE_FRAME_NAME_H

#include "analyzer/trace/stack_table.h"

/* For programs: "symbol+0x1f", "symbol (module)", "0x7f12", "0x7f12 (module+0x12)". */
char *frame_name_exact(const struct frame *frame);

/* For graphs: "symbol", "module+0x12", "0x7f12". */
char *frame_name_of(const struct frame *frame);

/* For people: the name and, where known, "(file:line)". */
char *frame_name_brief(const struct frame *frame);

#endif
