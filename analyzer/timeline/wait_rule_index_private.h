/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An index over the function names in the tables of wait_rules.c, made when it is first needed: a
 * stack is held against all rows at the price of two look-ups a frame.
 */
#ifndef ANALYZER_TIMELINE_WAIT_RULE_INDEX_PRIVATE_H
#define ANALYZER_TIMELINE_WAIT_RULE_INDEX_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/source.h"

/* What a table has a name for. */
enum wait_role {
	ROLE_ANY,
	ROLE_CALLER,
	ROLE_UNDER, /* these three: of a row of wait_rules */
	ROLE_RELEASE,
	ROLE_ACQUIRE, /* these two: of a row of release_rules */
	ROLE_PLUMBING,
	ROLE_READ,
	ROLE_WRITE,
	ROLE_INTERRUPT,
	ROLE_MMAP,
	ROLE_FOREIGN_MMAP
};

/* What the tables know of a frame. */
struct seen_frame {
	uint16_t exact, family; /* numbers of names in the tables; 0: none */
	uint16_t position; /* frames from the leaf, plumbing left out; 1 is the first */
};

struct seen_stack {
	size_t count;
	struct seen_frame frames[FT_STACK_FRAMES_MAX];
};

/* The named kernel frames of a stack, as the tables see them. */
void rule_index_see(const struct frame *frames, size_t count, struct seen_stack *ret_stack);

/* @row: of wait_rules or release_rules, 0 for the roles of other tables. */
bool rule_index_has_role(const struct seen_frame *frame, enum wait_role role, size_t row);

/* The rows of wait_rules that have @name as ROLE_ANY, one after the other. *@use: 0 at first. */
bool rule_index_next_rule(uint16_t name, uint16_t *use, uint16_t *ret_row);

/* What follows the prefix of a system call's wrapper; NULL: @symbol is none. */
const char *rule_index_skip_prefix(const char *symbol);

#endif
