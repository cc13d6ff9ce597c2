/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every distinct call stack of the capture, once, with its frames' names.
 *
 * Memory grows with distinct stacks, not with the capture's length.
 */
#ifndef ANALYZER_STACKS_H
#define ANALYZER_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"
#include "capture/symbols.h"

#define STACK_NONE 0	/* id of "no stack was taken" */

struct stacks;

/* One frame, ready for rules and for rendering. All texts are borrowed from struct stacks. */
struct frame {
	uint64_t address;
	bool kernel;
	const char *symbol;	/* bare name for rules: without .isra.0 and the like; NULL: not known */
	uint64_t offset_bytes;	/* into symbol, or into module where symbol is NULL */
	const char *module;	/* base name; NULL */
	const char *file;	/* base name of the source file; NULL */
	uint32_t line;
};

/* @symbols: borrowed, must outlive the stacks. */
int stacks_create(const struct ft_symbols *symbols, struct stacks **ret_stacks);
void stacks_destroy(struct stacks *stacks);

/**
 * stacks_intern() - the id of a stack; the same frames give the same id.
 *
 * @tgid: whose user frames these are (stacks of two processes differ even if addresses agree).
 *
 * Return: 0 or -ENOMEM. *ret_id > 0; ids are dense.
 */
int stacks_intern(struct stacks *stacks, int32_t tgid, const struct ft_stack *stack,
		  uint32_t *ret_id);

uint32_t stacks_count(const struct stacks *stacks);	/* ids are below it */

/* Frames of stack @id, leaf first, kernel frames first; borrowed until destroyed. 0 for STACK_NONE. */
size_t stacks_frames(const struct stacks *stacks, uint32_t id, const struct frame **ret_frames);

#endif
