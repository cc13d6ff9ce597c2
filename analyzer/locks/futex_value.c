/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/locks/futex_value.h"

#include <linux/futex.h>

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

#define TIDS_MAX 4194304 /* PID_MAX_LIMIT of the kernel */

/* Of Rust's reader-writer lock. */
#define RUST_READERS_WAITING 0x40000000u

/* musl's plain mutex holds EBUSY, and the bit for waiters. */
#define MUSL_LOCKED 0x80000010u

static unsigned int get_command(const struct futex_wait *wait)
{
	return wait->operation & (unsigned int)FUTEX_CMD_MASK;
}

static bool is_pi(const struct futex_wait *wait)
{
	return get_command(wait) == FUTEX_LOCK_PI || get_command(wait) == FUTEX_LOCK_PI2 ||
	       get_command(wait) == FUTEX_WAIT_REQUEUE_PI;
}

bool futex_value_waits(const struct futex_wait *wait)
{
	return get_command(wait) == FUTEX_WAIT || futex_value_bitset(wait) || is_pi(wait);
}

bool futex_value_bitset(const struct futex_wait *wait)
{
	return get_command(wait) == FUTEX_WAIT_BITSET;
}

int32_t futex_owner(const struct futex_wait *wait)
{
	uint32_t tid = wait->value & FUTEX_TID_MASK;

	if (is_pi(wait) || !(wait->value & FUTEX_WAITERS) || wait->value == MUSL_LOCKED)
		return 0;
	return tid && tid < TIDS_MAX ? (int32_t)tid : 0;
}

bool futex_shared(const struct futex_wait *wait)
{
	return !(wait->operation & FUTEX_PRIVATE_FLAG);
}

/*
 * A thread that waits for glibc's reader-writer lock while it is held for writing waits at 3: the phase
 * of a writer, and that somebody waits; a writer that waits for readers to leave, at 2. Its operation names a
 * clock even if there is no timeout. glibc's condition variables and semaphores name the clock too, but wait at even
 * values; counters of others do not name it.
 */
static bool names_clock(const struct futex_wait *wait)
{
	return wait->operation == (FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
}

/*
 * A reader that waits for Rust's reader-writer lock waits at a value with the bit that says that readers
 * wait; the rest is who has the lock, and whether writers wait, who do so elsewhere. Counters do not come
 * so far.
 */
static bool is_rust_rwlock(const struct futex_wait *wait)
{
	return wait->operation == (FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG) &&
	       wait->value & RUST_READERS_WAITING;
}

unsigned int futex_value_looks(const struct futex_wait *wait)
{
	if (is_pi(wait))
		return LOOKS_PI;
	if (wait->value == 2 && get_command(wait) == FUTEX_WAIT)
		return LOOKS_TWO;
	if (wait->value == 2)
		return LOOKS_TWO_TOO | (names_clock(wait) ? LOOKS_READ : 0);
	if ((wait->value == 3 && names_clock(wait)) || is_rust_rwlock(wait))
		return LOOKS_RWLOCK;
	if (wait->value == 3)
		return LOOKS_THREE;
	if (wait->value == MUSL_LOCKED)
		return LOOKS_MUSL;
	if (!wait->value && futex_value_bitset(wait))
		return LOOKS_ZERO;
	return futex_owner(wait) ? LOOKS_OWNED : LOOKS_OTHER;
}
