/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that the hung-task detector wrote to the kernel's log: which task was blocked for long and,
 * on newer kernels, which task owned the lock. Nothing else of the log is kept.
 */
#ifndef RECORDER_PERF_KERNEL_LOG_H
#define RECORDER_PERF_KERNEL_LOG_H

#include <stddef.h>
#include <stdint.h>

struct recorder_events;

#define KERNEL_LOG_PATH "/dev/kmsg"

struct kernel_log;

/**
 * kernel_log_open() - read what is in the log now; kernel_log_look() then reads what is new.
 *
 * To be called before the rings of the recording are mapped, because it maps one for a moment.
 *
 * Return: 0, the errno of opening @path (-EPERM: kernel.dmesg_restrict without CAP_SYSLOG),
 * -ENOMEM, or the errno of perf_event_open() or mmap() while its clock is measured.
 */
int kernel_log_open(const char *path, struct kernel_log **ret_log);

/*
 * The same for @fd, which gives one record a read() and does not block, as /dev/kmsg. It is closed
 * with the log, and also on failure. @offset measures what to add to a time of the log to get
 * CLOCK_MONOTONIC now.
 */
int kernel_log_open_fd(int fd, int (*offset)(int64_t *ret_offset_ns), struct kernel_log **ret_log);
void kernel_log_close(struct kernel_log *log);

/* Keep new lines. These three may be called from any thread, and with NULL for no log. */
void kernel_log_look(struct kernel_log *log);

/* Copy, as notes, the lines since ten minutes before @start_ns: a task may hang for long. */
void kernel_log_copy(struct kernel_log *log, uint64_t start_ns, struct recorder_events *events);

/* Copy the lines kept since the last call with this @seen, which starts as 0. */
void kernel_log_copy_new(struct kernel_log *log, uint64_t *seen, struct recorder_events *events);

#endif
