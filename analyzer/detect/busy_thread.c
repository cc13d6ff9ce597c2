/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody waited for the target, as a trigger says, and no wait of its threads explains it: which
 * thread ran without a break all the while, or slept through it? The findings are busy-thread and,
 * for one that slept, slow-producer.
 *
 * A thread that also slept like that outside of the window is used to it, and passed over. The main
 * thread is preferred: it is the one that serves in programs with one event loop.
 *
 * A trigger that does not say since when somebody waited may come late: where nothing went on right
 * before it, the longest that a thread did in the time that it may be about is taken, if it did
 * nothing like that at other times and is one that serves.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "analyzer/detect/detectors.h"
#include "analyzer/detect/finding.h"
#include "analyzer/detect/thresholds.h"
#include "analyzer/util/span.h"

enum busy_thread_kind { BUSY_NONE, BUSY_RAN, BUSY_SLEPT };

struct busy_thread {
	enum busy_thread_kind kind;
	struct thread *thread;
	uint64_t start_ns, end_ns; /* the whole of it, which the trigger's window is a part of */
	bool began_before, still_open; /* the recording does not hold all of it */
	uint64_t state_ns[THREAD_STATES];
	enum wait_class class; /* SLEPT: what it slept in, */
	uint32_t stack_id; /* and where */
	bool began_with_it; /* it began about when the waiting did, not long before */
	bool earlier; /* over before the trigger, which does not say since when somebody waited */
	uint32_t others; /* threads of the target of which the like is true */
	struct cpu_profile profile; /* RAN: what it ran */
};

struct run {
	struct thread *thread;
	uint32_t asked; /* times that it waited for what others send */
	bool open;
	bool limited; /* more than others keeps it from a CPU */
	struct busy_thread now; /* its run so far */
	struct busy_thread fits; /* kind NONE: nothing that fits the window */
	uint64_t usual_sleep_ns; /* longest one outside of the window */
	uint64_t usual_ns; /* longest run or sleep but for the one that fits */
};

struct search {
	const struct observations *observations;
	const struct trigger_window *window;
	uint64_t long_ns; /* a stall */
	bool anywhere; /* in the time that the trigger is about, rather than all the while before it */
};

static bool covers_window(const struct trigger_window *window, uint64_t start_ns, uint64_t end_ns)
{
	uint64_t covered_ns = span_overlap(start_ns, end_ns, window->since_ns, window->until_ns);

	return covered_ns &&
	       covered_ns * 100 >= (window->until_ns - window->since_ns) * BUSY_COVERS_PERCENT;
}

/* Of all that is long enough, and in the time that the trigger may be about, the longest of a
 * thread. */
static bool fits_anywhere(const struct search *search, struct run *run, uint64_t start_ns,
			  uint64_t end_ns)
{
	const struct trigger_window *window = search->window;
	uint64_t length_ns = end_ns - start_ns;
	uint64_t longest_ns =
		run->fits.kind != BUSY_NONE ? run->fits.end_ns - run->fits.start_ns : 0;
	bool fits = length_ns >= window->until_ns - window->since_ns && length_ns > longest_ns &&
		    end_ns > window->about_ns && start_ns < window->until_ns;
	uint64_t other_ns = fits ? longest_ns : length_ns;

	run->usual_ns = later(run->usual_ns, other_ns);
	return fits;
}

static bool run_fits(const struct search *search, struct run *run, uint64_t start_ns,
		     uint64_t end_ns)
{
	return search->anywhere ? fits_anywhere(search, run, start_ns, end_ns)
				: covers_window(search->window, start_ns, end_ns);
}

static void keep_fitting(const struct search *search, struct run *run, enum busy_thread_kind kind)
{
	run->fits = run->now;
	run->fits.kind = kind;
	run->fits.thread = run->thread;
	run->fits.began_with_it = !search->window->since_said ||
				  run->now.start_ns + BUSY_QUESTION_NS >= search->window->since_ns;
}

/* Others may leave it a small part of a CPU, and it is the one that somebody waits for. A limit that does is the
 * cause itself. */
