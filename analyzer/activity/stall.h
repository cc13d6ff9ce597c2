/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When did it freeze: the span of time in which waits that hurt overlap.
 */
#ifndef ANALYZER_ACTIVITY_STALL_H
#define ANALYZER_ACTIVITY_STALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/activity/wait_stats.h"
#include "analyzer/trace/trigger.h"

#define STALL_OTHERS_MAX 8

/* A time in which it froze. */
struct stall_span {
	uint64_t start_ns, end_ns;	/* clock of the events */
	uint32_t threads_max;		/* most threads in such a wait at one time; 0: not by waits */
	bool began_before, still_open, end_lost, end_doubtful; /* as of struct stall */
};

struct stall {
	bool found;
	bool began_before, still_open;	/* the recording does not hold all of it */
	bool end_lost;			/* it may have gone on, unseen: of those that waited last some were lost sight of */
	bool end_doubtful;		/* it may have ended earlier: events are missing from the wait that ends last */
	uint64_t start_ns, end_ns;	/* clock of the events */
	bool apart;			/* it was over before what the capture was triggered for */
	uint64_t long_ns;		/* shorter waits made none; 0: not found by their length */
	uint32_t threads_max;		/* most threads in such a wait at one time */
	uint32_t others;		/* number of other, lesser stalls in the capture ... */
	struct stall_span other[STALL_OTHERS_MAX];	/* ... and the first of them, in order of time */
};

/**
 * stall_find() - the worst stall that @waits show.
 *
 * Long waits less than 100 ms apart, and less than half of what is long, belong to one stall, and so
 * do those of one class whose gap is less than a tenth of the shorter one. The
 * worst stall is the one in which threads lost most time. Waits for a CPU alone make a stall only
 * where no other wait does. A wait that filled the whole recording, as a queue that stands for
 * hours does, makes one only where nothing began or ended.
 *
 * @long_ns:  what is long: @waits are at least so.
 * @window:   what the capture was triggered for was not over at its about_ns: a stall that lasted beyond that
 *            comes before all that did not, however bad those were. Of the others the nearer one counts more,
 *            see trigger_nearness().
 *
 * Return: 0 or -ENOMEM.
 */
int stall_find(const struct long_wait *waits, size_t count, uint64_t long_ns,
	       const struct trigger_window *window, struct stall *ret_stall);

/* One of the lesser ones, as if it were the only one. */
struct stall stall_of_span(const struct stall *among, const struct stall_span *span);

/*
 * @worst, found in another way, is the worst one. The one in @stall, if any, becomes a lesser one, or
 * a part of it, with its threads, where the two overlap.
 */
void stall_replace(struct stall *stall, const struct stall *worst);

#endif
