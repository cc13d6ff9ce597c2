/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/activity/wait_groups.h"
#include "analyzer/detect/thresholds.h"
#include "analyzer/util/span.h"

static struct model_stack stack_of(const struct detect_context *in, uint32_t stack_id)
{
	const struct frame *frames = NULL;
	size_t count = stack_table_frames(in->stacks, stack_id, &frames);

	return (struct model_stack){ count ? frames : NULL, count };
}

enum grade tables_owner_grade(const struct lock_owner *owner)
{
	if (!owner->thread)
		return GRADE_UNKNOWN;
	if (share_above(owner->plausible_ns, owner->blamed_ns, TABLE_MOST_PERCENT))
		return GRADE_PLAUSIBLE;
	return share_above(owner->exact_ns, owner->blamed_ns, TABLE_MOST_PERCENT) ? GRADE_EXACT
										  : GRADE_STRONG;
}

static int owners_fill(const struct detect_context *in, const struct lock *lock,
		       struct model_lock *entry)
{
	entry->owners = calloc(lock->owner_count + 1, sizeof(*entry->owners));
	if (!entry->owners)
		return -ENOMEM;
	for (size_t i = 0; i < lock->owner_count; i++) {
		const struct lock_owner *owner = &lock->owners[i];

		if (!owner->blamed_ns)
			continue;
		entry->owners[entry->owner_count++] = (struct model_owner){
			.tid = owner->thread ? owner->thread->tid : 0,
			.comm = owner->thread ? owner->thread->comm : "",
			.grade = tables_owner_grade(owner),
			.blamed_ns = owner->blamed_ns,
			.longest_hold_ns = owner->longest.end_ns - owner->longest.start_ns,
			.stack = stack_of(in, owner->longest.stack_id),
		};
	}
	return 0;
}

static int by_lock_wait(const void *left, const void *right)
{
	const struct model_lock *a = left, *b = right;

	if (a->wait_ns != b->wait_ns)
		return a->wait_ns < b->wait_ns ? 1 : -1;
	return (a->address > b->address) - (a->address < b->address);
}

/* Threads that wait on a futex for work: no lock, unless one thread is to blame for most of it. */
static bool only_idle(const struct lock *lock)
{
	if (lock->class != WAIT_LOCK_FUTEX)
		return false;
	for (size_t i = 0; i < lock->owner_count; i++)
		if (lock->owners[i].thread &&
		    share_above(lock->owners[i].blamed_ns, lock->wait_ns, TABLE_MOST_PERCENT))
			return false;
	return true;
}

int tables_locks(const struct detect_context *in)
{
	struct model *model = in->model;
	const struct lock_tracker *locks = in->observations->locks;

	model->locks = calloc(lock_tracker_count(locks) + 1, sizeof(*model->locks));
	if (!model->locks)
		return -ENOMEM;
	for (size_t i = 0; i < lock_tracker_count(locks); i++) {
		const struct lock *lock = lock_tracker_at(locks, i);
		struct model_lock *entry = &model->locks[model->lock_count];

		if (!lock->waits || only_idle(lock))
			continue;
		*entry = (struct model_lock){
			.class = lock->class,
			.detail = lock->detail ? strdup(lock->detail) : NULL,
			.address = lock->address,
			.tgid = lock->tgid,
			.wait_ns = lock->wait_ns,
			.waits = lock->waits,
			.max_wait_ns = lock->max_wait_ns,
		};
		model->lock_count++;
		if ((lock->detail && !entry->detail) || owners_fill(in, lock, entry))
			return -ENOMEM;
	}
	if (model->lock_count)
		qsort(model->locks, model->lock_count, sizeof(*model->locks), by_lock_wait);
	return 0;
}

static bool is_idle(const struct detect_context *in, const struct wait_class_stats *wait)
{
	bool hurts = in->hurting_classes >> wait->class & 1;

	if (wait->direction == DIRECTION_GIVES)
		return !wait_stats_long_waits(in->observations->wait_stats)->gives_hurt;
	return wait_direction_idle(wait->direction) && !(wait->unusual && hurts);
}

static int wait_fill(const struct detect_context *in, const struct wait_class_stats *wait,
		     struct model_wait *entry)
{
	const struct stack_info *fact = stack_infos_get(in->stack_infos, wait->stack_id);

	if (!fact)
		return -ENOMEM;
	*entry = (struct model_wait){
		.class = wait->class,
		.idle = is_idle(in, wait),
		.operation = fact->operation,
		.detail = fact->sleeping.class == wait->class ? fact->sleeping.detail : NULL,
		.blocked_ns = wait->blocked_ns,
		.runnable_ns = wait->runnable_ns,
		.count = wait->count,
		.max_ns = wait->max_ns,
		.threads = wait->threads,
		.estimated_ns = wait->estimated.ns,
		.estimated_count = wait->estimated.count,
		.woken = wait->woken,
		.woken_ns = wait->woken_ns,
		.woken_max_ns = wait->woken_max_ns,
		.stack = stack_of(in, wait->stack_id),
	};
	return 0;
}

