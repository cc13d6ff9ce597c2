/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that may block for ever, in a thread that can be left behind.
 */
#ifndef RECORDER_ERRAND_H
#define RECORDER_ERRAND_H

#include <stdbool.h>

struct errand;

/**
 * errand_start() - run @work in a thread of its own: ordinary priority, small stack, all signals
 * blocked.
 *
 * @name:    of the thread, 15 characters at most.
 * @discard: frees @context when work and owner are both done with it. Runs in errand_leave() or,
 *           where the owner left first, in the thread.
 *
 * Return: 0, -ENOMEM, or errno of starting a thread; @discard has not run then.
 */
int errand_start(const char *name, void (*work)(void *context), void (*discard)(void *context),
		 void *context, struct errand **ret_errand);

/* For poll(): readable from when @work has returned; errand_wait() makes its results visible. */
int errand_done_fd(const struct errand *errand);

/* No longer than @patience_ms, which may be 0. Return: whether @work has returned. */
bool errand_wait(const struct errand *errand, int patience_ms);

/**
 * errand_leave() - the owner wants no more of it. NULL is fine.
 *
 * @patience_ms: how long to wait for @work to return; never longer.
 *
 * Return: whether it had returned.
 */
bool errand_leave(struct errand *errand, int patience_ms);

#endif
