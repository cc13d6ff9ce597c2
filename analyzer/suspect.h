/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The locks that the stall's waits were for, examined: within the stall, who
 * waited how long, who held it, and what the holder was doing.
 */
#ifndef ANALYZER_SUSPECT_H
#define ANALYZER_SUSPECT_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/account.h"
#include "analyzer/futexes.h"
#include "analyzer/hold.h"
#include "analyzer/ownership.h"
#include "analyzer/stall.h"
#include "analyzer/target.h"

#define SUSPECTS_MAX 4

struct victim {
	struct thread *thread;
	uint64_t blocked_ns;
	uint64_t longest_ns, since_ns;	/* its longest sleep, and when that began */
};

struct suspect {
	enum wait_class class;		/* with address and tgid: which lock */
	uint64_t address;
	int32_t tgid;
	uint32_t wait_stack_id;		/* of its longest wait */
	uint64_t wait_ns, waits;	/* within the stall */
	struct victim *victims;		/* most blocked first */
	size_t victim_count;
	size_t indirect_count;		/* of them, those who waited only for locks of such as waited for this one */
	uint64_t indirect_ns;		/* lost to those locks */
	bool has_owner;
	struct lock_owner owner;	/* the most blamed one within the stall */
	struct hold_story story;	/* of owner.longest */
	/* the lock that its owner waited for most of the hold; UNKNOWN: none of the suspects */
	enum wait_class behind_class;
	uint64_t behind_address;
	uint64_t lost_records;		/* in spans that overlap the stall or the hold ... */
	uint32_t gaps;			/* ... and how many such spans */
};

/**
 * suspects_find() - the locks with a tenth or more of the time lost in @stall to
 * waits for locks, most first; only their identity is filled in.
 *
 * @suspects: room for SUSPECTS_MAX.
 *
 * Return: how many.
 */
size_t suspects_find(const struct long_wait *waits, size_t count, const struct stall *stall,
		     struct suspect *suspects);

/**
 * suspects_examine() - read the source again, twice, and fill in the rest. Where the owner of the first
 * waited for another's lock, and so on, the one at the end of that chain comes first.
 *
 * Return: 0, -ENOMEM, -EIO. The victims are freed with suspects_free().
 */
int suspects_examine(struct suspect *suspects, size_t count, struct source *source,
		     struct stackfacts *stackfacts, const struct futexes *futexes,
		     const struct stall *stall, struct target *target);
void suspects_free(struct suspect *suspects, size_t count);

#endif