static bool was_busy(const struct run *run)
{
	const struct busy_thread *now = &run->now;
	uint64_t least = run->limited ? BUSY_LIMITED_PERCENT : BUSY_RAN_PERCENT;
	uint64_t length_ns = now->end_ns - now->start_ns;
	uint64_t pauses_ns = now->state_ns[THREAD_BLOCKED] + now->state_ns[THREAD_UNKNOWN];

	return now->state_ns[THREAD_RUNNING] * 100 >= length_ns * least &&
	       pauses_ns * 100 <= length_ns * BUSY_PAUSES_PERCENT;
}

static void end_run(const struct search *search, struct run *run)
{
	const struct busy_thread *now = &run->now;

	if (run->open && was_busy(run) && run_fits(search, run, now->start_ns, now->end_ns))
		keep_fitting(search, run, BUSY_RAN);
	run->open = false;
}

static void extend_run(struct run *run, const struct history_interval *interval)
{
	if (!run->open)
		run->now = (struct busy_thread){
			.start_ns = interval->start_ns,
			.began_before = interval->flags & INTERVAL_BEGAN_BEFORE,
		};
	run->open = true;
	run->now.end_ns = interval->end_ns;
	run->now.still_open = interval->flags & INTERVAL_STILL_OPEN;
	run->now.state_ns[interval->state] += interval->end_ns - interval->start_ns;
}

/* Sleeps that a thread asks for itself. Waits for others end when those are done: it is they who
 * count. */
static bool is_sleep(enum wait_class class)
{
	return class == WAIT_SLEEP || class == WAIT_CHILD;
}

static void note_sleep(const struct search *search, struct run *run,
		       const struct history_interval *interval, enum wait_class class)
{
	if (!run_fits(search, run, interval->start_ns, interval->end_ns)) {
		run->usual_sleep_ns =
			later(run->usual_sleep_ns, interval->end_ns - interval->start_ns);
		return;
	}
	extend_run(run, interval);
	run->now.class = class;
	run->now.stack_id = interval->stack_id;
	keep_fitting(search, run, BUSY_SLEPT);
	run->open = false;
}

/* Whether a thread that runs may be said to go on, although it did not in @interval. */
static bool is_pause(const struct search *search, const struct history_interval *interval,
		     const struct wait_reason *reason)
{
	return interval->end_ns - interval->start_ns <
		       search->long_ns * PAUSE_STALL_PERCENT / 100 &&
	       (interval->state == THREAD_UNKNOWN || reason->class == WAIT_UNKNOWN ||
		!wait_direction_idle(reason->direction));
}

/* What the stack says that it waited for: a lock of user space is a futex here. */
static int find_reason(const struct search *search, const struct history_interval *interval,
		       const struct wait_reason **ret_reason)
{
	static const struct wait_reason none = { .class = WAIT_UNKNOWN };
	const struct stack_info *info;

	*ret_reason = &none;
	if (interval->state != THREAD_BLOCKED)
		return 0;
	info = stack_infos_get(search->observations->stack_infos, interval->stack_id);
	if (!info)
		return -ENOMEM;
	*ret_reason = stack_info_reason(info, interval->prev_state);
	return 0;
}

static int add_interval(const struct search *search, struct run *run,
			const struct history_interval *interval)
{
	bool runs = interval->state == THREAD_RUNNING || interval->state == THREAD_RUNNABLE;
	const struct wait_reason *reason;
	enum wait_class class;

	if (find_reason(search, interval, &reason))
		return -ENOMEM;
	class = reason->class;
	if (runs || (run->open && is_pause(search, interval, reason))) {
		extend_run(run, interval);
		return 0;
	}
	end_run(search, run);
	if (class == WAIT_POLL || class == WAIT_NET_SOCKET || class == WAIT_IPC_PIPE)
		run->asked += interval->merged ? interval->merged : 1;
	if (is_sleep(class))
		note_sleep(search, run, interval, class);
	return 0;
}

static int read_thread(const struct search *search, struct thread *thread, struct run *ret_run)
{
	const struct history_interval *intervals;
	size_t count = history_intervals(search->observations->history, thread, &intervals);
	int r = 0;

	*ret_run = (struct run){ .thread = thread };
	ret_run->limited = scheduling_is_limited(search->observations->prescan.scheduling, thread,
						 search->window->until_ns);
	for (size_t i = 0; i < count && !r; i++)
		r = add_interval(search, ret_run, &intervals[i]);
	end_run(search, ret_run);
	return r;
}

