/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mapped file that somebody truncates must not kill: at the first touch of
 * what is lost, memory takes its place. One mapping a process.
 */
#ifndef RECORDER_BUFFER_SIGBUS_GUARD_H
#define RECORDER_BUFFER_SIGBUS_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/* Return: 0, -EBUSY (there is one already), or the errno of sigaction(). */
int sigbus_guard_begin(void *memory, size_t bytes);
void sigbus_guard_end(void);	/* before it is unmapped */

/* Has any of it been lost, as far as somebody touched it? */
bool sigbus_guard_lost(void);

#endif
