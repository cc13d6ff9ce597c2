/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a comparison: tables of rows that are the same thing on both sides,
 * then the sentences about them.
 */
#ifndef ANALYZER_COMPARE_COMPARE_PRIVATE_H
#define ANALYZER_COMPARE_COMPARE_PRIVATE_H

#include "analyzer/compare/compare.h"

/* Names of processes, which last from one run to the next as ids do not. */
struct process_names {
	const struct model_thread **leaders;	/* borrowed from the model; by tid */
	size_t count;
};

/* The comm of the main thread; "" where it is not known. Borrowed from the model. */
const char *compare_process_name(const struct process_names *names, int32_t tgid);

/* The part of a comm that lasts: a kernel worker's also tells its CPU and its last work. */
const char *compare_lasting_comm(const char *comm);

struct compare_rows {
	void *list;	/* calloc'ed; NULL on failure */
	size_t count;
	size_t alike;	/* rows that were dropped because they differ by no more than noise */
};

/* How a table is made. Rows with equal keys become one. */
struct compare_table {
	size_t row_bytes;
	/* Append a row for each item of @model to @rows->list. */
	void (*append)(struct compare_rows *rows, const struct model *model,
		       const struct process_names *names, bool after);
	int (*by_key)(const void *left, const void *right);
	void (*merge)(void *row, const void *other);
	/* Store and return the change of @row. A row that is SAME is dropped. */
	enum compare_change (*find_change)(void *row);
	int (*by_difference)(const void *left, const void *right);
};

/* @most: rows of both models together. Return: 0 or -ENOMEM. */
int compare_table_make(const struct compare_table *table, const struct comparison *comparison,
		       size_t most, struct compare_rows *ret_rows);

/* A smaller difference is taken for noise. */
#define COMPARE_LEAST_PPM 1000u		/* of waits and locks: 0.1 % */
#define COMPARE_THREAD_LEAST_PPM 10000u	/* of threads: 1 % */
#define COMPARE_LEAST_PERCENT 25u	/* of the larger figure */

uint64_t compare_difference(uint64_t a, uint64_t b);

/* COMPARE_SAME: the difference is below @least or COMPARE_LEAST_PERCENT. */
enum compare_change compare_change_of(uint64_t before, uint64_t after, uint64_t least);

compare_ppm compare_share(uint64_t part_ns, uint64_t whole_ns);

/* The observed time of the targets' threads. */
uint64_t compare_thread_time(const struct model *model);

/* compare_rows.c: fill in findings, waits, locks and threads. Return: 0 or -ENOMEM. */
int compare_rows_make(struct comparison *comparison);

/* compare_verdict.c: warn of what was recorded differently. Return: 0 or -ENOMEM. */
int compare_verdict_warn(struct comparison *comparison);

/* compare_verdict.c: @comparison has its rows. Return: 0 or -ENOMEM. */
int compare_verdict_write(struct comparison *comparison);

#endif
