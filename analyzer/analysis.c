/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/analysis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/activity/stall.h"
#include "analyzer/detect/coverage.h"
#include "analyzer/detect/detectors.h"
#include "analyzer/detect/tables.h"
#include "analyzer/locks/futex_handoff.h"
#include "analyzer/timeline/stack_info.h"
#include "analyzer/trace/target.h"
#include "analyzer/trace/trigger.h"

#define STALL_NS 200000000u

struct analysis {
	struct source *source;
	struct stack_infos *stack_infos;
	struct observations *observations;
	struct trigger_window window;
	uint64_t start_ns;
	uint64_t stall_ns; /* shorter waits make no stall */
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
static void fill_target_name(const struct analysis *analysis, struct model *model)
{
	const char *recorded = fact_text(analysis, FT_FACT_TARGET);
	const struct thread *leader = NULL;
	int32_t tgid = 0;

	if (analysis->observations->target->count)
		tgid = analysis->observations->target->tgids[0];
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
	int32_t *tgids = calloc(analysis->observations->target->count + 1, sizeof(*tgids));
	struct ft_damage damage;

	if (!tgids)
		return -ENOMEM;
	if (analysis->observations->target->count)
		memcpy(tgids, analysis->observations->target->tgids, analysis->observations->target->count * sizeof(*tgids));
	source_damage(analysis->source, &damage);
	model->capture.path = path;
	model->capture.host = fact_text(analysis, FT_FACT_HOST);
	model->capture.kernel = fact_text(analysis, FT_FACT_KERNEL);
	model->capture.arch = fact_text(analysis, FT_FACT_ARCH);
	model->capture.tier = fact_text(analysis, FT_FACT_TIER);
	model->capture.target = tgids;
	model->capture.target_count = analysis->observations->target->count;
	model->capture.target_comm = fact_text(analysis, FT_FACT_TARGET_COMM);
	model->capture.trigger_source = fact_text(analysis, FT_FACT_TRIGGER_SOURCE);
	model->capture.trigger_reason = fact_text(analysis, FT_FACT_TRIGGER_REASON);
	model->capture.trigger_at_ns = since_start(
		analysis, (uint64_t)ft_facts_number(facts, FT_FACT_TRIGGER_NS, 0));
	model->capture.start_ns = analysis->start_ns;
	model->capture.start_realtime_ns = source_start_realtime_ns(analysis->source);
	model->capture.ring = source_ring(analysis->source);
	model->capture.utc_offset_s = (int32_t)ft_facts_number(facts, FT_FACT_UTC_OFFSET_S, 0);
	fill_target_name(analysis, model);
	model->capture.duration_ns = since_start(analysis, source_end_ns(analysis->source));
	model->capture.events = analysis->observations->prescan.events;
	model->capture.complete = !damage.torn && !damage.bad_segments;
	model->capture.damage = source_damage_text(analysis->source);
	if (!model->capture.complete && !model->capture.damage)
		return -ENOMEM;
	return 0;
}

/* What is told whether anything froze or not. */
static void fill_longest(struct analysis *analysis)
{
	const struct long_wait *longest =
		&wait_stats_long_waits(analysis->observations->wait_stats)->longest;
	struct model *model = analysis->model;

	model->stall.unexplained = !model->stall.found && analysis->window.proves;
	model->stall.failed_at_once = analysis->window.failed_at_once;
	if (!longest->blocked_ns)
		return;
	model->stall.longest_ns = longest->blocked_ns;
	model->stall.longest_class = longest->class;
	model->stall.longest_tid = longest->thread->tid;
	model->stall.longest_comm = longest->thread->comm;
}

/* It is only told where nothing froze, as far as is known. */
static void fill_doubt(struct analysis *analysis)
{
	struct model *model = analysis->model;
	const struct handoff_wait *longest;
	struct futex_doubt doubt;

	if (model->stall.found ||
	    !futex_locks_doubt(analysis->observations->prescan.futexes, target_counts,
			       analysis->observations->target, &doubt))
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

/* Where it froze, and why. @stall: the context's. */
static int fill_findings(struct analysis *analysis, struct detect_context *context,
			 struct stall *stall)
{
	int r = stall_find(context->waits, context->wait_count, context->long_ns,
			   context->window, stall);

	if (!r && stall->found)
		r = observations_refine(analysis->observations, stall->start_ns, stall->end_ns);
	if (!r)
		r = detectors_run(context);
	if (r)
		return r;
	fill_longest(analysis);
	fill_doubt(analysis);
	return 0;
}

static int fill_model(struct analysis *analysis, const char *path)
{
	struct observations *observations = analysis->observations;
	const struct long_waits *long_waits = wait_stats_long_waits(observations->wait_stats);
	struct model *model = analysis->model;
	struct stall stall = { .found = false };
	struct detect_context context = {
		.observations = observations,
		.stacks = source_stacks(analysis->source),
		.stack_infos = analysis->stack_infos,
		.calls = observations->prescan.calls,
		.listed = futex_locks_proc_locks(observations->prescan.futexes),
		.start_ns = analysis->start_ns,
		.long_ns = analysis->stall_ns,
		.stall = &stall,
		.window = &analysis->window,
		.model = model,
	};
	int r = fill_capture(analysis, path);

	context.waits = long_waits->list;
	context.wait_count = long_waits->count - long_waits->unsure_count;
	if (!r)
		r = coverage_fill(&context, &observations->prescan);
	if (!r)
		r = tables_locks(&context);
	if (!r)
		r = fill_findings(analysis, &context, &stall);
	if (!r)
		r = tables_waits(&context);
	if (!r && !model->stall.found && !model->no_verdict)
		r = no_stall_report(model, context.long_ns);
	coverage_lower_grades(&context);
	if (!r)
		r = tables_threads(&context);
	return r ? r : coverage_cannot_say(&context);
}

static void read_window(struct analysis *analysis)
{
	const struct prescan *prescan = &analysis->observations->prescan;

	analysis->window = trigger_window_read(source_facts(analysis->source));
	for (size_t i = 0; i < prescan->note_count; i++)
		trigger_window_note(&analysis->window, prescan->notes[i].at_ns,
				    prescan->notes[i].text);
}

static int observe_source(struct analysis *analysis, const struct analysis_options *options)
{
	int r = stack_infos_create(source_stacks(analysis->source), &analysis->stack_infos);

	if (!r)
		r = observations_make(analysis->source, analysis->stack_infos, options->target,
				      options->target_count, analysis->stall_ns,
				      analysis->observations);
	return r;
}

int analysis_run(struct source *source, const char *path, const struct analysis_options *options,
		 struct model **ret_model, struct observations **ret_observations)
{
	struct analysis analysis = {
		.source = source,
		.stall_ns = options->stall_ns ? options->stall_ns : STALL_NS,
		.observations = calloc(1, sizeof(*analysis.observations)),
		.model = calloc(1, sizeof(*analysis.model)),
	};
	int r = -ENOMEM;

	if (!analysis.observations || !analysis.model)
		goto out;
	r = observe_source(&analysis, options);
	if (r)
		goto out;
	analysis.start_ns = source_start_ns(source);
	read_window(&analysis);
	r = fill_model(&analysis, path);
	if (r)
		goto out;
	analysis.model->operations = analysis.stack_infos;
	*ret_model = analysis.model;
	analysis.model = NULL;
	analysis.stack_infos = NULL;
	if (ret_observations) {
		*ret_observations = analysis.observations;
		analysis.observations = NULL;
	}
out:
	if (analysis.observations)
		observations_free(analysis.observations);
	free(analysis.observations);
	stack_infos_destroy(analysis.stack_infos);
	model_free(analysis.model);
	return r;
}
