/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to the disk: a thread that takes segments out of the slots and
 * writes them to the capture file. It may be as slow as the disk is.
 */
#ifndef RECORDER_SAVE_H
#define RECORDER_SAVE_H

#include <stddef.h>
#include <stdint.h>

#include "capture/writer.h"
#include "recorder/ownlog.h"
#include "recorder/seen.h"
#include "recorder/slots.h"

struct save;

struct save_result {
	int error;			/* 0, or why writing ended early: -ENOSPC, -EIO ... */
	uint64_t lost_segments, lost_events;	/* overwritten in the slots, or not written after @error */
};

/* All arguments stay the caller's. Return: 0 or -ENOMEM. */
int save_create(struct ft_writer *writer, struct slots *slots, struct seen *seen,
		struct save **ret_save);
void save_destroy(struct save *save);

/* Write what @ownlog holds; not while the thread runs. Return: 0 or what stopped it. */
int save_ownlog(struct save *save, struct ownlog *ownlog);

int save_start(struct save *save);	/* 0 or the errno of pthread_create() */

/* Did writing end early? From any thread. */
int save_error(const struct save *save);

/* Write what the slots still hold and end the thread; the slots get no more. */
void save_stop(struct save *save, struct save_result *ret_result);

#endif
