/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/analysis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/blame/blame_table.h"
#include "analyzer/blame/root_cause.h"
#include "analyzer/detect/deadlock.h"
#include "analyzer/detect/busy_thread.h"
#include "analyzer/detect/coverage.h"
#include "analyzer/detect/slow_producer.h"
#include "analyzer/detect/finding.h"
#include "analyzer/detect/resource_wait_finding.h"
#include "analyzer/detect/lock_convoy_finding.h"
#include "analyzer/detect/lock_convoy_cause.h"
#include "analyzer/detect/host_pause.h"
#include "analyzer/detect/timed_lock.h"
#include "analyzer/detect/spin.h"
#include "analyzer/timeline/stack_info.h"
#include "analyzer/activity/stall.h"
#include "analyzer/detect/stopped_process.h"
#include "analyzer/blame/contended_lock.h"
#include "analyzer/detect/tables.h"
#include "analyzer/trace/target.h"
#include "analyzer/trace/trigger.h"

#define STALL_NS 200000000u

struct analysis {
	struct source *source;
	struct stack_infos *stackfacts;
	struct target target;
	struct observations observations;
	struct stall stall;
	struct spin spin;		/* what is found of it in the stall, or what is the stall */
	struct host_pause silence;		/* likewise */
	bool spin_is_stall, silence_is_stall;
	struct trigger_window window;
	struct slow_producer feeder;		/* did IDLED: the stall is none of those who wait for it */
	struct contended_lock sliced;		/* without victims: the stall is not of those who wait in slices */
	struct busy_thread episode;		/* kind NONE: the stall's waits explain it, or nothing does */
	uint64_t start_ns;
	uint64_t stall_ns;		/* shorter waits make no stall */
	struct model *model;
};

static uint64_t since_start(const struct analysis *analysis, uint64_t time_ns)
{
	return time_ns > analysis->start_ns ? time_ns - analysis->start_ns : 0;
}

static const char *fact_text(const struct analysis *analysis, const char *name)
{
	const char *text = ft_facts_get(source_facts(analysis->source), name);

	return text ? text : "";
}

/* Its name now, rather than the one it had when recording began: it may have called execve since. */
static void target_name(const struct analysis *analysis, struct model *model)
{
	const char *recorded = fact_text(analysis, FT_FACT_TARGET);
	const struct thread *leader = NULL;
	int32_t tgid = 0;

	if (analysis->target.count)
		tgid = analysis->target.tgids[0];
	if (tgid)
		leader = threads_find(source_threads(analysis->source), tgid);
	if (leader)
		model->capture.target_comm = leader->comm;
	else if (!tgid || strtol(recorded, NULL, 10) != tgid)
		model->capture.target_comm = ""; /* another one was asked for than was recorded */
}

static int fill_capture(struct analysis *analysis, const char *path)
{
	const struct ft_facts *facts = source_facts(analysis->source);
	struct model *model = analysis->model;
	int32_t *tgids = calloc(analysis->target.count + 1, sizeof(*tgids));
	struct ft_damage damage;

	if (!tgids)
		return -ENOMEM;
	if (analysis->target.count)
		memcpy(tgids, analysis->target.tgids, analysis->target.count * sizeof(*tgids));
	source_damage(analysis->source, &damage);
	model->capture.path = path;
	model->capture.host = fact_text(analysis, FT_FACT_HOST);
	model->capture.kernel = fact_text(analysis, FT_FACT_KERNEL);
	model->capture.arch = fact_text(analysis, FT_FACT_ARCH);
	model->capture.tier = fact_text(analysis, FT_FACT_TIER);
	model->capture.target = tgids;
	model->capture.target_count = analysis->target.count;
	model->capture.target_comm = fact_text(analysis, FT_FACT_TARGET_COMM);
	model->capture.trigger_source = fact_text(analysis, FT_FACT_TRIGGER_SOURCE);
	model->capture.trigger_reason = fact_text(analysis, FT_FACT_TRIGGER_REASON);
	model->capture.trigger_at_ns = since_start(
		analysis, (uint64_t)ft_facts_number(facts, FT_FACT_TRIGGER_NS, 0));
	model->capture.start_ns = analysis->start_ns;
	model->capture.start_realtime_ns = source_start_realtime_ns(analysis->source);
	model->capture.ring = source_ring(analysis->source);
	model->capture.utc_offset_s = (int32_t)ft_facts_number(facts, FT_FACT_UTC_OFFSET_S, 0);
	target_name(analysis, model);
	model->capture.duration_ns = since_start(analysis, source_end_ns(analysis->source));
	model->capture.events = analysis->observations.prescan.events;
	model->capture.complete = !damage.torn && !damage.bad_segments;
	model->capture.damage = source_damage_text(analysis->source);
	if (!model->capture.complete && !model->capture.damage)
		return -ENOMEM;
	return 0;
}

