/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durations and sizes as people write them: 500ms, 15s, 2m; 512K, 8M, 1G.
 */
#ifndef RECORDER_BASE_PARSE_UNITS_H
#define RECORDER_BASE_PARSE_UNITS_H

#include <stddef.h>
#include <stdint.h>

/**
 * parse_duration() - a decimal number and ns, us, ms, s, m or h; seconds where no unit is given.
 *
 * Return: 0, -EINVAL (not a duration), -ERANGE (above 100 years).
 */
int parse_duration(const char *text, uint64_t *ret_ns);

/* A whole number and K, M or G (of 1024; KiB, KB, k ... too); bytes where no unit is given.
 * Return: 0, -EINVAL (not a size), -ERANGE. */
int parse_size(const char *text, size_t *ret_bytes);

#endif
