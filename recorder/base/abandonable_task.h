/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that may block for ever, in a thread that its owner can abandon.
 */
#ifndef RECORDER_BASE_ABANDONABLE_TASK_H
#define RECORDER_BASE_ABANDONABLE_TASK_H

#include <stdbool.h>

struct abandonable_task;

/**
 * abandonable_task_start() - run @work in a thread of its own: ordinary priority, small stack, all
 * signals blocked.
 *
 * @name:    of the thread, 15 characters at most.
 * @discard: frees @context when work and owner are both done with it. Runs in
 *           abandonable_task_leave() or, where the owner left first, in the thread.
 *
 * Return: 0, -ENOMEM, or errno of starting a thread; @discard has not run then.
 */
int abandonable_task_start(const char *name, void (*work)(void *context),
			   void (*discard)(void *context), void *context,
			   struct abandonable_task **ret_task);

/* For poll(): readable once @work has returned. abandonable_task_wait() shows its results. */
int abandonable_task_done_fd(const struct abandonable_task *task);

/* No longer than @patience_ms, which may be 0. Return: whether @work has returned. */
bool abandonable_task_wait(const struct abandonable_task *task, int patience_ms);

/**
 * abandonable_task_leave() - the owner wants no more of it. NULL is fine.
 *
 * @patience_ms: how long to wait for @work to return; never longer.
 *
 * Return: whether it had returned.
 */
bool abandonable_task_leave(struct abandonable_task *task, int patience_ms);

#endif
