/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock that is waited for in slices, as Python's global one is: each sleep is short, and
 * together they are one wait that hurts.
 */
#ifndef ANALYZER_SLICED_H
#define ANALYZER_SLICED_H

#include "analyzer/blame/contended_lock.h"

/**
 * sliced_find() - the longest standstill of that kind, as a lock suspected and examined.
 *
 * @ret_suspect: without victims where there is none. Reads the source again where there is one.
 *
 * Return: 0, -ENOMEM, -EIO. Free with suspects_free().
 */
int sliced_find(struct source *source, struct stackfacts *stackfacts,
		const struct futexes *futexes, struct target *target, uint64_t stall_ns,
		struct suspect *ret_suspect);

#endif