static void fill_stall(struct analysis *analysis)
{
	const struct long_wait *longest = wait_stats_longest(analysis->observations.wait_stats);
	const struct stall *stall = &analysis->stall;
	struct model *model = analysis->model;

	model->stall.found = stall->found;
	model->stall.unexplained = !stall->found && analysis->window.proves;
	model->stall.failed_at_once = analysis->window.failed_at_once;
	if (stall->found) {
		model->stall.apart = stall->apart;
		model->stall.began_before = stall->began_before;
		model->stall.still_open = stall->still_open;
		model->stall.end_lost = stall->end_lost;
		model->stall.end_doubtful = stall->end_doubtful;
		model->stall.start_ns = since_start(analysis, stall->start_ns);
		model->stall.end_ns = since_start(analysis, stall->end_ns);
		model->stall.threads_blocked_max = stall->threads_max;
		model->stall.others = stall->others;
		for (uint32_t i = 0; i < stall->others && i < STALL_OTHERS_MAX; i++)
			model->stall.other[i] = (struct model_span){
				since_start(analysis, stall->other[i].start_ns),
				since_start(analysis, stall->other[i].end_ns),
			};
	}
	if (longest) {
		model->stall.longest_ns = longest->blocked_ns;
		model->stall.longest_class = longest->class;
		model->stall.longest_tid = longest->thread->tid;
		model->stall.longest_comm = longest->thread->comm;
	}
}

/*
 * Idle waits that hurt after all, because one thread did not feed those who wait. Without a target
 * nobody says whose waiting matters.
 */
static int find_feeder(struct analysis *analysis)
{
	const struct slow_producer_search search = {
		.observations = &analysis->observations,
		.long_ns = analysis->stall_ns,
		.since_ns = analysis->window.about_ns,
	};
	struct stall *stall = &analysis->stall;
	struct slow_producer *feeder = &analysis->feeder;
	const struct long_wait *waits;
	size_t count = wait_stats_long_waits(analysis->observations.wait_stats, &waits);
	int r;

	if (!analysis->target.count)
		return 0;
	r = slow_producer_find(&search, feeder);
	if (r)
		return r;
	if (slow_producer_explains(feeder, stall, waits, count))
		stall_replace(stall, &feeder->stall);
	else
		slow_producer_free(feeder);
	return 0;
}

/* Whether the waits that hurt explain what the trigger saw: the stall is at least half of that time. */
static bool stall_explains(const struct stall *stall, const struct trigger_window *window)
{
	uint64_t from_ns = stall->start_ns > window->since_ns ? stall->start_ns : window->since_ns;
	uint64_t to_ns = stall->end_ns < window->until_ns ? stall->end_ns : window->until_ns;

	return stall->found && to_ns > from_ns &&
	       (to_ns - from_ns) * 2 >= window->until_ns - window->since_ns;
}

/* A stall that was over before what the capture was triggered for: one that was not comes first. */
static bool over_before(const struct analysis *analysis, const struct stall *stall)
{
	return analysis->window.about_ns && stall->end_ns < analysis->window.about_ns;
}

/* Threads that spin wait for no one as far as the scheduler knows: but they are as stuck, if more than by waits. */
static int find_spin(struct analysis *analysis)
{
	struct stall *stall = &analysis->stall;
	struct spin *spin = &analysis->spin;
	const struct long_wait *waits;
	size_t count = wait_stats_long_waits(analysis->observations.wait_stats, &waits);
	int r = spin_find(&analysis->observations, analysis->stall_ns, spin);
	bool overlap = spin->start_ns < stall->end_ns && spin->end_ns > stall->start_ns;
	struct stall worst = {
		.found = true,
		.began_before = spin->began_before,
		.still_open = spin->still_open,
		.start_ns = spin->start_ns,
		.end_ns = spin->end_ns,
		.threads_max = (uint32_t)spin->victim_count,
	};

	/* A thread that others wait for, and that computes, does not spin. */
	if (analysis->feeder.did != FEEDER_IDLED)
		spin->found = false;
	if (r || !spin->found)
		return r;
	worst.apart = over_before(analysis, &worst);
	if (stall->found && !stall->apart && worst.apart) {
		spin->found = false;
		return 0;
	}
	if (stall->found && stall_lost_ns(stall, waits, count) >= spin->lost_ns) {
		spin->found = overlap;
		return 0;
	}
	analysis->spin_is_stall = true;
	stall_replace(stall, &worst);
	return 0;
}

