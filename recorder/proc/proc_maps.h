/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/PID/maps of many processes. A disposable child reads them, because a reader waits for the
 * mmap_lock of the process.
 */
#ifndef RECORDER_PROC_PROC_MAPS_H
#define RECORDER_PROC_PROC_MAPS_H

#include <stddef.h>
#include <stdint.h>

struct mappings;

/**
 * proc_maps_read() - add the executable mappings of @count processes to @mappings.
 *
 * @ret_unreadable: tgids, of those given, whose maps did not come before the deadline or could not
 *                  be read; room for @count.
 *
 * Return: number of unreadable ones, or -ENOMEM.
 */
int proc_maps_read(struct mappings *mappings, const int32_t *tgids, size_t count, int deadline_ms,
		   int32_t *ret_unreadable);

#endif
