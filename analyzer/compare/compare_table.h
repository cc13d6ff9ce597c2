/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How each table of a comparison is made: rows of both sides in one array, sorted by
 * what tells that two are the same, then those that are become one.
 */
#ifndef ANALYZER_COMPARE_COMPARE_TABLE_H
#define ANALYZER_COMPARE_COMPARE_TABLE_H

#include "analyzer/compare/compare.h"

struct compare_table {
	size_t row_bytes;
	/* Append to @rows what @model has. 0 or -ENOMEM. */
	int (*take)(void *rows, size_t *count, const struct model *model, bool after);
	int (*by_key)(const void *left, const void *right);
	void (*add)(void *row, const void *other);	/* the same by its key */
	enum compare_change (*change)(void *row);	/* also filled in; SAME rows are dropped */
	int (*by_difference)(const void *left, const void *right);
	/* of compare_table_make(): */
	void *rows;					/* calloc'ed, the caller's */
	size_t count;
	size_t alike;					/* rows dropped */
};

/* @most: rows of both models together. Return: 0, or -ENOMEM: then there are none. */
int compare_table_make(struct compare_table *table, const struct comparison *comparison, size_t most);

uint64_t compare_difference(uint64_t a, uint64_t b);

/* Is it more than noise? @least: the difference that counts. */
enum compare_change compare_change_of(uint64_t before, uint64_t after, uint64_t least);

compare_ppm compare_share(uint64_t part_ns, uint64_t whole_ns);

/* What the targets' threads had of time to lose. */
uint64_t compare_thread_time(const struct model *model);

/* For qsort(): the greater difference of the shares first. */
int compare_by_shares(const struct compare_side *before_left, const struct compare_side *after_left,
		      const struct compare_side *before_right,
		      const struct compare_side *after_right);

void compare_side_add(struct compare_side *side, const struct compare_side *other);

/* The tables, of @comparison's models. Each returns 0 or -ENOMEM. */
int compare_findings(struct comparison *comparison);
int compare_waits(struct comparison *comparison);
int compare_locks(struct comparison *comparison);
int compare_threads(struct comparison *comparison);

#endif
