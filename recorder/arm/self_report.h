/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an armed recorder says about itself: history held, events a second,
 * own cost.
 */
#ifndef RECORDER_ARM_SELF_REPORT_H
#define RECORDER_ARM_SELF_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "recorder/arm/status.h"
#include "recorder/record/engine.h"
#include "recorder/proc/target_finder.h"
#include "recorder/buffer/ring_path.h"

struct self_report {
	const struct engine *engine;
	const struct ring_map *ringmap;
	struct target_finder *finder;
	uint64_t looked_ns, events;	/* at the last look */
	double events_per_s;
	char target[TARGET_MAX * 12], missing[TARGET_FINDER_TEXT_BYTES];
	char kept[RING_PATH_KEPT_MAX][PATH_MAX + 8];
};

void self_report_begin(struct self_report *report, const struct engine *engine,
		      const struct ring_map *ringmap, struct target_finder *finder);

/* Every second or so. */
void self_report_look(struct self_report *report, uint64_t now_ns);

/* The line on a terminal. */
void self_report_draw(const struct self_report *report, bool capturing);

/* Fills in all but triggers, captures and probes; texts are borrowed until the next call. */
void self_report_status(struct self_report *report, struct status *status);

#endif
