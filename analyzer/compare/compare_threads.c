/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/compare/compare_table.h"

#include <string.h>

#include "analyzer/compare/compare_names.h"

static int thread_by_key(const void *left, const void *right)
{
	const struct compare_thread *a = left, *b = right;
	int order = strcmp(a->process, b->process);

	return order ? order : strcmp(a->comm, b->comm);
}

static void thread_side_add(struct compare_thread_side *side,
			    const struct compare_thread_side *other)
{
	side->threads += other->threads;
	side->running_ns += other->running_ns;
	side->runnable_ns += other->runnable_ns;
	side->hurt_ns += other->hurt_ns;
	side->running += other->running;
	side->runnable += other->runnable;
	side->hurt += other->hurt;
}

static void thread_add(void *row, const void *other)
{
	struct compare_thread *thread = row;
	const struct compare_thread *more = other;

	thread->target = thread->target || more->target;
	thread_side_add(&thread->before, &more->before);
	thread_side_add(&thread->after, &more->after);
}

static void consider(struct compare_thread *thread, enum thread_state state, compare_ppm before,
		     compare_ppm after)
{
	enum compare_change change = compare_change_of(before, after, COMPARE_THREAD_LEAST_PPM);

	if (change == COMPARE_SAME || compare_difference(before, after) <= thread->difference)
		return;
	thread->difference = compare_difference(before, after);
	thread->state = state;
	thread->change = !thread->before.threads  ? COMPARE_NEW
			 : !thread->after.threads ? COMPARE_GONE
			 : after > before	  ? COMPARE_GREW
						  : COMPARE_SHRANK;
}

static enum compare_change thread_change(void *row)
{
	struct compare_thread *thread = row;

	thread->change = COMPARE_SAME;
	consider(thread, THREAD_RUNNING, thread->before.running, thread->after.running);
	consider(thread, THREAD_RUNNABLE, thread->before.runnable, thread->after.runnable);
	consider(thread, THREAD_BLOCKED, thread->before.hurt, thread->after.hurt);
	return thread->change;
}

static int thread_by_difference(const void *left, const void *right)
{
	const struct compare_thread *a = left, *b = right;

	if (a->target != b->target)
		return b->target - a->target;
	if (a->difference != b->difference)
		return a->difference < b->difference ? 1 : -1;
	return thread_by_key(left, right);
}

/* Blocked, and in what hurts: what was runnable is told by itself. */
static uint64_t hurt_ns(const struct model_thread *thread)
{
	uint64_t sum_ns = 0;

	for (enum wait_class class = 0; class < WAIT_CLASSES; class ++)
		if (!wait_class_idle(class) && class != WAIT_CPU_RUNQUEUE)
			sum_ns += thread->class_ns[class];
	return sum_ns;
}

/* "worker3" is one of a pool whose threads are alike: "worker*". A main thread stands for itself. */
static void name_pool(struct compare_thread *row, const struct model_thread *thread)
{
	const char *name = compare_lasting(thread->comm);
	size_t bytes = strlen(name);

	while (thread->tid != thread->tgid && bytes > 1 && name[bytes - 1] >= '0' &&
	       name[bytes - 1] <= '9')
		bytes--;
	memcpy(row->comm, name, bytes);
	if (name[bytes])
		row->comm[bytes++] = '*';
	row->comm[bytes] = 0;
}

static void threads_take(struct compare_thread *rows, size_t *count, const struct model *model,
			 const struct compare_names *names, bool after)
{
	const uint64_t whole_ns = model->capture.duration_ns;

	for (size_t i = 0; i < model->thread_count; i++) {
		const struct model_thread *thread = &model->threads[i];
		struct compare_thread *row = &rows[(*count)++];

		*row = (struct compare_thread){
			.process = compare_name_of(names, thread->tgid),
			.target = thread->target,
		};
		name_pool(row, thread);
		*(after ? &row->after : &row->before) = (struct compare_thread_side){
			.threads = 1,
			.running_ns = thread->running_ns,
			.runnable_ns = thread->runnable_ns,
			.hurt_ns = hurt_ns(thread),
			.running = compare_share(thread->running_ns, whole_ns),
			.runnable = compare_share(thread->runnable_ns, whole_ns),
			.hurt = compare_share(hurt_ns(thread), whole_ns),
		};
	}
}

static int take(void *rows, size_t *count, const struct model *model, bool after)
{
	struct compare_names names = { 0 };
	int r = compare_names_make(&names, model);

	if (!r)
		threads_take(rows, count, model, &names, after);
	compare_names_free(&names);
	return r;
}

int compare_threads(struct comparison *comparison)
{
	struct compare_table table = { .row_bytes = sizeof(struct compare_thread),
				       .take = take,
				       .by_key = thread_by_key,
				       .add = thread_add,
				       .change = thread_change,
				       .by_difference = thread_by_difference };
	int r = compare_table_make(&table, comparison,
				   comparison->before->thread_count + comparison->after->thread_count);

	if (r)
		return r;
	comparison->threads = table.rows;
	comparison->thread_count = table.count;
	comparison->threads_alike = table.alike;
	return 0;
}