/* Nobody gets on while the host stands still: what waited then waited for that. */
static int find_silence(struct analysis *analysis)
{
	struct stall *stall = &analysis->stall;
	struct host_pause *silence = &analysis->silence;
	uint64_t from_ns, to_ns, silence_ns, stall_ns = stall->end_ns - stall->start_ns;
	int r = host_pause_find(&analysis->observations, silence);
	struct stall worst = {
		.found = true,
		.start_ns = silence->start_ns,
		.end_ns = silence->end_ns,
		.threads_max = (uint32_t)silence->victim_count,
	};

	/* One CPU that stood still under somebody else's thread need not have held up the target's. */
	if (r || !silence->found || (silence->one_cpu && !silence->of_target))
		return r;
	worst.apart = over_before(analysis, &worst);
	silence_ns = worst.end_ns - worst.start_ns;
	from_ns = worst.start_ns > stall->start_ns ? worst.start_ns : stall->start_ns;
	to_ns = worst.end_ns < stall->end_ns ? worst.end_ns : stall->end_ns;
	if (stall->found && ((worst.apart && !stall->apart) ||
			     (silence_ns <= stall_ns &&
			      (to_ns <= from_ns || (to_ns - from_ns) * 2 < stall_ns))))
		return 0;
	analysis->silence_is_stall = true;
	stall_replace(stall, &worst);
	return 0;
}

/* Through a pause a thread seems to run, and nobody is answered. */
static bool paused_meanwhile(const struct analysis *analysis)
{
	const struct trigger_window *window = &analysis->window;
	const struct stall *stall = &analysis->stall;

	return analysis->silence_is_stall && !stall->apart &&
	       (stall->end_ns - stall->start_ns) * 2 >= window->until_ns - window->since_ns;
}

/* Where nothing else froze: waits that are short each, and long together. */
static int find_sliced(struct analysis *analysis)
{
	struct contended_lock *sliced = &analysis->sliced;
	struct stall stall = { .found = true };
	int r;

	if (analysis->stall.found || !analysis->target.count)
		return 0;
	r = timed_lock_find(&analysis->observations, analysis->stall_ns, sliced);
	if (r || !sliced->victim_count)
		return r;
	stall.start_ns = sliced->owner.longest.start_ns;
	stall.end_ns = sliced->owner.longest.end_ns;
	stall.threads_max = (uint32_t)sliced->victim_count;
	stall.apart = over_before(analysis, &stall);
	stall_replace(&analysis->stall, &stall);
	return 0;
}

/* No wait that hurts, and yet somebody waited for an answer: then it is a thread that did not serve. */
static int find_episode(struct analysis *analysis)
{
	struct busy_thread *episode = &analysis->episode;
	int r;

	if (!analysis->window.proves || stall_explains(&analysis->stall, &analysis->window) ||
	    paused_meanwhile(analysis))
		return 0;
	r = busy_thread_find(&analysis->observations, &analysis->window, episode);
	if (r || episode->kind == EPISODE_NONE)
		return r;
	stall_replace(&analysis->stall, &(struct stall){
						.found = true,
						.began_before = episode->began_before,
						.still_open = episode->still_open,
						.start_ns = episode->start_ns,
						.end_ns = episode->end_ns,
						.threads_max = episode->kind == EPISODE_ASLEEP,
					});
	return 0;
}

