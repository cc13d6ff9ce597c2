/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock of the kernel's log against that of a capture.
 *
 * The kernel stamps its log with a clock of its own, from the same counter as CLOCK_MONOTONIC, but
 * not corrected as that one is: hours after boot they are milliseconds apart, and drift on.
 */
#ifndef RECORDER_PERF_PRINTK_CLOCK_H
#define RECORDER_PERF_PRINTK_CLOCK_H

#include <stdint.h>

/*
 * What to add to a time of the log to get CLOCK_MONOTONIC, now: within some microseconds.
 * Return: 0, or the errno of perf_event_open() or of the mapping.
 */
int printk_clock_offset(int64_t *ret_offset_ns);

#endif
