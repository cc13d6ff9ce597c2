/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of blame: the roots of all waits that hurt, how much time was lost
 * to each, and by how many.
 */
#ifndef ANALYZER_BLAME_H
#define ANALYZER_BLAME_H

#include "analyzer/blame/wait_chain.h"
#include "analyzer/model.h"

struct blame;

int blame_create(struct blame **ret_blame);	/* 0 or -ENOMEM */
void blame_destroy(struct blame *blame);

/* A piece of @victim's wait has this root. 0 or -ENOMEM. */
int blame_add(struct blame *blame, const struct thread *victim, const struct chain_root *root);

/**
 * blame_tell() - fill @model->blame.
 *
 * @history: where the CPU samples of those who ran are.
 *
 * Return: 0 or -ENOMEM.
 */
int blame_tell(struct blame *blame, const struct history *history, const struct stacks *stacks,
	       struct stackfacts *stackfacts, struct model *model);
void blame_free(struct model *model);

/* What the root is, without the name of its thread: "running clear_page_erms (mmap)". *ret_text is to
 * be freed. Return: 0 or -ENOMEM. */
int blame_root_text(struct stackfacts *stackfacts, const struct chain_root *root,
		    const struct profile *profile, char **ret_text);

#endif
