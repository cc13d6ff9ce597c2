/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of a comparison: which findings, waits, locks and threads of two captures are
 * the same, and how far they differ.
 */
#include "analyzer/compare/compare_private.h"

#include <string.h>

static int compare_shares(const struct compare_side *before_left,
			  const struct compare_side *after_left,
			  const struct compare_side *before_right,
			  const struct compare_side *after_right)
{
	uint64_t left = compare_difference(before_left->share, after_left->share);
	uint64_t right = compare_difference(before_right->share, after_right->share);

	return (left < right) - (left > right);
}

static void add_side(struct compare_side *side, const struct compare_side *other)
{
	if (other->time_ns > side->time_ns)
		side->stack = other->stack;
	side->share += other->share;
	side->time_ns += other->time_ns;
	side->count += other->count;
	if (other->max_ns > side->max_ns)
		side->max_ns = other->max_ns;
}

static int compare_finding_keys(const void *left, const void *right)
{
	const struct compare_finding *a = left, *b = right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return strcmp(a->culprit, b->culprit);
}

static uint64_t lost_ns(const struct model_finding *finding)
{
	return finding ? finding->blocked_ns : 0;
}

/* Keep, of several findings alike in one capture, the one that cost most. */
static void merge_finding(void *row, const void *other)
{
	struct compare_finding *finding = row;
	const struct compare_finding *more = other;

	if (!finding->before || lost_ns(more->before) > lost_ns(finding->before))
		finding->before = more->before ? more->before : finding->before;
	if (!finding->after || lost_ns(more->after) > lost_ns(finding->after))
		finding->after = more->after ? more->after : finding->after;
}

static uint64_t finding_difference(const struct compare_finding *finding)
{
	return compare_difference(lost_ns(finding->before), lost_ns(finding->after));
}

static int compare_finding_differences(const void *left, const void *right)
{
	const struct compare_finding *a = left, *b = right;
	uint64_t a_ns = finding_difference(a), b_ns = finding_difference(b);

	if (a_ns != b_ns)
		return a_ns < b_ns ? 1 : -1;
	return compare_finding_keys(left, right);
}

static void append_findings(struct compare_rows *rows, const struct model *model,
			    const struct process_names *names, bool after)
{
	struct compare_finding *list = rows->list;

	(void)names;
	for (size_t i = 0; i < model->finding_count; i++) {
		const struct model_finding *finding = &model->findings[i];

		if (finding->kind == FINDING_NO_STALL)
			continue;
		list[rows->count++] = (struct compare_finding){
			.kind = finding->kind,
			.culprit = finding->has_culprit ? finding->culprit.comm : "",
			.before = after ? NULL : finding,
			.after = after ? finding : NULL,
		};
	}
}

/* A finding stays in the list also where it did not change, so SAME is only stored. */
static enum compare_change find_finding_change(void *row)
{
	struct compare_finding *finding = row;

	finding->change = !finding->before  ? COMPARE_NEW
			  : !finding->after ? COMPARE_GONE
					    : compare_change_of(lost_ns(finding->before),
								lost_ns(finding->after), 1);
	return COMPARE_NEW;
}

static int compare_wait_keys(const void *left, const void *right)
{
	const struct compare_wait *a = left, *b = right;

	if (a->class != b->class)
		return a->class < b->class ? -1 : 1;
	return strcmp(a->operation, b->operation);
}

static void merge_wait(void *row, const void *other)
{
	struct compare_wait *wait = row;
	const struct compare_wait *more = other;

	add_side(&wait->before, &more->before);
	add_side(&wait->after, &more->after);
}

static enum compare_change find_wait_change(void *row)
{
	struct compare_wait *wait = row;

	wait->change = compare_change_of(wait->before.share, wait->after.share, COMPARE_LEAST_PPM);
	return wait->change;
}

/* Waits that hurt come first. */
static int compare_wait_differences(const void *left, const void *right)
{
	const struct compare_wait *a = left, *b = right;
	int order = compare_shares(&a->before, &a->after, &b->before, &b->after);

	if (a->idle != b->idle)
		return a->idle - b->idle;
	return order ? order : compare_wait_keys(left, right);
}

