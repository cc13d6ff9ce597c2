/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/blame/blame_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyzer/util/hash.h"

/* A grade is that of so much of a row, as of a finding. */
#define GRADE_PERCENT 50u

#define NOBODY UINT32_MAX

struct row_key {
	uint32_t kind;
	uint32_t class;
	uint32_t thread_index; /* whose wait or running it is; NOBODY: that of many */
	uint32_t direct; /* ... who is the victim itself, without a chain */
};

struct row {
	struct row_key key;
	struct wait_chain_root root; /* the longest */
	uint64_t blocked_ns, plausible_ns, exact_ns;
	uint64_t start_ns, end_ns;
	uint32_t victims;
	const struct thread *last_victim; /* all roots of one victim are added in a row */
	bool own_victim; /* the thread of the key is one of them */
	UT_hash_handle hh;
};

struct blame_table {
	struct row *rows;
};

int blame_table_create(struct blame_table **ret_blame)
{
	*ret_blame = calloc(1, sizeof(**ret_blame));
	return *ret_blame ? 0 : -ENOMEM;
}

void blame_table_destroy(struct blame_table *blame)
{
	if (!blame)
		return;
	hash_free(blame->rows);
	free(blame);
}

static struct row *get_row(struct blame_table *blame, const struct row_key *row_key)
{
	struct row_key key = *row_key;
	struct row *row;

	HASH_FIND(hh, blame->rows, &key, sizeof(key), row);
	if (row)
		return row;
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	row->key = key;
	row->start_ns = UINT64_MAX;
	HASH_ADD(hh, blame->rows, key, sizeof(row->key), row);
	return row;
}

static void count_victim(struct row *row, const struct thread *thread)
{
	bool own_victim = thread->index == row->key.thread_index;

	if (row->last_victim == thread || (own_victim && row->own_victim))
		return;
	row->last_victim = thread;
	row->own_victim = row->own_victim || own_victim;
	row->victims++;
}

int blame_table_add(struct blame_table *blame, const struct thread *victim,
		    const struct wait_chain_root *root)
{
	uint64_t length_ns = root->end_ns - root->start_ns;
	struct row *row = get_row(blame, &(struct row_key){ root->kind, root->class,
							    root->thread->index, !root->depth });

	if (!row)
		return -ENOMEM;
	if (!row->blocked_ns || length_ns > row->root.end_ns - row->root.start_ns)
		row->root = *root;
	row->blocked_ns += length_ns;
	if (root->grade == GRADE_PLAUSIBLE)
		row->plausible_ns += length_ns;
	if (root->grade == GRADE_EXACT)
		row->exact_ns += length_ns;
	if (root->start_ns < row->start_ns)
		row->start_ns = root->start_ns;
	if (root->end_ns > row->end_ns)
		row->end_ns = root->end_ns;
	count_victim(row, victim);
	return 0;
}

/* @from is direct: it has one victim, the thread that waited. */
static void move_row(struct row *from, struct row *to)
{
	if (!to->blocked_ns ||
	    from->root.end_ns - from->root.start_ns > to->root.end_ns - to->root.start_ns)
		to->root = from->root;
	to->blocked_ns += from->blocked_ns;
	to->plausible_ns += from->plausible_ns;
	to->exact_ns += from->exact_ns;
	from->blocked_ns = 0;
	count_victim(to, from->root.thread);
}

/*
 * What a thread waited for itself, others meet at the end of a chain to it: that is one root. What
 * many waited for themselves is one too.
 */
static int join_direct(struct blame_table *blame)
{
	struct row *direct, *row, *next;

	HASH_ITER(hh, blame->rows, direct, next)
	{
		struct row_key key = direct->key;

		if (!key.direct || key.thread_index == NOBODY)
			continue;
		key.direct = 0;
		HASH_FIND(hh, blame->rows, &key, sizeof(key), row);
		if (!row || direct->root.kind == ROOT_UNKNOWN) {
			key.direct = 1;
			key.thread_index = NOBODY;
			row = get_row(blame, &key);
		}
		if (!row)
			return -ENOMEM;
		move_row(direct, row);
	}
	return 0;
}

/* " in fsync", "" */
static const char *find_operation(struct stack_infos *stack_infos,
				  const struct wait_chain_root *root, const char **ret_in)
{
	const struct stack_info *info = stack_infos_get(stack_infos, root->stack_id);

	*ret_in = info && *info->operation ? " in " : "";
	return info ? info->operation : "";
}