/* What the thread is used to does not explain why somebody waited now. */
static bool is_unusual(const struct search *search, const struct run *run)
{
	const struct busy_thread *busy = &run->fits;
	bool main_thread = run->thread->tid == run->thread->tgid;

	if (search->anywhere)
		return busy->kind != BUSY_NONE && !busy->began_before &&
		       run->asked >= BUSY_SERVES_LEAST &&
		       (busy->end_ns - busy->start_ns) / BUSY_TIMES_USUAL >= run->usual_ns;
	if (busy->kind != BUSY_SLEPT)
		return busy->kind == BUSY_RAN;
	if (busy->began_before && (busy->still_open || !main_thread))
		return false;
	return run->usual_sleep_ns * BUSY_SLEEP_TIMES < busy->end_ns - busy->start_ns;
}

static unsigned int rank_thread(const struct busy_thread *busy)
{
	return (busy->began_with_it ? 4u : 0u) +
	       (busy->thread->tid == busy->thread->tgid ? 2u : 0u) +
	       (busy->kind == BUSY_RAN ? 1u : 0u);
}

static bool is_better(const struct busy_thread *busy, const struct busy_thread *than)
{
	if (than->kind == BUSY_NONE || rank_thread(busy) != rank_thread(than))
		return than->kind == BUSY_NONE || rank_thread(busy) > rank_thread(than);
	return busy->state_ns[THREAD_RUNNING] > than->state_ns[THREAD_RUNNING];
}

static int choose_thread(const struct search *search, struct busy_thread *ret_best)
{
	const struct threads *threads = source_threads(search->observations->source);
	struct busy_thread best = { .kind = BUSY_NONE };
	uint32_t count = 0;
	struct run run;

	for (size_t i = 0; i < threads_count(threads); i++) {
		struct thread *thread = threads_at(threads, i);

		if (!target_counts(search->observations->target, thread))
			continue;
		if (read_thread(search, thread, &run))
			return -ENOMEM;
		if (!is_unusual(search, &run))
			continue;
		count++;
		if (is_better(&run.fits, &best))
			best = run.fits;
	}
	best.others = count ? count - 1 : 0;
	*ret_best = best;
	return 0;
}

static int read_busy_thread(const struct detect_context *in, struct busy_thread *busy)
{
	const struct observations *observations = in->observations;
	struct search search = { observations, in->window, in->long_ns, .anywhere = false };
	int r = choose_thread(&search, busy);

	if (!r && busy->kind == BUSY_NONE && !in->window->since_said && !in->window->probed) {
		search.anywhere = true;
		r = choose_thread(&search, busy);
		busy->earlier = true;
	}
	if (!r && busy->kind == BUSY_RAN)
		r = cpu_profile_read(observations->history, source_stacks(observations->source),
				    busy->thread, busy->start_ns, busy->end_ns, &busy->profile);
	return r;
}

/* A sleep says only that its thread did nothing else; a run is what the others had to wait for. */
static enum grade grade_busy_thread(const struct busy_thread *busy,
				    const struct trigger_window *window)
{
	if (busy->kind == BUSY_RAN && window->probed && window->since_said && busy->began_with_it &&
	    !busy->others)
		return GRADE_STRONG;
	return GRADE_PLAUSIBLE;
}

static const char *when_text(const struct busy_thread *busy)
{
	return busy->earlier ? "some time before somebody was said to wait for an answer"
			     : "while somebody waited for an answer";
}

static void fill_summary(const struct detect_context *context, const struct busy_thread *busy,
			 struct model_finding *finding)
{
	const char *operation = finding_operation(context, busy->stack_id, finding);
	const char *at_least = busy->began_before || busy->still_open ? "at least " : "";
	struct human length = human_duration(busy->end_ns - busy->start_ns);
	const struct thread *thread = busy->thread;

