/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/compare/compare_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MILLION 1000000u

compare_ppm compare_share(uint64_t part_ns, uint64_t whole_ns)
{
	return whole_ns ? (compare_ppm)((double)part_ns * MILLION / (double)whole_ns) : 0;
}

uint64_t compare_difference(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

enum compare_change compare_change_of(uint64_t before, uint64_t after, uint64_t least)
{
	const uint64_t more = before > after ? before : after;
	const uint64_t differs = compare_difference(before, after);

	if (differs < least || (double)differs * 100 < (double)more * COMPARE_LEAST_PERCENT)
		return COMPARE_SAME;
	if (!before)
		return COMPARE_NEW;
	if (!after)
		return COMPARE_GONE;
	return after > before ? COMPARE_GREW : COMPARE_SHRANK;
}

uint64_t compare_thread_time(const struct model *model)
{
	uint64_t sum_ns = 0;

	for (size_t i = 0; i < model->thread_count; i++)
		if (model->threads[i].target)
			sum_ns += model->threads[i].observed_ns;
	return sum_ns;
}

int compare_by_shares(const struct compare_side *before_left, const struct compare_side *after_left,
		      const struct compare_side *before_right,
		      const struct compare_side *after_right)
{
	uint64_t left = compare_difference(before_left->share, after_left->share);
	uint64_t right = compare_difference(before_right->share, after_right->share);

	return (left < right) - (left > right);
}

void compare_side_add(struct compare_side *side, const struct compare_side *other)
{
	if (other->time_ns > side->time_ns)
		side->stack = other->stack;
	side->share += other->share;
	side->time_ns += other->time_ns;
	side->count += other->count;
	if (other->max_ns > side->max_ns)
		side->max_ns = other->max_ns;
}

static void *row_at(const struct compare_table *table, size_t at)
{
	return (char *)table->rows + at * table->row_bytes;
}

/* One row of those that are the same, and none of those that do not differ. */
static void unite(struct compare_table *table)
{
	size_t made = 0, kept = 0;

	if (!table->count)
		return;
	qsort(table->rows, table->count, table->row_bytes, table->by_key);
	for (size_t i = 0; i < table->count; i++) {
		if (made && !table->by_key(row_at(table, made - 1), row_at(table, i)))
			table->add(row_at(table, made - 1), row_at(table, i));
		else
			memmove(row_at(table, made++), row_at(table, i), table->row_bytes);
	}
	for (size_t i = 0; i < made; i++)
		if (table->change(row_at(table, i)) != COMPARE_SAME)
			memmove(row_at(table, kept++), row_at(table, i), table->row_bytes);
	table->count = kept;
	table->alike = made - kept;
	qsort(table->rows, kept, table->row_bytes, table->by_difference);
}

int compare_table_make(struct compare_table *table, const struct comparison *comparison, size_t most)
{
	int r;

	table->rows = calloc(most + 1, table->row_bytes);
	if (!table->rows)
		return -ENOMEM;
	r = table->take(table->rows, &table->count, comparison->before, false);
	if (!r)
		r = table->take(table->rows, &table->count, comparison->after, true);
	if (r)
		free(table->rows);
	else
		unite(table);
	return r;
}