static void append_waits(struct compare_rows *rows, const struct model *model,
			 const struct process_names *names, bool after)
{
	const uint64_t whole_ns = compare_thread_time(model);
	struct compare_wait *list = rows->list;

	(void)names;
	for (size_t i = 0; i < model->wait_group_count; i++) {
		const struct model_wait *wait = &model->wait_groups[i];
		struct compare_wait *row = &list[rows->count++];
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
}

static int compare_lock_keys(const void *left, const void *right)
{
	const struct compare_lock *a = left, *b = right;
	int order = strcmp(a->detail, b->detail);

	if (a->class != b->class)
		return a->class < b->class ? -1 : 1;
	return order ? order : strcmp(a->process, b->process);
}

static void merge_lock(void *row, const void *other)
{
	struct compare_lock *lock = row;
	const struct compare_lock *more = other;

	if (more->before.max_ns > lock->before.max_ns)
		lock->owner_before = more->owner_before;
	if (more->after.max_ns > lock->after.max_ns)
		lock->owner_after = more->owner_after;
	add_side(&lock->before, &more->before);
	add_side(&lock->after, &more->after);
}

static enum compare_change find_lock_change(void *row)
{
	struct compare_lock *lock = row;

	lock->change = compare_change_of(lock->before.share, lock->after.share, COMPARE_LEAST_PPM);
	return lock->change;
}

static int compare_lock_differences(const void *left, const void *right)
{
	const struct compare_lock *a = left, *b = right;
	int order = compare_shares(&a->before, &a->after, &b->before, &b->after);

	return order ? order : compare_lock_keys(left, right);
}

static void append_locks(struct compare_rows *rows, const struct model *model,
			 const struct process_names *names, bool after)
{
	struct compare_lock *list = rows->list;

	for (size_t i = 0; i < model->lock_count; i++) {
		const struct model_lock *lock = &model->locks[i];
		const char *owner =
			lock->owner_count && lock->owners[0].tid ? lock->owners[0].comm : "";
		struct compare_lock *row = &list[rows->count++];

		*row = (struct compare_lock){
			.class = lock->class,
			.detail = lock->detail && lock->class != WAIT_LOCK_MMAP ? lock->detail : "",
			.process = compare_process_name(names, lock->tgid),
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

static int compare_thread_keys(const void *left, const void *right)
{
	const struct compare_thread *a = left, *b = right;
	int order = strcmp(a->process, b->process);

	return order ? order : strcmp(a->comm, b->comm);
}

static void add_thread_side(struct compare_thread_side *side,
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

static void merge_thread(void *row, const void *other)
{
	struct compare_thread *thread = row;
	const struct compare_thread *more = other;

	thread->target = thread->target || more->target;
	add_thread_side(&thread->before, &more->before);
	add_thread_side(&thread->after, &more->after);
}

static void consider_state(struct compare_thread *thread, enum compare_state state,
			   compare_ppm before, compare_ppm after)
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

static enum compare_change find_thread_change(void *row)
{
	struct compare_thread *thread = row;

	thread->change = COMPARE_SAME;
	consider_state(thread, COMPARE_RUNNING, thread->before.running, thread->after.running);
	consider_state(thread, COMPARE_RUNNABLE, thread->before.runnable, thread->after.runnable);
	consider_state(thread, COMPARE_HURT, thread->before.hurt, thread->after.hurt);
	return thread->change;
}

static int compare_thread_differences(const void *left, const void *right)
{
	const struct compare_thread *a = left, *b = right;

	if (a->target != b->target)
		return b->target - a->target;
	if (a->difference != b->difference)
		return a->difference < b->difference ? 1 : -1;
	return compare_thread_keys(left, right);
}

/* "worker3" is one of a pool of like threads, "worker*". A main thread is no part of a pool. */
static void name_pool(struct compare_thread *row, const struct model_thread *thread)
{
	const char *name = compare_lasting_comm(thread->comm);
	size_t bytes = strlen(name);

	while (thread->tid != thread->tgid && bytes > 1 && name[bytes - 1] >= '0' &&
	       name[bytes - 1] <= '9')
		bytes--;
	memcpy(row->comm, name, bytes);
	if (name[bytes])
		row->comm[bytes++] = '*';
	row->comm[bytes] = 0;
}

static void append_threads(struct compare_rows *rows, const struct model *model,
			   const struct process_names *names, bool after)
{
	const uint64_t whole_ns = model->capture.duration_ns;
	struct compare_thread *list = rows->list;

	for (size_t i = 0; i < model->thread_count; i++) {
		const struct model_thread *thread = &model->threads[i];
		struct compare_thread *row = &list[rows->count++];

		*row = (struct compare_thread){
			.process = compare_process_name(names, thread->tgid),
			.target = thread->target,
		};
		name_pool(row, thread);
		*(after ? &row->after : &row->before) = (struct compare_thread_side){
			.threads = 1,
			.running_ns = thread->running_ns,
			.runnable_ns = thread->runnable_ns,
			.hurt_ns = thread->hurt_ns,
			.running = compare_share(thread->running_ns, whole_ns),
			.runnable = compare_share(thread->runnable_ns, whole_ns),
			.hurt = compare_share(thread->hurt_ns, whole_ns),
		};
	}
}

static int make_findings(struct comparison *comparison)
{
	static const struct compare_table table = { .row_bytes = sizeof(struct compare_finding),
						    .append = append_findings,
						    .by_key = compare_finding_keys,
						    .merge = merge_finding,
						    .find_change = find_finding_change,
						    .by_difference = compare_finding_differences };
	struct compare_rows rows = { 0 };
	int r = compare_table_make(
		&table, comparison,
		comparison->before->finding_count + comparison->after->finding_count, &rows);

	comparison->findings = rows.list;
	comparison->finding_count = rows.count;
	return r;
}

static int make_waits(struct comparison *comparison)
{
	static const struct compare_table table = { .row_bytes = sizeof(struct compare_wait),
						    .append = append_waits,
						    .by_key = compare_wait_keys,
						    .merge = merge_wait,
						    .find_change = find_wait_change,
						    .by_difference = compare_wait_differences };
	struct compare_rows rows = { 0 };
	int r = compare_table_make(
		&table, comparison,
		comparison->before->wait_group_count + comparison->after->wait_group_count, &rows);

	comparison->waits = rows.list;
	comparison->wait_count = rows.count;
	comparison->waits_alike = rows.alike;
	return r;
}

static int make_locks(struct comparison *comparison)
{
	static const struct compare_table table = { .row_bytes = sizeof(struct compare_lock),
						    .append = append_locks,
						    .by_key = compare_lock_keys,
						    .merge = merge_lock,
						    .find_change = find_lock_change,
						    .by_difference = compare_lock_differences };
	struct compare_rows rows = { 0 };
	int r = compare_table_make(&table, comparison,
				   comparison->before->lock_count + comparison->after->lock_count,
				   &rows);

	comparison->locks = rows.list;
	comparison->lock_count = rows.count;
	comparison->locks_alike = rows.alike;
	return r;
}

static int make_threads(struct comparison *comparison)
{
	static const struct compare_table table = { .row_bytes = sizeof(struct compare_thread),
						    .append = append_threads,
						    .by_key = compare_thread_keys,
						    .merge = merge_thread,
						    .find_change = find_thread_change,
						    .by_difference = compare_thread_differences };
	struct compare_rows rows = { 0 };
	int r = compare_table_make(
		&table, comparison,
		comparison->before->thread_count + comparison->after->thread_count, &rows);

	comparison->threads = rows.list;
	comparison->thread_count = rows.count;
	comparison->threads_alike = rows.alike;
	return r;
}

int compare_rows_make(struct comparison *comparison)
{
	int r = make_findings(comparison);

	if (!r)
		r = make_waits(comparison);
	if (!r)
		r = make_locks(comparison);
	if (!r)
		r = make_threads(comparison);
	return r;
}
