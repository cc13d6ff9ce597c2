/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel's hung-task detector wrote to the kernel's log: which task was blocked for
 * long, and on newer kernels who owned the lock. Nothing else of the log is kept.
 */
#ifndef RECORDER_PERF_KERNEL_LOG_H
#define RECORDER_PERF_KERNEL_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "recorder/buffer/recorder_events.h"

#define KERNELLOG_PATH "/dev/kmsg"

struct kernel_log;

/**
 * kernel_log_open() - what is in the log now, and from here on kernel_log_look() keeps up.
 *
 * Before rings are mapped: it maps one for a moment.
 *
 * Return: 0, the errno of opening @path (-EPERM: kernel.dmesg_restrict without CAP_SYSLOG), -ENOMEM,
 * or what printk_clock_offset() returns.
 */
int kernel_log_open(const char *path, struct kernel_log **ret_log);

/*
 * The same of @fd, that reads as /dev/kmsg does: a record each time, without blocking. Closed with the log, and
 * also where this fails. @offset: like printk_clock_offset().
 */
int kernel_log_open_fd(int fd, int (*offset)(int64_t *ret_offset_ns), struct kernel_log **ret_log);
void kernel_log_close(struct kernel_log *log);

/* Keep what is new. These three from any thread, and with NULL in the place of @log: there is none. */
void kernel_log_look(struct kernel_log *log);

/* Copy what was kept, as notes, from ten minutes before @start_ns on: who hangs since before then is told of there. */
void kernel_log_copy(struct kernel_log *log, uint64_t start_ns, struct recorder_events *ownlog);

/* Copy what was kept since the last call with this @seen, at first 0. */
void kernel_log_copy_new(struct kernel_log *log, uint64_t *seen, struct recorder_events *ownlog);

#endif
