/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a process alive whose mapped file is truncated: at the first touch of the lost part, memory
 * takes its place. A process can guard one mapping.
 */
#ifndef RECORDER_BUFFER_SIGBUS_GUARD_H
#define RECORDER_BUFFER_SIGBUS_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/* Return: 0, -EBUSY (there is one already), or the errno of sigaction(). */
int sigbus_guard_begin(void *memory, size_t bytes);
void sigbus_guard_end(void);	/* before it is unmapped */

/* Whether any part that was touched has been lost. */
bool sigbus_guard_lost(void);

#endif
