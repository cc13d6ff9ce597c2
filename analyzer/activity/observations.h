/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that a capture tells before anybody asks why: decoded twice, once to learn what its events
 * mean (prescan), once to replay them. Detectors, chains of waits and explanations ask this and
 * decode nothing themselves.
 */
#ifndef ANALYZER_ACTIVITY_OBSERVATIONS_H
#define ANALYZER_ACTIVITY_OBSERVATIONS_H

#include <stdint.h>

#include "analyzer/activity/history.h"
#include "analyzer/activity/wait_baseline.h"
#include "analyzer/activity/wait_objects.h"
#include "analyzer/activity/wait_stats.h"
#include "analyzer/locks/lock_tracker.h"
#include "analyzer/locks/prescan.h"
#include "analyzer/locks/replay.h"

/* A span that is refined is widened by this at both ends: what led there bears on it. */
#define OBSERVATIONS_AROUND_NS 1000000000u

struct observations {
	struct source *source;			/* borrowed, as is the next one */
	struct stack_infos *stack_infos;
	struct target *target;			/* whose threads the report is about */
	uint64_t start_ns, end_ns;		/* of the recording */
	struct prescan prescan;
	struct replay *replay;
	struct lock_tracker *locks;		/* the replay's; figures of the whole recording */
	struct wait_stats *wait_stats;		/* sums of the whole recording */
	struct wait_baseline *baseline;
	struct history *history;
	struct wait_objects objects;		/* at which threads waited */
	uint64_t contradictions;		/* see timeline.h; those of silent threads left out */
	uint32_t decodings;
	/* A third decoding, for one span, where the history is coarse. */
	struct replay *span_replay;
	struct history *span_history;
	uint64_t span_start_ns, span_end_ns;
};

/**
 * observations_make() - decode @source twice.
 *
 * @tgids: the target, if there are any; else it is what the capture's facts name.
 * @long_ns: waits of at least this length are kept one by one, see wait_stats.h.
 *
 * Return: 0, -ENOMEM, -EIO. Free with observations_free() in each case.
 */
int observations_make(struct source *source, struct stack_infos *stack_infos, const int32_t *tgids,
		      size_t tgid_count, uint64_t long_ns, struct observations *ret_observations);
void observations_free(struct observations *observations);

/*
 * A span that is going to be asked about in detail, with what is around it. Where the history had
 * to become too coarse for that, @source is decoded a third time, for this span alone; once only.
 * Return: 0, -ENOMEM, -EIO.
 */
int observations_refine(struct observations *observations, uint64_t start_ns, uint64_t end_ns);

/* The finest history of the span. Borrowed. */
const struct history *observations_history(const struct observations *observations,
					   uint64_t start_ns, uint64_t end_ns);

#endif
