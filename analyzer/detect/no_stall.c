/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The finding no-stall: nothing froze, as far as is known, and how far that is.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "analyzer/detect/detectors.h"
#include "analyzer/detect/finding.h"
#include "analyzer/detect/thresholds.h"
#include "analyzer/util/span.h"

/* Futex waits are taken to be for work, since the kernel's events cannot tell; unknown time may
 * hide anything. */
static bool is_doubtful(const struct model *model, uint64_t long_ns)
{
	uint64_t target_ns = model->capture.duration_ns * (model->capture.target_threads ?: 1);

	for (size_t i = 0; i < model->wait_count; i++)
		if (model->waits[i].class == WAIT_LOCK_FUTEX &&
		    model->waits[i].max_ns > model->stall.longest_ns &&
		    model->waits[i].max_ns >= long_ns)
			return true;
	return share_above(model->coverage.unknown_ns, target_ns, DOUBT_UNKNOWN_PERCENT);
}

static const char *choose_advice(const struct model *model)
{
	if (model->stall.failed_at_once)
		return "The probe failed without delay: is the service down, or does the probe ask "
		       "the wrong address or the wrong thing? Ask the same by hand.";
	if (model->stall.unexplained)
		return "Look at what its threads did at that time: idle waits, below, may be for "
		       "an answer from elsewhere (a back end, a resolver) or sleeps in a row; or "
		       "the work is done by a process that is not the target.";
	return "If users saw a freeze, it was at another time, in another process, or one thread "
	       "ran or slept by itself while others waited for it: look at the threads below, and "
	       "record while it happens.";
}

int no_stall_report(struct model *model, uint64_t long_ns)
{
	struct model_finding *finding = finding_append(model, FINDING_NO_STALL);
	const struct model_doubt *doubt = &model->doubt;
	bool lossy = model->coverage.lost_events || model->coverage.gap_count;
	char longest[120] = "";

	if (!finding)
		return -ENOMEM;
	finding->grade = lossy || !model->capture.complete || is_doubtful(model, long_ns) ||
					 model->stall.unexplained || doubt->threads
				 ? GRADE_PLAUSIBLE
				 : GRADE_STRONG;
	if (model->stall.longest_ns)
		snprintf(longest, sizeof(longest),
			 " The longest such wait was %s (%s, thread %" PRId32 ").",
			 human_duration(model->stall.longest_ns).text,
			 wait_class_name(model->stall.longest_class), model->stall.longest_tid);
	finding_text(&finding->summary,
		     "%s no thread waited%s for a kernel lock, a device, memory or a CPU%s.%s",
		     model->stall.unexplained ? "Somebody waited for an answer, and yet"
		     : doubt->threads	      ? "Whether anything froze is not certain:"
					      : "Nothing froze:",
		     *longest ? " long" : "",
		     model->stall.unexplained ? ", as far as these events tell" : "", longest);
	if (doubt->threads)
		finding_evidence(finding,
				 "%zu threads stood still at futex 0x%" PRIx64
				 " for up to %s; see \"cannot say\"",
				 doubt->threads, doubt->address,
				 human_duration(doubt->longest_ns).text);
	finding_text(&finding->advice, "%s", choose_advice(model));
	return finding_status(finding);
}
