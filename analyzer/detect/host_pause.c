/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host itself was paused, as a virtual machine is by the one it runs on, or one of its CPUs
 * was: what the gaps in all events (cpu_gaps.h) come to, and who was held up by it. The finding is
 * host-paused.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>

#include "analyzer/detect/detectors.h"
#include "analyzer/detect/finding.h"
#include "analyzer/detect/thresholds.h"
#include "analyzer/util/span.h"

struct host_pause {
	uint64_t start_ns, end_ns; /* the longest one; 0: there was none */
	const struct thread *ran; /* was running before and after, and not sampled between; NULL */
	uint32_t cpu; /* where it ran */
	bool one_cpu; /* that one alone was paused, the others went on */
	bool of_target; /* it is one of the target's */
	bool recorder_missed; /* the recorder's own wake-ups are missing, too */
	uint32_t count; /* of all such pauses in the capture ... */
	uint64_t total_ns; /* ... and how long they are together */
	struct victim *victims; /* threads of the target that wanted to run meanwhile */
	size_t victim_count;
};

/*
 * A pause of one CPU costs those who ran there, and who waited to: which CPU a thread waited for
 * its next run tells.
 */
static int add_delays_of_cpu(const struct history *history, const struct host_pause *pause,
			     struct thread *thread, struct victim_set *victims)
{
	struct history_cursor cursor = history_walk(history, thread, pause->start_ns, UINT64_MAX);
	uint64_t waited_ns = 0, since_ns = 0, delay_ns, from_ns, to_ns;
	const struct history_interval *interval;
	struct victim lost = { .blocked_ns = 0 };

	while ((interval = history_next(&cursor, &from_ns, &to_ns))) {
		if (interval->state != THREAD_RUNNING && interval->state != THREAD_RUNNABLE)
			continue;
		delay_ns = span_overlap(from_ns, to_ns, pause->start_ns, pause->end_ns);
		if (interval->state == THREAD_RUNNABLE) {
			waited_ns = delay_ns;
			since_ns = from_ns;
		} else {
			delay_ns = interval->cpu == pause->cpu ? delay_ns + waited_ns : 0;
			from_ns = waited_ns ? since_ns : from_ns;
			waited_ns = 0;
			if (delay_ns && !lost.blocked_ns)
				lost.since_ns = from_ns;
			lost.blocked_ns += delay_ns;
		}
		/* the run after the pause is the last that can tell */
		if (interval->start_ns >= pause->end_ns && interval->state == THREAD_RUNNING)
			break;
	}
	lost.longest_ns = lost.blocked_ns;
	return lost.blocked_ns ? victim_set_join(victims, thread, &lost) : 0;
}

static int add_delays(const struct history *history, const struct host_pause *pause,
		      struct thread *thread, struct victim_set *victims)
{
	struct history_cursor cursor =
		history_walk(history, thread, pause->start_ns, pause->end_ns);
	const struct history_interval *interval;
	struct victim lost = { .blocked_ns = 0 };
	uint64_t from_ns, to_ns;

	while ((interval = history_next(&cursor, &from_ns, &to_ns))) {
		if (interval->state != THREAD_RUNNING && interval->state != THREAD_RUNNABLE)
			continue;
		if (!lost.blocked_ns)
			lost.since_ns = from_ns;
		lost.blocked_ns += to_ns - from_ns;
	}
	lost.longest_ns = lost.blocked_ns;
	return lost.blocked_ns ? victim_set_join(victims, thread, &lost) : 0;
}

static int find_victims(const struct observations *observations, struct host_pause *pause)
{
	const struct threads *threads = source_threads(observations->source);
	const struct history *history =
		observations_history(observations, pause->start_ns, pause->end_ns);
	struct victim_set victims = VICTIM_SET;
	int r = 0;

	for (size_t i = 0; i < threads_count(threads) && !r; i++) {
		struct thread *thread = threads_at(threads, i);

		if (!target_counts(observations->target, thread))
			continue;
		r = pause->one_cpu ? add_delays_of_cpu(history, pause, thread, &victims)
				   : add_delays(history, pause, thread, &victims);
	}
	if (!r)
		r = victim_set_take(&victims, 0, &pause->victims, &pause->victim_count, NULL);
	victim_set_free(&victims);
	return r;
}

static bool proves_pause(const struct cpu_gap *gap)
{
	return gap->ran || gap->recorder_missed;
}

