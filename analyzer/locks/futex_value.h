/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the arguments of one futex(2) wait say of the word that is waited at.
 */
#ifndef ANALYZER_LOCKS_FUTEX_VALUE_H
#define ANALYZER_LOCKS_FUTEX_VALUE_H

#include <stdbool.h>
#include <stdint.h>

/* What a thread said when it went to wait. */
struct futex_wait {
	uint64_t address;	/* 0: none */
	uint32_t operation;	/* FUTEX_* with its flags */
	uint32_t value;
};

/* What a value looks like, one bit each. */
#define LOOKS_PI      0x01	/* the operation is one on locks */
#define LOOKS_TWO     0x02	/* 2, locked with waiters: glibc's and most other mutexes, by FUTEX_WAIT */
#define LOOKS_TWO_TOO 0x04	/* the same by FUTEX_WAIT_BITSET: Rust's, or glibc's with a timeout */
#define LOOKS_THREE   0x08	/* tells nothing by itself */
#define LOOKS_OWNED   0x10	/* FUTEX_WAITERS and a thread's number */
#define LOOKS_MUSL    0x20	/* musl's plain mutex; its others name their owner */
#define LOOKS_OTHER   0x40
#define LOOKS_RWLOCK  0x80	/* a reader-writer lock of glibc while somebody writes; one of Rust */
#define LOOKS_ZERO    0x100	/* a semaphore of glibc, or a condition variable */
#define LOOKS_READ    0x200	/* with TWO_TOO: glibc's, by a clock: a timeout, or a reader-writer lock that readers hold */

/* Return: LOOKS_*. */
unsigned int futex_value_looks(const struct futex_wait *wait);

/* Whether the operation is one that waits. */
bool futex_value_waits(const struct futex_wait *wait);

/* Whether the operation is FUTEX_WAIT_BITSET. */
bool futex_value_bitset(const struct futex_wait *wait);

/* The owner that the value names, as the lock's own process numbers its threads; 0: names none. */
int32_t futex_owner(const struct futex_wait *wait);

/* Other processes may use it at another address. */
bool futex_shared(const struct futex_wait *wait);

#endif