	if (busy->kind == BUSY_RAN)
		finding_text(&finding->summary,
			     "Thread %" PRId32 " (%s) ran for %s%s without waiting for anything, "
			     "and did nothing else, %s.",
			     thread->tid, thread->comm, at_least, length.text, when_text(busy));
	else
		finding_text(&finding->summary,
			     "Thread %" PRId32 " (%s) slept for %s%s (%s%s%s) %s.", thread->tid,
			     thread->comm, at_least, length.text, wait_class_name(busy->class),
			     *operation ? ", in " : "", operation, when_text(busy));
}

static void fill_evidence(const struct detect_context *context, const struct busy_thread *busy,
			  struct model_finding *finding)
{
	finding_evidence(finding, "somebody waited: %s: %s", context->model->capture.trigger_source,
			 context->model->capture.trigger_reason);

	finding_evidence(finding, "it was like that from %s to %s%s",
			 detect_time_text(context, busy->start_ns).text,
			 detect_time_text(context, busy->end_ns).text,
			 busy->kind == BUSY_RAN
				 ? ""
				 : ", and not for so long at any other time in the capture");
	if (busy->earlier)
		finding_evidence(
			finding,
			"the trigger, at %s, does not say since when somebody waited; nothing like "
			"this went on right before it",
			detect_time_text(context, context->window->until_ns).text);
	finding_profile(finding, &busy->profile);
	if (!busy->began_with_it)
		finding_evidence(finding,
				 "it was like that already %s before the waiting began, when "
				 "answers still came",
				 human_duration(context->window->since_ns - busy->start_ns).text);
	if (busy->others)
		finding_evidence(finding,
				 "the like is true of %" PRIu32 " other thread%s of the target",
				 busy->others, finding_plural(busy->others));
}

/* No wait that hurts, and yet somebody waited for an answer: then it is a thread that did not
 * serve. */
static int find_busy_thread(struct detect_context *in, struct candidates *out)
{
	const struct trigger_window *window = in->window;
	struct candidate *candidate = candidate_append(in, out);
	struct busy_thread *busy;
	int r;

	if (!candidate)
		return -ENOMEM;
	if (!window->proves || in->paused || detect_covers_window(window, in->stall))
		return 0;
	busy = candidate->found;
	r = read_busy_thread(in, busy);
	if (busy->kind == BUSY_NONE)
		return r;
	candidate->lost_ns = window->until_ns - window->since_ns; /* no more is known */
	candidate->stall = (struct stall){
		.found = true,
		.began_before = busy->began_before,
		.still_open = busy->still_open,
		.start_ns = busy->start_ns,
		.end_ns = busy->end_ns,
		.threads_max = busy->kind == BUSY_SLEPT,
	};
	return r;
}

static void report_busy_thread(const struct detect_context *in, const void *found,
			       struct model_finding *finding)
{
	const struct busy_thread *busy = found;
	const struct cpu_profile *profile = &busy->profile;
	bool ran = busy->kind == BUSY_RAN;
	struct model_culprit *culprit =
		finding_culprit(in, busy->thread, busy->start_ns, busy->end_ns, busy->state_ns,
				ran ? profile->stack_id : busy->stack_id, finding);

	culprit->samples = profile->samples;
	culprit->samples_in_stack = profile->top_count ? profile->top[0].samples : 0;
	finding->kind = ran ? FINDING_BUSY_THREAD : FINDING_SLOW_PRODUCER;
	finding->grade = grade_busy_thread(busy, in->window);
	finding->blocked_ns =
		in->window->since_said ? in->window->until_ns - in->window->since_ns : 0;
	fill_summary(in, busy, finding);
	fill_evidence(in, busy, finding);
	finding_text(
		&finding->advice, "%s",
		ran ? "Find the request that takes so long; the profile shows the code. Do it in "
		      "slices, or in a thread that nobody waits for."
		    : "A thread that serves must not sleep: look for a command that asks for it "
		      "(DEBUG SLEEP, pg_sleep), a retry with a pause, or a rate limit.");
}

static void free_busy_thread(void *found)
{
	cpu_profile_free(&((struct busy_thread *)found)->profile);
}

const struct detector busy_thread_detector = {
	.found_bytes = sizeof(struct busy_thread),
	.evidence = EVIDENCE_SIGNS,
	.find = find_busy_thread,
	.report = report_busy_thread,
	.free = free_busy_thread,
};