/* It is only told where nothing froze, as far as is known. */
static void fill_doubt(struct analysis *analysis)
{
	struct target *target = &analysis->target;
	struct model *model = analysis->model;
	const struct handoff_wait *longest;
	struct futex_doubt doubt;

	if (model->stall.found ||
	    !futex_locks_doubt(analysis->observations.prescan.futexes, target_counts, target, &doubt))
		return;
	longest = &doubt.still.longest;
	if (longest->end_ns - longest->start_ns < analysis->stall_ns)
		return;
	model->doubt = (struct model_doubt){
		.threads = doubt.still.threads,
		.tid = longest->thread->tid,
		.comm = longest->thread->comm,
		.tgid = longest->thread->tgid,
		.address = doubt.address,
		.start_ns = since_start(analysis, longest->start_ns),
		.longest_ns = longest->end_ns - longest->start_ns,
		.waker_tid = doubt.still.waker ? doubt.still.waker->tid : 0,
		.waker_comm = doubt.still.waker ? doubt.still.waker->comm : "",
	};
}

static int fill_convoys(struct analysis *analysis, const struct findings_context *context,
			const struct long_wait *waits, size_t wait_count,
			const struct deadlock *deadlock)
{
	const struct root_cause_context chains = {
		.observations = &analysis->observations,
		.stall = &analysis->stall,
		.long_ns = analysis->stall_ns,
	};
	struct contended_lock suspects[SUSPECTS_MAX] = { 0 };
	size_t count = contended_locks_find(waits, wait_count, &analysis->stall, suspects);
	int r = 0;

	if (count)
		r = contended_locks_examine(suspects, count, &analysis->observations, &analysis->stall);
	if (!r)
		r = root_cause_examine(&chains, suspects, count, analysis->model);
	for (size_t i = 0; i < count && !r; i++)
		if (!suspects[i].told_elsewhere &&
		    ((suspects[i].class != WAIT_LOCK_USER && suspects[i].class != WAIT_LOCK_FILE) ||
		     !deadlock_has(deadlock, suspects[i].tgid, suspects[i].address)))
			r = lock_convoy_finding(context, &suspects[i], analysis->model);
	contended_locks_free(suspects, count);
	return r;
}

/* Of what is known who did it, some comes before what is not known of, if that was not far worse. */
static void named_first(struct model *model)
{
	struct model_finding *findings = model->findings, first;
	size_t named = 0;

	if (!model->finding_count || findings[0].grade != GRADE_UNKNOWN)
		return;
	while (named < model->finding_count &&
	       (findings[named].grade == GRADE_UNKNOWN ||
		findings[named].blocked_ns * 2 < findings[0].blocked_ns))
		named++;
	if (named == model->finding_count)
		return;
	first = findings[named];
	memmove(findings + 1, findings, named * sizeof(*findings));
	findings[0] = first;
}

static int fill_stall_findings(struct analysis *analysis, const struct findings_context *context)
{
	const struct long_wait *waits;
	size_t wait_count = wait_stats_long_waits(analysis->observations.wait_stats, &waits);
	struct deadlock deadlock = { 0 };
	struct stopped_process stopped = { 0 };
	bool most;
	int r;

	r = stopped_process_find(&analysis->observations, &analysis->stall, &stopped);
	if (r)
		return r;
	most = stopped.tgid && stopped.stopped_ns * 2 >= stopped.total_ns;
	if (most)
		r = stopped_process_finding(context, &stopped, analysis->model);
	if (!r && analysis->stall.still_open)
		r = deadlock_find(&analysis->observations, &deadlock);
	if (!r && deadlock.count)
		r = deadlock_finding(context, &deadlock, analysis->model);
	if (!r)
		r = fill_convoys(analysis, context, waits, wait_count, &deadlock);
	if (!r && !analysis->model->finding_count)
		r = resource_wait_finding(context, waits, wait_count, &analysis->stall, analysis->model);
	if (!r && stopped.tgid && !most && stopped.stopped_ns * 10 >= stopped.total_ns)
		r = stopped_process_finding(context, &stopped, analysis->model);
	named_first(analysis->model);
	deadlock_free(&deadlock);
	stopped_process_free(&stopped);
	return r;
}