/* A pause of all CPUs shows as one of each of them, too. */
static bool is_of_all(const struct cpu_gap *gaps, size_t count, const struct cpu_gap *one)
{
	for (size_t i = 0; i < count; i++) {
		const struct cpu_gap *all = &gaps[i];
		uint64_t same_ns =
			span_overlap(one->start_ns, one->end_ns, all->start_ns, all->end_ns);

		if (!all->one_cpu && proves_pause(all) &&
		    share_above(same_ns, one->end_ns - one->start_ns, PAUSE_OF_ALL_PERCENT))
			return true;
	}
	return false;
}

static bool gap_counts(const struct cpu_gap *gaps, size_t count, const struct cpu_gap *gap)
{
	return proves_pause(gap) && !(gap->one_cpu && is_of_all(gaps, count, gap));
}

/* NULL where there is none. */
static const struct cpu_gap *find_longest(const struct cpu_gap *gaps, size_t count)
{
	const struct cpu_gap *found = NULL;

	for (size_t i = 0; i < count; i++)
		if ((!found ||
		     gaps[i].end_ns - gaps[i].start_ns > found->end_ns - found->start_ns) &&
		    gap_counts(gaps, count, &gaps[i]))
			found = &gaps[i];
	return found;
}

/* All that are like @found: of the same CPU, or of all of them. */
static void add_up_gaps(const struct cpu_gap *gaps, size_t count, const struct cpu_gap *found,
			struct host_pause *pause)
{
	for (size_t i = 0; i < count; i++) {
		if (gaps[i].one_cpu != found->one_cpu ||
		    (gaps[i].one_cpu && gaps[i].cpu != found->cpu) ||
		    !gap_counts(gaps, count, &gaps[i]))
			continue;
		pause->count++;
		pause->total_ns += gaps[i].end_ns - gaps[i].start_ns;
	}
}

static int read_pause(const struct observations *observations, struct host_pause *pause)
{
	const struct cpu_gap *gaps, *longest;
	size_t count = cpu_gaps_list(observations->prescan.gaps, &gaps);

	longest = find_longest(gaps, count);
	if (!longest)
		return 0;
	*pause = (struct host_pause){
		.start_ns = longest->start_ns,
		.end_ns = longest->end_ns,
		.ran = longest->ran,
		.cpu = longest->cpu,
		.one_cpu = longest->one_cpu,
		.recorder_missed = longest->recorder_missed,
		.of_target = longest->ran && target_counts(observations->target, longest->ran),
	};
	add_up_gaps(gaps, count, longest, pause);
	return find_victims(observations, pause);
}

static void fill_evidence_of_all(const struct detect_context *context,
				 const struct host_pause *pause, struct model_finding *finding)
{
	finding_evidence(finding,
			 "none of the %" PRIu32 " CPUs recorded an event from %s to %s, and no "
			 "loss was told there",
			 context->model->coverage.cpus,
			 detect_time_text(context, pause->start_ns).text,
			 detect_time_text(context, pause->end_ns).text);

	if (pause->ran)
		finding_evidence(finding,
				 "CPU %" PRIu32 " ran thread %" PRId32
				 " (%s) before and after, which is sampled many times a second, "
				 "and not once meanwhile",
				 pause->cpu, pause->ran->tid, pause->ran->comm);
	if (pause->recorder_missed)
		finding_evidence(
			finding,
			"the recorder's own thread, which wakes every 250 ms at least, did not");
}

static void fill_evidence_of_one(const struct detect_context *context,
				 const struct host_pause *pause, struct model_finding *finding)
{
	finding_evidence(finding,
			 "CPU %" PRIu32 " recorded no event from %s to %s, and no loss was told "
			 "there",
			 pause->cpu, detect_time_text(context, pause->start_ns).text,
			 detect_time_text(context, pause->end_ns).text);

	finding_evidence(finding,
			 "it ran thread %" PRId32
			 " (%s) before and after, which is sampled many times a second, and not "
			 "once meanwhile",
			 pause->ran->tid, pause->ran->comm);
}

static void fill_evidence(const struct detect_context *context, const struct host_pause *pause,
			  struct model_finding *finding)
{
	if (pause->one_cpu)
		fill_evidence_of_one(context, pause, finding);
	else
		fill_evidence_of_all(context, pause, finding);
	if (pause->count > 1)
		finding_evidence(finding, "this happened %" PRIu32 " times, for %s in all",
				 pause->count, human_duration(pause->total_ns).text);
}

