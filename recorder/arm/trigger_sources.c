/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/arm/trigger_sources.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/base/clock.h"
#include "recorder/base/exit_status.h"
#include "recorder/base/message.h"
#include "recorder/trigger/psi.h"
#include "recorder/arm/governor_thread.h"

struct trigger_sources {
	const struct trigger_sources_options *options;
	struct governor_options governor;
	struct target_finder *finder;
	uint64_t target_number;
	struct governor_thread *governor_thread;
	bool governing;
	struct probe *probes[STATUS_PROBES_MAX];
	bool unanswered[STATUS_PROBES_MAX]; /* as last reported */
	struct psi *psi[TRIGGER_SOURCES_PSI_MAX];
};

static int refuse_source(struct diagnostic *refusal, const char *what, const char *problem,
			 int error)
{
	int status = error == -EINVAL || error == -ERANGE ? EXIT_USAGE : EXIT_FAILED;
	if (error == -ENOMEM)
		return refusal_for_memory(refusal);
	return refuse(refusal, status, problem ? problem : "", "cannot watch '%s': %s.", what,
		      strerror(-error));
}

static int start_sources(struct trigger_sources *sources, struct trigger_queue *triggers,
			 struct diagnostic *refusal)
{
	const struct trigger_sources_options *options = sources->options;
	for (size_t i = 0; i < options->psi_count; i++) {
		const char *problem = NULL;
		int error = psi_start(options->psi[i], triggers, &sources->psi[i], &problem);
		if (error)
			return refuse_source(refusal, options->psi[i], problem, error);
	}
	for (size_t i = 0; i < options->probe_count; i++) {
		const char *problem = NULL;
		int error =
			probe_start(&options->probes[i], triggers, &sources->probes[i], &problem);
		if (error)
			return refuse_source(refusal, options->probes[i].what, problem, error);
	}
	return 0;
}

/* While the target does not run, the target is pid 0: the idle task never blocks, so no thread
 * counts. */
static void find_target(struct trigger_sources *sources, struct target *ret_target)
{
	sources->target_number = target_finder_target(sources->finder, ret_target);
	if (target_finder_looks(sources->finder) && !ret_target->count)
		ret_target->tgids[ret_target->count++] = 0;
}

static int start_governor_thread(struct trigger_sources *sources, struct engine *engine,
				 struct history_keeper *keeper, struct trigger_queue *triggers)
{
	struct target target;

	sources->governor = sources->options->governor;
	sources->governor.cpus = (uint32_t)engine->counters->cpu_count;
	find_target(sources, &target);
	int error = governor_thread_create(
		&(struct governor_thread_options){ .counters = engine->counters,
						   .plan = engine->plan,
						   .hotplug = engine->hotplug,
						   .drain = engine->drain,
						   .blocked = engine->blocked,
						   .target = &target,
						   .kallsyms = engine->kallsyms,
						   .governor = &sources->governor,
						   .triggers = triggers,
						   .blocked_threads =
							   sources->options->blocked_threads,
						   .blocked_ns = sources->options->blocked_ns,
						   .emit = history_keeper_add_event,
						   .context = keeper },
		&sources->governor_thread);
	if (!error)
		error = governor_thread_start(sources->governor_thread);
	sources->governing = !error;
	return error;
}

/* One message when it is noticed, one when it is over. */
static void report_unanswered(struct trigger_sources *sources)
{
	for (size_t i = 0; i < sources->options->probe_count; i++) {
		const char *what = sources->options->probes[i].what;
		struct probe_status status;

		probe_status(sources->probes[i], &status);
		if (status.answered && sources->unanswered[i])
			message_event("probe %s: answers now; from now on it triggers.", what);
		else if (!status.answered && status.failed && !sources->unanswered[i])
			message_event("probe %s has had no good answer yet: %s. Does it ask the "
				      "right address? It triggers nothing until it had one.",
				      what, status.last_why);
		sources->unanswered[i] = !status.answered && status.failed;
	}
}

void trigger_sources_look(struct trigger_sources *sources, bool quiet)
{
	uint64_t before = sources->target_number;
	struct target target;

	find_target(sources, &target);
	if (sources->target_number != before)
		governor_thread_set_target(sources->governor_thread, &target);
	if (!quiet)
		report_unanswered(sources);
}

int trigger_sources_start(const struct trigger_sources_options *options, struct engine *engine,
			  struct history_keeper *keeper, struct target_finder *finder,
			  struct trigger_queue *triggers, struct trigger_sources **ret_sources,
			  struct diagnostic *ret_refusal)
{
	struct trigger_sources *sources = calloc(1, sizeof(*sources));
	if (!sources)
		return refusal_for_memory(ret_refusal);
	sources->options = options;
	sources->finder = finder;
	int error = start_governor_thread(sources, engine, keeper, triggers);
	if (error)
		refuse(ret_refusal, EXIT_FAILED, "", "cannot start a thread: %s.",
		       strerror(-error));
	else
		error = start_sources(sources, triggers, ret_refusal);
	if (error) {
		trigger_sources_stop(sources);
		return -1;
	}
	*ret_sources = sources;
	return 0;
}

void trigger_sources_stop(struct trigger_sources *sources)
{
	if (!sources)
		return;
	for (size_t i = 0; i < sources->options->probe_count; i++)
		if (sources->probes[i])
			probe_stop(sources->probes[i]);
	for (size_t i = 0; i < sources->options->psi_count; i++)
		if (sources->psi[i])
			psi_stop(sources->psi[i]);
	if (sources->governing)
		governor_thread_stop(sources->governor_thread);
	governor_thread_destroy(sources->governor_thread);
	free(sources);
}

void trigger_sources_status(const struct trigger_sources *sources, struct status *status)
{
	for (size_t i = 0; i < sources->options->probe_count; i++) {
		struct probe_status probe;
		probe_status(sources->probes[i], &probe);
		status->probes[i].what = sources->options->probes[i].what;
		status->probes[i].asked = probe.asked;
		status->probes[i].answered = probe.answered;
		memcpy(status->probes[i].last_why, probe.last_why, sizeof(probe.last_why));
		status->probes[i].failed = probe.failed;
		status->probes[i].fired = probe.fired;
		status->probes[i].last_ns = probe.last_ns;
		status->probes[i].stuck = probe.stuck;
	}
	status->probe_count = sources->options->probe_count;

	struct governor_thread_status governed;
	governor_thread_status(sources->governor_thread, &governed);
	status->governor.step = governor_step_name(governed.step);
	status->governor.since_ns =
		governed.step_since_ns ? clock_now_ns() - governed.step_since_ns : 0;
	status->governor.steps_taken = governed.steps_taken;
	status->stacks.kept = governed.deferred.kept;
	status->stacks.watched = governed.watched;
}
