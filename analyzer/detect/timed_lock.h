/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock that is waited for in slices, as Python's global one is: each sleep is short, and
 * together they are one wait that hurts.
 */
#ifndef ANALYZER_DETECT_TIMED_LOCK_H
#define ANALYZER_DETECT_TIMED_LOCK_H

#include "analyzer/blame/contended_lock.h"

/**
 * timed_lock_find() - the longest standstill of that kind, as a lock suspected and examined.
 *
 * @ret_suspect: without victims where there is none.
 *
 * Return: 0 or -ENOMEM. Free with contended_locks_free().
 */
int timed_lock_find(const struct observations *observations, uint64_t stall_ns,
		    struct contended_lock *ret_suspect);

#endif