static void fill_summary(const struct host_pause *pause, struct model_finding *finding)
{
	const char *plural = finding_plural(finding->victim_count);
	struct human length = human_duration(pause->end_ns - pause->start_ns);

	if (pause->one_cpu)
		finding_text(&finding->summary,
			     "CPU %" PRIu32 " stood still for %s, in the middle of thread %" PRId32
			     " (%s), while others went on. %zu thread%s of the target wanted to "
			     "run on it.",
			     pause->cpu, length.text, pause->ran->tid, pause->ran->comm,
			     finding->victim_count, plural);
	else
		finding_text(&finding->summary,
			     "The whole host stood still for %s: no CPU did anything, although "
			     "there was something to do. %zu thread%s of the target wanted to run "
			     "meanwhile.",
			     length.text, finding->victim_count, plural);
}

/* A pause of one CPU under a foreign thread need not have held up the target. */
static bool needs_no_victim(const struct host_pause *pause)
{
	return !pause->one_cpu || pause->of_target;
}

/* What threads lost while nothing could go on: those that wanted to run, and the waits that went on
 * meanwhile. */
static uint64_t sum_lost_ns(const struct detect_context *in, const struct host_pause *pause)
{
	uint64_t lost_ns = 0;

	for (size_t i = 0; i < pause->victim_count; i++)
		lost_ns += pause->victims[i].blocked_ns;
	for (size_t i = 0; i < in->wait_count && !pause->one_cpu; i++)
		if (in->waits[i].class != WAIT_CPU_RUNQUEUE &&
		    in->waits[i].class != WAIT_CPU_THROTTLED)
			lost_ns += span_overlap(in->waits[i].start_ns, in->waits[i].end_ns,
						pause->start_ns, pause->end_ns);
	/* nobody gets on while the host stands still, whether it is noticed or not */
	return needs_no_victim(pause) ? later(lost_ns, pause->end_ns - pause->start_ns) : lost_ns;
}

static int find_host_pause(struct detect_context *in, struct candidates *out)
{
	struct candidate *candidate = candidate_append(in, out);
	struct host_pause *pause;
	int r;

	if (!candidate)
		return -ENOMEM;
	pause = candidate->found;
	r = read_pause(in->observations, pause);
	if (r || !pause->end_ns)
		return r;
	if (!needs_no_victim(pause))
		candidate->evidence = EVIDENCE_SIGNS;
	candidate->lost_ns = sum_lost_ns(in, pause);
	candidate->stall = (struct stall){
		.found = true,
		.start_ns = pause->start_ns,
		.end_ns = pause->end_ns,
		.threads_max = (uint32_t)pause->victim_count,
		.apart = detect_over_before(in, pause->end_ns),
	};
	in->paused = needs_no_victim(pause) && !candidate->stall.apart &&
		     (pause->end_ns - pause->start_ns) * 100 >=
			     (in->window->until_ns - in->window->since_ns) * PAUSE_COVERS_PERCENT;
	return 0;
}

static void report_host_pause(const struct detect_context *in, const void *found,
			      struct model_finding *finding)
{
	const struct host_pause *pause = found;

	finding->kind = FINDING_HOST_PAUSED;
	finding->grade = pause->ran && pause->recorder_missed ? GRADE_STRONG : GRADE_PLAUSIBLE;
	finding_victims(in, pause->victims, pause->victim_count, finding);
	fill_summary(pause, finding);
	fill_evidence(in, pause, finding);
	finding_text(
		&finding->advice, "%s",
		pause->one_cpu
			? "Look at the machine below: a virtual CPU that gets no time from its "
			  "host (steal in /proc/stat). Or the kernel kept interrupts off there: "
			  "then its log may tell of a lockup."
			: "Look at the machine below: a virtual machine that is saved, moved or "
			  "stopped by its host, or gets no CPU from it (steal in /proc/stat), or "
			  "firmware that takes all CPUs (SMI).");
}

static void free_host_pause(void *found)
{
	free(((struct host_pause *)found)->victims);
}

const struct detector host_pause_detector = {
	.found_bytes = sizeof(struct host_pause),
	.evidence = EVIDENCE_STANDSTILL,
	.beside = true,
	.find = find_host_pause,
	.report = report_host_pause,
	.free = free_host_pause,
};
