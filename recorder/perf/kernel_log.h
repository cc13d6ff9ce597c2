/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel's hung-task detector wrote to the kernel's log: which task was blocked for
 * long, and on newer kernels who owned the lock. Nothing else of the log is kept.
 */
#ifndef RECORDER_KERNELLOG_H
#define RECORDER_KERNELLOG_H

#include <stddef.h>
#include <stdint.h>

#include "recorder/buffer/recorder_events.h"

#define KERNELLOG_PATH "/dev/kmsg"

struct kernellog;

/**
 * kernellog_open() - what is in the log now, and from here on kernellog_look() keeps up.
 *
 * Before rings are mapped: it maps one for a moment.
 *
 * Return: 0, the errno of opening @path (-EPERM: kernel.dmesg_restrict without CAP_SYSLOG), -ENOMEM,
 * or what localclock_offset() returns.
 */
int kernellog_open(const char *path, struct kernellog **ret_log);

/*
 * The same of @fd, that reads as /dev/kmsg does: a record each time, without blocking. Closed with the log, and
 * also where this fails. @offset: like localclock_offset().
 */
int kernellog_open_fd(int fd, int (*offset)(int64_t *ret_offset_ns), struct kernellog **ret_log);
void kernellog_close(struct kernellog *log);

/* Keep what is new. These three from any thread, and with NULL in the place of @log: there is none. */
void kernellog_look(struct kernellog *log);

/* Copy what was kept, as notes, from ten minutes before @start_ns on: who hangs since before then is told of there. */
void kernellog_copy(struct kernellog *log, uint64_t start_ns, struct ownlog *ownlog);

/* Copy what was kept since the last call with this @seen, at first 0. */
void kernellog_copy_new(struct kernellog *log, uint64_t *seen, struct ownlog *ownlog);

#endif
