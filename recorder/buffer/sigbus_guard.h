/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mapped file that somebody truncates must not kill: at the first touch of
 * what is lost, memory takes its place. One mapping a process.
 */
#ifndef RECORDER_RINGGUARD_H
#define RECORDER_RINGGUARD_H

#include <stdbool.h>
#include <stddef.h>

/* Return: 0, -EBUSY (there is one already), or the errno of sigaction(). */
int ringguard_begin(void *memory, size_t bytes);
void ringguard_end(void);	/* before it is unmapped */

/* Has any of it been lost, as far as somebody touched it? */
bool ringguard_lost(void);

#endif
