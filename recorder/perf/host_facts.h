/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The facts of a capture about its host.
 */
#ifndef RECORDER_PERF_HOST_FACTS_H
#define RECORDER_PERF_HOST_FACTS_H

#include <stddef.h>
#include <stdint.h>

struct ft_facts;

/* Host, kernel, architecture, version, difference to UTC. Return: 0 or -ENOMEM. */
int host_facts_set(struct ft_facts *facts);

/* FT_FACT_SYSCALLS for @numbers. Return: 0 or -ENOMEM. */
int host_facts_set_syscalls(struct ft_facts *facts, const int64_t *numbers, size_t count);

#endif
