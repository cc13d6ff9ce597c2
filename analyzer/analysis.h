/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a source to the model: what happened, who held whom up, how sure.
 */
#ifndef ANALYZER_ANALYSIS_H
#define ANALYZER_ANALYSIS_H

#include <stdint.h>

#include "analyzer/activity/observations.h"
#include "analyzer/model.h"
#include "analyzer/trace/source.h"

struct analysis_options {
	uint64_t stall_ns;		/* a wait that hurts this long is a stall; 0: 200 ms */
	const int32_t *target;		/* report about these tgids; none: what the capture names */
	size_t target_count;
};

/**
 * analysis_run() - read the source to its end and think.
 *
 * @ret_model:        free with model_free(); @source and @path must outlive it.
 * @ret_observations: what the model was made from, for explain_run(); may be NULL. Free with observations_free(),
 *                    then free(), before the model and the source.
 *
 * Return: 0, -ENOMEM, -EIO.
 */
int analysis_run(struct source *source, const char *path, const struct analysis_options *options,
		 struct model **ret_model, struct observations **ret_observations);

#endif
