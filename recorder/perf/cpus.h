/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CPUs that are online.
 */
#ifndef RECORDER_PERF_CPUS_H
#define RECORDER_PERF_CPUS_H

#include <stddef.h>
#include <stdint.h>

/* The numbers in an ascending list such as "0-3,8". @ret_cpus is malloc'ed.
 * Return: 0, -EBADMSG (not a list), -ENOMEM. */
int cpus_parse(const char *list, uint32_t **ret_cpus, size_t *ret_count);

/* The CPUs online now. Return: 0, -ENOMEM, or the errno of reading. */
int cpus_online(uint32_t **ret_cpus, size_t *ret_count);

#endif
