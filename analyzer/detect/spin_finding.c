/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/detect/spin.h"

#include <inttypes.h>

#include "analyzer/detect/finding.h"
#include "analyzer/detect/thresholds.h"

/* In user space it is judged from outside: a loop may have another purpose. */
static enum grade grade_spin(const struct spin *spin, const struct model *model)
{
	return spin->in_kernel && spin->spinning >= SPIN_STRONG_SAMPLES &&
			       !model->coverage.gap_count
		       ? GRADE_STRONG
		       : GRADE_PLAUSIBLE;
}

static void fill_summary(const struct spin *spin, struct model_finding *finding)
{
	const char *function = spin->function ? spin->function : "a function without a name";

	if (spin->in_kernel)
		finding_text(&finding->summary,
			     "%zu threads ran for up to %s and spent %s of it spinning for a lock "
			     "of the kernel that %s takes. Who held it a capture cannot tell.",
			     finding->victim_count,
			     human_duration(spin->victims[0].longest_ns).text,
			     human_share(spin->spinning, spin->samples).text, function);
	else if (!spin->sleeper)
		finding_text(
			&finding->summary,
			"%zu threads ran for up to %s in one loop of %s and got nowhere. Who they "
			"waited for was not seen.",
			finding->victim_count, human_duration(spin->victims[0].longest_ns).text,
			function);
	else
		finding_text(&finding->summary,
			     "%zu threads ran for up to %s in one loop of %s and got nowhere, "
			     "until thread "
			     "%" PRId32
			     " (%s) of the same process, which had slept for %s, woke up: it seems "
			     "to have held what they wanted.",
			     finding->victim_count,
			     human_duration(spin->victims[0].longest_ns).text, function,
			     spin->sleeper->tid, spin->sleeper->comm,
			     human_duration(spin->sleep.end_ns - spin->sleep.start_ns).text);
}

static void fill_evidence(const struct detect_context *context, const struct spin *spin,
			  struct model_finding *finding)
{
	const char *operation;

	if (spin->in_kernel)
		finding_evidence(finding,
				 "%" PRIu32 " of %" PRIu32 " CPU samples of them are in the "
				 "kernel's slow path of a spinlock",
				 spin->spinning, spin->samples);
	else
		finding_evidence(finding,
				 "%" PRIu32 " of %" PRIu32
				 " CPU samples of them are in the same few instructions, and none "
				 "of them slept meanwhile",
				 spin->spinning, spin->samples);
	if (!spin->sleeper)
		return;
	operation = finding_operation(context, spin->sleep.stack_id, finding);
	finding_evidence(finding,
			 "thread %" PRId32
			 " (%s) slept from %s%s%s, ran again at %s, and %s later the first of them "
			 "went on; no other thread of the process did so",
			 spin->sleeper->tid, spin->sleeper->comm,
			 detect_time_text(context, spin->sleep.start_ns).text,
			 *operation ? " in " : "", operation,
			 detect_time_text(context, spin->resumed_ns).text,
			 human_duration(spin->freed_ns - spin->resumed_ns).text);
}

void spin_report(const struct detect_context *in, const void *found, struct model_finding *finding)
{
	const struct spin *spin = found;

	finding->kind = FINDING_SPIN_CONTENTION;
	finding->grade = grade_spin(spin, in->model);
	finding->has_lock = true;
	finding->lock = (struct model_lock_ref){ .class = WAIT_LOCK_SPIN,
						 .tgid = spin->victims[0].thread->tgid };
	if (spin->sleeper) {
		finding_culprit(in, spin->sleeper, spin->sleep.start_ns, spin->sleep.end_ns, NULL,
				spin->sleep.stack_id, finding);
		finding->culprit.blocked_ns = finding->culprit.hold_ns;
	}
	finding_victims(in, spin->victims, spin->victim_count, finding);
	fill_summary(spin, finding);
	fill_evidence(in, spin, finding);
	finding_text(&finding->advice, "%s",
		     spin->in_kernel ? "Fewer threads at once in what takes the lock, or a newer "
				       "kernel: profile (perf record -g) says which of them it is."
				     : "A lock that is spun for must not be held over a sleep, a "
				       "system call or a page fault: make it a mutex, or let go of "
				       "it before.");
}
