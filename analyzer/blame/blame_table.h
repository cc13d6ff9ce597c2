/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of blame: the roots of all waits that hurt, how much time was lost
 * to each, and by how many.
 */
#ifndef ANALYZER_BLAME_BLAME_TABLE_H
#define ANALYZER_BLAME_BLAME_TABLE_H

#include "analyzer/activity/cpu_profile.h"
#include "analyzer/blame/wait_chain.h"
#include "analyzer/model.h"

struct blame_table;

int blame_table_create(struct blame_table **ret_blame);	/* 0 or -ENOMEM */
void blame_table_destroy(struct blame_table *blame);

/* A piece of @victim's wait has this root. All of one victim are added before those of the next, which is
 * how victims are counted. 0 or -ENOMEM. */
int blame_table_add(struct blame_table *blame, const struct thread *victim, const struct wait_chain_root *root);

/**
 * blame_table_fill() - fill @model->blame.
 *
 * @history: where the CPU samples of those who ran are.
 *
 * Return: 0 or -ENOMEM.
 */
int blame_table_fill(struct blame_table *blame, const struct history *history, const struct stack_table *stacks,
	       struct stack_infos *stack_infos, struct model *model);

/* What the root is, without the name of its thread: "running clear_page_erms (mmap)". *ret_text is to
 * be freed. Return: 0 or -ENOMEM. */
int blame_table_root_text(struct stack_infos *stack_infos, const struct wait_chain_root *root,
		    const struct cpu_profile *profile, char **ret_text);

#endif
