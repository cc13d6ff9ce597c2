/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/compare/compare_table.h"

#include <string.h>

static int wait_by_key(const void *left, const void *right)
{
	const struct compare_wait *a = left, *b = right;

	if (a->class != b->class)
		return a->class < b->class ? -1 : 1;
	return strcmp(a->operation, b->operation);
}

static void wait_add(void *row, const void *other)
{
	struct compare_wait *wait = row;
	const struct compare_wait *more = other;

	compare_side_add(&wait->before, &more->before);
	compare_side_add(&wait->after, &more->after);
}

static enum compare_change wait_change(void *row)
{
	struct compare_wait *wait = row;

	wait->change = compare_change_of(wait->before.share, wait->after.share, COMPARE_LEAST_PPM);
	return wait->change;
}

/* What hurts first. */
static int wait_by_difference(const void *left, const void *right)
{
	const struct compare_wait *a = left, *b = right;
	int order = compare_by_shares(&a->before, &a->after, &b->before, &b->after);

	if (a->idle != b->idle)
		return a->idle - b->idle;
	return order ? order : wait_by_key(left, right);
}

static int waits_take(void *into, size_t *count, const struct model *model, bool after)
{
	struct compare_wait *rows = into;
	const uint64_t whole_ns = compare_thread_time(model);

	for (size_t i = 0; i < model->wait_group_count; i++) {
		const struct model_wait *wait = &model->wait_groups[i];
		struct compare_wait *row = &rows[(*count)++];
		const struct compare_side side = {
			.time_ns = wait->blocked_ns + wait->runnable_ns,
			.share = compare_share(wait->blocked_ns + wait->runnable_ns, whole_ns),
			.count = wait->count,
			.max_ns = wait->max_ns,
			.stack = wait->stack,
		};

		*row = (struct compare_wait){
			.class = wait->class,
			.idle = wait->idle,
			.operation = wait->operation ? wait->operation : "",
		};
		*(after ? &row->after : &row->before) = side;
	}
	return 0;
}

int compare_waits(struct comparison *comparison)
{
	struct compare_table table = { .row_bytes = sizeof(struct compare_wait),
				       .take = waits_take,
				       .by_key = wait_by_key,
				       .add = wait_add,
				       .change = wait_change,
				       .by_difference = wait_by_difference };
	int r = compare_table_make(&table, comparison,
				   comparison->before->wait_group_count + comparison->after->wait_group_count);

	if (r)
		return r;
	comparison->waits = table.rows;
	comparison->wait_count = table.count;
	comparison->waits_alike = table.alike;
	return 0;
}
