/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of waits as a person reads it: stacks that differ only in the way
 * to the same wait are one row.
 */
#ifndef ANALYZER_ACTIVITY_WAIT_GROUPS_H
#define ANALYZER_ACTIVITY_WAIT_GROUPS_H

#include "analyzer/activity/wait_stats.h"
#include "analyzer/model.h"

/**
 * wait_groups_make() - fill @model->wait_groups from @model->waits.
 *
 * @model: its waits are in the order of wait_stats_waits().
 *
 * Return: 0 or -ENOMEM.
 */
int wait_groups_make(const struct wait_stats *stats, struct model *model);

/* For qsort() of struct model_wait: those that hurt first, longest first. */
int wait_groups_order(const void *left, const void *right);

#endif