static int format_running(struct stack_infos *stack_infos, const struct cpu_profile *profile,
			  char **ret_text)
{
	const struct stack_info *info = stack_infos_get(stack_infos, profile->stack_id);
	bool called = info && *info->operation;
	int r;

	if (!info)
		return -ENOMEM;
	if (profile->top_count)
		r = asprintf(ret_text, "running %s%s%s%s", profile->top[0].name, called ? " (" : "",
			     called ? info->operation : "", called ? ")" : "");
	else
		r = asprintf(ret_text, "running");
	return r < 0 ? -ENOMEM : 0;
}

int blame_table_root_text(struct stack_infos *stack_infos, const struct wait_chain_root *root,
			  const struct cpu_profile *profile, char **ret_text)
{
	const char *class = wait_class_name(root->class), *in;
	const char *operation = find_operation(stack_infos, root, &in);
	int r = 0;

	switch (root->kind) {
	case ROOT_RUNNING:
		return format_running(stack_infos, profile, ret_text);
	case ROOT_NO_CPU:
		r = asprintf(ret_text, "no CPU for it");
		break;
	case ROOT_THROTTLED:
		r = asprintf(ret_text, "CPU quota");
		break;
	case ROOT_DEVICE:
	case ROOT_MEMORY:
		r = asprintf(ret_text, "%s%s%s", class, in, operation);
		break;
	case ROOT_TIMER:
		r = asprintf(ret_text, "asleep%s%s", in, operation);
		break;
	case ROOT_OUTSIDE:
		r = asprintf(ret_text, "an interrupt (%s%s%s)", class, in, operation);
		break;
	case ROOT_STOPPED:
		r = asprintf(ret_text, "stopped");
		break;
	case ROOT_IN_TURNS:
		r = asprintf(ret_text, "%s held in turn by many", class);
		break;
	case ROOT_CYCLE:
		r = asprintf(ret_text, "a circle of locks (%s)", class);
		break;
	case ROOT_UNKNOWN:
		r = asprintf(ret_text, "unknown%s%s%s", root->class ? " (" : "",
			     root->class ? class : "", root->class ? ")" : "");
		break;
	}
	if (r < 0)
		*ret_text = NULL;
	return r < 0 ? -ENOMEM : 0;
}

static int compare_blocked(const void *left, const void *right)
{
	const struct model_blame *a = left, *b = right;

	if (a->blocked_ns != b->blocked_ns)
		return a->blocked_ns < b->blocked_ns ? 1 : -1;
	return (a->tid > b->tid) - (a->tid < b->tid);
}

static enum grade grade_row(const struct row *row, const struct model *model)
{
	if (row->root.kind == ROOT_UNKNOWN)
		return GRADE_UNKNOWN;
	if (row->plausible_ns * 100 > row->blocked_ns * GRADE_PERCENT || model->coverage.gap_count)
		return GRADE_PLAUSIBLE;
	return row->exact_ns * 100 < row->blocked_ns * GRADE_PERCENT ? GRADE_STRONG : GRADE_EXACT;
}

static int fill_row(const struct row *row, const struct history *history,
		    const struct stack_table *stacks, struct stack_infos *stack_infos,
		    const struct model *model, struct model_blame *entry)
{
	const struct wait_chain_root *root = &row->root;
	bool named = !row->key.direct || row->victims == 1;
	struct cpu_profile profile = { 0 };
	int r = 0;

	*entry = (struct model_blame){
		.tid = named ? root->thread->tid : 0,
		.comm = named ? root->thread->comm : "",
		.class = root->kind == ROOT_RUNNING ? "running" : wait_class_name(root->class),
		.grade = grade_row(row, model),
		.blocked_ns = row->blocked_ns,
		.victims = row->victims,
	};
	if (root->kind == ROOT_RUNNING)
		r = cpu_profile_read(history, stacks, root->thread, row->start_ns, row->end_ns,
				     &profile);
	if (!r)
		r = blame_table_root_text(stack_infos, root, &profile, &entry->root);
	cpu_profile_free(&profile);
	return r;
}

int blame_table_fill(struct blame_table *blame, const struct history *history,
		     const struct stack_table *stacks, struct stack_infos *stack_infos,
		     struct model *model)
{
	struct row *row, *next;
	int r = join_direct(blame);

	if (r)
		return r;
	model->blame = calloc(HASH_COUNT(blame->rows) + 1, sizeof(*model->blame));
	if (!model->blame)
		return -ENOMEM;
	HASH_ITER(hh, blame->rows, row, next)
	{
		if (!row->blocked_ns)
			continue;
		r = fill_row(row, history, stacks, stack_infos, model,
			     &model->blame[model->blame_count]);
		if (r)
			return r;
		model->blame_count++;
	}
	if (model->blame_count)
		qsort(model->blame, model->blame_count, sizeof(*model->blame), compare_blocked);
	return 0;
}