static int fill_findings(struct analysis *analysis)
{
	const struct findings_context context = {
		.observations = &analysis->observations,
		.stacks = source_stacks(analysis->source),
		.stackfacts = analysis->stackfacts,
		.calls = analysis->observations.prescan.calls,
		.listed = futex_locks_listed(analysis->observations.prescan.futexes),
		.start_ns = analysis->start_ns,
	};
	int r;

	if (!analysis->stall.found)
		return analysis->model->no_verdict ? 0 : no_stall_finding(analysis->model);
	if (analysis->episode.kind != EPISODE_NONE)
		return busy_thread_finding(&context, &analysis->episode, &analysis->window,
					analysis->model);
	if (analysis->sliced.victim_count)
		return lock_convoy_finding(&context, &analysis->sliced, analysis->model);
	if (analysis->silence_is_stall)
		return host_pause_finding(&context, &analysis->silence, analysis->model);
	if (analysis->feeder.did != FEEDER_IDLED)
		return slow_producer_finding(&context, &analysis->feeder, analysis->model);
	r = analysis->spin_is_stall ? 0 : fill_stall_findings(analysis, &context);
	for (size_t i = 0; i < analysis->model->finding_count && !r && !analysis->target.count; i++)
		r = finding_whose(&analysis->model->findings[i], source_threads(analysis->source));
	if (!r && analysis->spin.found)
		r = spin_finding(&context, &analysis->spin, analysis->model);
	if (!r && analysis->silence.found)
		r = host_pause_finding(&context, &analysis->silence, analysis->model);
	return r;
}

static int fill_model(struct analysis *analysis, const char *path, uint64_t stall_ns)
{
	const struct coverage_context coverage = { analysis->source, &analysis->observations,
						   &analysis->target, analysis->start_ns, stall_ns };
	const struct tables_context tables = { analysis->source, analysis->stackfacts,
					       &analysis->observations, &analysis->target,
					       analysis->feeder.classes };
	struct model *model = analysis->model;
	int r;

	r = fill_capture(analysis, path);
	if (!r)
		r = coverage_fill(&coverage, model);
	/* Before the findings: their readings start the source again and with it the threads' names. */
	if (!r)
		r = tables_locks(&tables, model);
	if (!r)
		r = tables_waits(&tables, model);
	if (!r)
		r = find_spin(analysis);
	if (!r)
		r = find_silence(analysis);
	if (!r)
		r = find_sliced(analysis);
	if (!r)
		r = find_episode(analysis);
	if (!r) {
		fill_stall(analysis);
		fill_doubt(analysis);
		r = fill_findings(analysis);
		coverage_lower_grades(&coverage, model);
	}
	if (!r)
		r = tables_threads(&tables, model);
	if (!r)
		r = coverage_cannot_say(&coverage, model);
	return r;
}

int analysis_run(struct source *source, const char *path, const struct analysis_options *options,
		 struct model **ret_model, struct observations **ret_observations)
{
	const uint64_t stall_ns = options->stall_ns ? options->stall_ns : STALL_NS;
	struct analysis analysis = { .source = source, .stall_ns = stall_ns };
	const struct long_wait *waits;
	size_t wait_count;
	int r;

	analysis.model = calloc(1, sizeof(*analysis.model));
	if (!analysis.model)
		return -ENOMEM;
	r = target_choose(&analysis.target, source_facts(source), options->target,
			  options->target_count);
	if (r)
		goto out;
	r = stack_infos_create(source_stacks(source), &analysis.stackfacts);
	if (r)
		goto out;
	r = observations_make(source, analysis.stackfacts, &analysis.target, stall_ns,
			      &analysis.observations);
	if (r)
		goto out;
	analysis.start_ns = source_start_ns(source);
	wait_count = wait_stats_long_waits(analysis.observations.wait_stats, &waits);
	analysis.window = trigger_window_read(source_facts(source));
	r = stall_find(waits, wait_count, stall_ns, analysis.window.about_ns, &analysis.stall);
	if (r)
		goto out;
	r = find_feeder(&analysis);
	if (r)
		goto out;
	r = fill_model(&analysis, path, stall_ns);
	if (r)
		goto out;
	if (ret_observations) {
		*ret_observations = malloc(sizeof(**ret_observations));
		if (!*ret_observations) {
			r = -ENOMEM;
			goto out;
		}
		**ret_observations = analysis.observations;
		(*ret_observations)->target = NULL;
		analysis.observations = (struct observations){ .source = NULL };
	}
	analysis.model->operations = analysis.stackfacts;
	*ret_model = analysis.model;
	analysis.model = NULL;
	analysis.stackfacts = NULL;
out:
	cpu_profile_free(&analysis.episode.profile);
	contended_locks_free(&analysis.sliced, 1);
	slow_producer_free(&analysis.feeder);
	spin_free(&analysis.spin);
	host_pause_free(&analysis.silence);
	observations_free(&analysis.observations);
	stack_infos_destroy(analysis.stackfacts);
	target_free(&analysis.target);
	model_free(analysis.model);
	return r;
}
