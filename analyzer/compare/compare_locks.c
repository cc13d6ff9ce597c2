/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/compare/compare_table.h"

#include <string.h>

#include "analyzer/compare/compare_names.h"

static int lock_by_key(const void *left, const void *right)
{
	const struct compare_lock *a = left, *b = right;
	int order = strcmp(a->detail, b->detail);

	if (a->class != b->class)
		return a->class < b->class ? -1 : 1;
	return order ? order : strcmp(a->process, b->process);
}

static void lock_add(void *row, const void *other)
{
	struct compare_lock *lock = row;
	const struct compare_lock *more = other;

	if (more->before.max_ns > lock->before.max_ns)
		lock->owner_before = more->owner_before;
	if (more->after.max_ns > lock->after.max_ns)
		lock->owner_after = more->owner_after;
	compare_side_add(&lock->before, &more->before);
	compare_side_add(&lock->after, &more->after);
}

static enum compare_change lock_change(void *row)
{
	struct compare_lock *lock = row;

	lock->change = compare_change_of(lock->before.share, lock->after.share, COMPARE_LEAST_PPM);
	return lock->change;
}

static int lock_by_difference(const void *left, const void *right)
{
	const struct compare_lock *a = left, *b = right;
	int order = compare_by_shares(&a->before, &a->after, &b->before, &b->after);

	return order ? order : lock_by_key(left, right);
}

static void locks_take(struct compare_lock *rows, size_t *count, const struct model *model,
		       const struct compare_names *names, bool after)
{
	for (size_t i = 0; i < model->lock_count; i++) {
		const struct model_lock *lock = &model->locks[i];
		const char *owner =
			lock->owner_count && lock->owners[0].tid ? lock->owners[0].comm : "";
		struct compare_lock *row = &rows[(*count)++];

		*row = (struct compare_lock){
			.class = lock->class,
			.detail = lock->detail && lock->class != WAIT_LOCK_MMAP ? lock->detail : "",
			.process = compare_name_of(names, lock->tgid),
			.owner_before = after ? "" : owner,
			.owner_after = after ? owner : "",
		};
		*(after ? &row->after : &row->before) = (struct compare_side){
			.time_ns = lock->wait_ns,
			.share = compare_share(lock->wait_ns, model->capture.duration_ns),
			.count = lock->waits,
			.max_ns = lock->max_wait_ns,
		};
	}
}

static int take(void *rows, size_t *count, const struct model *model, bool after)
{
	struct compare_names names = { 0 };
	int r = compare_names_make(&names, model);

	if (!r)
		locks_take(rows, count, model, &names, after);
	compare_names_free(&names);
	return r;
}

int compare_locks(struct comparison *comparison)
{
	struct compare_table table = { .row_bytes = sizeof(struct compare_lock),
				       .take = take,
				       .by_key = lock_by_key,
				       .add = lock_add,
				       .change = lock_change,
				       .by_difference = lock_by_difference };
	int r = compare_table_make(&table, comparison,
				   comparison->before->lock_count + comparison->after->lock_count);

	if (r)
		return r;
	comparison->locks = table.rows;
	comparison->lock_count = table.count;
	comparison->locks_alike = table.alike;
	return 0;
}