int tables_waits(const struct detect_context *in)
{
	struct model *model = in->model;
	const struct wait_class_stats *waits;
	size_t count = wait_stats_waits(in->observations->wait_stats, &waits);

	model->waits = calloc(count + 1, sizeof(*model->waits));
	if (!model->waits)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (wait_fill(in, &waits[i], &model->waits[model->wait_count++]))
			return -ENOMEM;
	if (wait_groups_make(in->observations->wait_stats, model))
		return -ENOMEM;
	if (count)
		qsort(model->waits, count, sizeof(*model->waits), wait_groups_order);
	return 0;
}

/* In rising order. */
struct tid_list {
	int32_t *tids;
	size_t count;
};

static int compare_tids(const void *left, const void *right)
{
	int32_t a = *(const int32_t *)left, b = *(const int32_t *)right;

	return (a > b) - (a < b);
}

/* The victims of the first finding. 0 or -ENOMEM. */
static int sort_victims(const struct model *model, struct tid_list *ret_victims)
{
	const struct model_finding *first = model->finding_count ? &model->findings[0] : NULL;
	struct tid_list victims = { NULL, first ? first->victim_count : 0 };

	if (victims.count) {
		victims.tids = calloc(victims.count, sizeof(*victims.tids));
		if (!victims.tids)
			return -ENOMEM;
		memcpy(victims.tids, first->victims, victims.count * sizeof(*victims.tids));
		qsort(victims.tids, victims.count, sizeof(*victims.tids), compare_tids);
	}
	*ret_victims = victims;
	return 0;
}

/* 0: named as a culprit; 1: a victim of the first finding; 2: of the target; 3: the rest. */
static int rank_of(const struct model *model, const struct tid_list *victims,
		   const struct model_thread *thread)
{
	for (size_t i = 0; i < model->finding_count; i++)
		if (model->findings[i].has_culprit && model->findings[i].culprit.tid == thread->tid)
			return 0;
	if (victims->count && bsearch(&thread->tid, victims->tids, victims->count,
				      sizeof(*victims->tids), compare_tids))
		return 1;
	return thread->target ? 2 : 3;
}

struct ranked {
	struct model_thread thread;
	int rank;
	uint64_t hurt_ns;
};

static int by_rank(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	if (a->rank != b->rank)
		return a->rank - b->rank;
	if (a->hurt_ns != b->hurt_ns)
		return a->hurt_ns < b->hurt_ns ? 1 : -1;
	if (a->thread.running_ns != b->thread.running_ns)
		return a->thread.running_ns < b->thread.running_ns ? 1 : -1;
	return (a->thread.tid > b->thread.tid) - (a->thread.tid < b->thread.tid);
}

static void rank_fill(const struct model *model, const struct tid_list *victims,
		      const struct thread_wait_stats *sums, bool target,
		      const struct thread *thread, struct ranked *ranked)
{
	*ranked = (struct ranked){
		.thread = {
			.tid = thread->tid,
			.tgid = thread->tgid,
			.comm = thread->comm,
			.target = target,
			.running_ns = sums->state_ns[THREAD_RUNNING],
			.runnable_ns = sums->state_ns[THREAD_RUNNABLE],
			.blocked_ns = sums->state_ns[THREAD_BLOCKED],
			.unknown_ns = sums->state_ns[THREAD_UNKNOWN],
		},
	};
	for (int state = 0; state < THREAD_STATES; state++)
		ranked->thread.observed_ns += sums->state_ns[state];
	memcpy(ranked->thread.class_ns, sums->class_ns, sizeof(sums->class_ns));
	ranked->thread.estimated_ns = sums->estimated_ns;
	ranked->thread.hurt_ns = sums->hurt_ns;
	ranked->hurt_ns = sums->hurt_ns + sums->class_ns[WAIT_CPU_RUNQUEUE];
	ranked->rank = rank_of(model, victims, &ranked->thread);
}

int tables_threads(const struct detect_context *in)
{
	struct model *model = in->model;
	const struct threads *threads = source_threads(in->observations->source);
	struct ranked *ranked = calloc(threads_count(threads) + 1, sizeof(*ranked));
	struct tid_list victims = { NULL, 0 };
	size_t count = 0;
	int r = -ENOMEM;

	model->threads = calloc(threads_count(threads) + 1, sizeof(*model->threads));
	if (!ranked || !model->threads || sort_victims(model, &victims))
		goto out;
	for (size_t i = 0; i < threads_count(threads); i++) {
		const struct thread *thread = threads_at(threads, i);
		bool target = target_counts(in->observations->target, thread);

		if (thread->idle_task)
			continue;
		rank_fill(model, &victims, wait_stats_thread(in->observations->wait_stats, thread),
			  target, thread, &ranked[count]);
		count++;
	}
	qsort(ranked, count, sizeof(*ranked), by_rank);
	for (size_t i = 0; i < count; i++)
		model->threads[i] = ranked[i].thread;
	model->thread_count = count;
	r = 0;
out:
	free(victims.tids);
	free(ranked);
	return r;
}
