/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a table of a comparison is made: the rows of both sides go into one array, which is
 * sorted by key, so that rows of the same thing are neighbours and become one.
 */
#include "analyzer/compare/compare_private.h"

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

static int by_tid(const void *left, const void *right)
{
	const struct model_thread *const *a = left, *const *b = right;

	return ((*a)->tid > (*b)->tid) - ((*a)->tid < (*b)->tid);
}

static int list_leaders(struct process_names *names, const struct model *model)
{
	names->leaders = calloc(model->thread_count + 1, sizeof(*names->leaders));
	if (!names->leaders)
		return -ENOMEM;
	for (size_t i = 0; i < model->thread_count; i++)
		if (model->threads[i].tid == model->threads[i].tgid)
			names->leaders[names->count++] = &model->threads[i];
	qsort(names->leaders, names->count, sizeof(*names->leaders), by_tid);
	return 0;
}

const char *compare_lasting_comm(const char *comm)
{
	return strncmp(comm, "kworker", 7) ? comm : "kworker";
}

const char *compare_process_name(const struct process_names *names, int32_t tgid)
{
	const struct model_thread wanted = { .tid = tgid }, *key = &wanted;
	const struct model_thread *const *found =
		bsearch(&key, names->leaders, names->count, sizeof(*names->leaders), by_tid);

	return found ? compare_lasting_comm((*found)->comm) : "";
}

static int append_rows(const struct compare_table *table, struct compare_rows *rows,
		       const struct model *model, bool after)
{
	struct process_names names = { 0 };
	int r = list_leaders(&names, model);

	if (!r)
		table->append(rows, model, &names, after);
	free(names.leaders);
	return r;
}

static void *row_at(const struct compare_table *table, const struct compare_rows *rows, size_t at)
{
	return (char *)rows->list + at * table->row_bytes;
}

static void merge_equal_rows(const struct compare_table *table, struct compare_rows *rows)
{
	size_t made = 0;

	qsort(rows->list, rows->count, table->row_bytes, table->by_key);
	for (size_t i = 0; i < rows->count; i++) {
		void *row = row_at(table, rows, i);

		if (made && !table->by_key(row_at(table, rows, made - 1), row))
			table->merge(row_at(table, rows, made - 1), row);
		else
			memmove(row_at(table, rows, made++), row, table->row_bytes);
	}
	rows->count = made;
}

static void drop_same_rows(const struct compare_table *table, struct compare_rows *rows)
{
	size_t kept = 0;

	for (size_t i = 0; i < rows->count; i++) {
		void *row = row_at(table, rows, i);

		if (table->find_change(row) != COMPARE_SAME)
			memmove(row_at(table, rows, kept++), row, table->row_bytes);
	}
	rows->alike = rows->count - kept;
	rows->count = kept;
	qsort(rows->list, kept, table->row_bytes, table->by_difference);
}

int compare_table_make(const struct compare_table *table, const struct comparison *comparison,
		       size_t most, struct compare_rows *ret_rows)
{
	struct compare_rows rows = { .list = calloc(most + 1, table->row_bytes) };
	int r = rows.list ? 0 : -ENOMEM;

	if (!r)
		r = append_rows(table, &rows, comparison->before, false);
	if (!r)
		r = append_rows(table, &rows, comparison->after, true);
	if (r) {
		free(rows.list);
		return r;
	}
	merge_equal_rows(table, &rows);
	drop_same_rows(table, &rows);
	*ret_rows = rows;
	return 0;
}
