/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that may block for ever, done in a disposable child with a deadline.
 */
#ifndef RECORDER_BASE_HELPER_PROCESS_H
#define RECORDER_BASE_HELPER_PROCESS_H

#include <stddef.h>
#include <stdint.h>

/**
 * helper_process_run() - fork, run @work in the child, collect what it writes to its fd.
 *
 * @work:       in the child; writes its result to @out_fd (a pipe). What it returns
 *              becomes the child's exit status. The child has one thread, normal
 *              scheduling and no locked memory.
 * @deadline_ms: then the child is killed; if it cannot die (D state), it is left behind.
 * @ret_output: malloc'ed, whatever came in time; set also on -ETIMEDOUT.
 *
 * Return: 0, -ETIMEDOUT, -ECHILD (died, or exited with another status than 0), -ENOMEM, or errno of
 * fork or pipe.
 */
int helper_process_run(int (*work)(void *context, int out_fd), void *context, int deadline_ms,
		       void **ret_output, size_t *ret_output_bytes);

/* Called in the child: write all of @data to its fd. Return: 0 or a negative errno. */
int helper_process_write(int out_fd, const void *data, size_t bytes);

#endif
