/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every distinct call stack of the capture, once, with its frames' names.
 *
 * Memory grows with distinct stacks, not with the capture's length.
 */
#ifndef ANALYZER_TRACE_STACK_TABLE_H
#define ANALYZER_TRACE_STACK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"
#include "capture/symbols.h"

#define STACK_NONE 0	/* id of "no stack was taken" */

struct stack_table;

/* One frame with its names. All texts are borrowed from struct stack_table. */
struct frame {
	uint64_t address;
	bool kernel;
	const char *symbol;	/* bare name, without .isra.0 and the like; NULL: not known */
	uint64_t offset_bytes;	/* into symbol, or into module where symbol is NULL */
	const char *module;	/* base name; NULL */
	const char *file;	/* base name of the source file; NULL */
	uint32_t line;
};

/* @symbols: borrowed, must outlive the stacks. */
int stack_table_create(const struct ft_symbols *symbols, struct stack_table **ret_stacks);
void stack_table_destroy(struct stack_table *stacks);

/**
 * stack_table_intern() - the id of a stack; the same frames give the same id.
 *
 * @tgid: the process of the user frames. Stacks of two processes differ even if their addresses
 *        agree.
 *
 * Return: 0 or -ENOMEM. *ret_id > 0; ids are dense.
 */
int stack_table_intern(struct stack_table *stacks, int32_t tgid, const struct ft_stack *stack,
		  uint32_t *ret_id);

/* Frames of stack @id, leaf first, kernel frames first; borrowed until destroyed. 0 for
 * STACK_NONE. */
size_t stack_table_frames(const struct stack_table *stacks, uint32_t id,
			  const struct frame **ret_frames);

#endif
