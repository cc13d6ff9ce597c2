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
	struct governor_thread *watch;
	bool watching;
	struct probe *probes[ARM_STATUS_PROBES_MAX];
	bool unanswered[ARM_STATUS_PROBES_MAX]; /* that was told */
	struct psi *psi[WATCHERS_PSI_MAX];
};

static int refuse_watcher(struct diagnostic *refusal, const char *what, const char *problem,
			  int error)
{
	int status = error == -EINVAL || error == -ERANGE ? EXIT_USAGE : EXIT_FAILED;
	if (error == -ENOMEM)
		return refusal_for_memory(refusal);
	return refuse(refusal, status, problem ? problem : "", "cannot watch '%s': %s.", what,
		      strerror(-error));
}

static int start_all(struct trigger_sources *watchers, struct trigger_queue *triggers,
		     struct diagnostic *refusal)
{
	const struct trigger_sources_options *options = watchers->options;
	for (size_t i = 0; i < options->psi_count; i++) {
		const char *problem = NULL;
		int error = psi_start(options->psi[i], triggers, &watchers->psi[i], &problem);
		if (error)
			return refuse_watcher(refusal, options->psi[i], problem, error);
	}
	for (size_t i = 0; i < options->probe_count; i++) {
		const char *problem = NULL;
		int error =
			probe_start(&options->probes[i], triggers, &watchers->probes[i], &problem);
		if (error)
			return refuse_watcher(refusal, options->probes[i].what, problem, error);
	}
	return 0;
}

/* While a target is looked for nobody counts: the idle task has no thread that blocks. */
static void find_target(struct trigger_sources *watchers, struct target *ret_target)
{
	watchers->target_number = target_finder_target(watchers->finder, ret_target);
	if (target_finder_looks(watchers->finder) && !ret_target->count)
		ret_target->tgids[ret_target->count++] = 0;
}

static int start_watch(struct trigger_sources *watchers, struct engine *engine,
		       struct history_keeper *house, struct trigger_queue *triggers)
{
	struct target target;

	watchers->governor = watchers->options->governor;
	watchers->governor.cpus = (uint32_t)engine->counters->cpu_count;
	watchers->governor.knows_locks = engine_knows_locks(engine);
	find_target(watchers, &target);
	int error = governor_thread_create(
		&(struct governor_thread_options){ .counters = engine->counters,
						   .hotplug = engine->hotplug,
						   .drain = engine->drain,
						   .sleepers = engine->sleepers,
						   .target = &target,
						   .kallsyms = engine->kallsyms,
						   .governor = &watchers->governor,
						   .triggers = triggers,
						   .blocked_threads =
							   watchers->options->blocked_threads,
						   .blocked_ns = watchers->options->blocked_ns,
						   .emit = history_keeper_keep,
						   .context = house },
		&watchers->watch);
	if (!error)
		error = governor_thread_start(watchers->watch);
	watchers->watching = !error;
	return error;
}

/* Once when it is seen, once when it is over. */
static void tell_unanswered(struct trigger_sources *watchers)
{
	for (size_t i = 0; i < watchers->options->probe_count; i++) {
		const char *what = watchers->options->probes[i].what;
		struct probe_status status;

		probe_status(watchers->probes[i], &status);
		if (status.answered && watchers->unanswered[i])
			message_event("probe %s: answers now; from now on it triggers.", what);
		else if (!status.answered && status.failed && !watchers->unanswered[i])
			message_event("probe %s has had no good answer yet: %s. Does it ask the "
				      "right address? It triggers nothing until it had one.",
				      what, status.last_why);
		watchers->unanswered[i] = !status.answered && status.failed;
	}
}

void trigger_sources_look(struct trigger_sources *watchers, bool quiet)
{
	uint64_t before = watchers->target_number;
	struct target target;

	find_target(watchers, &target);
	if (watchers->target_number != before)
		governor_thread_set_target(watchers->watch, &target);
	if (!quiet)
		tell_unanswered(watchers);
}

int trigger_sources_start(const struct trigger_sources_options *options, struct engine *engine,
			  struct history_keeper *house, struct target_finder *finder,
			  struct trigger_queue *triggers, struct trigger_sources **ret_watchers,
			  struct diagnostic *ret_refusal)
{
	struct trigger_sources *watchers = calloc(1, sizeof(*watchers));
	if (!watchers)
		return refusal_for_memory(ret_refusal);
	watchers->options = options;
	watchers->finder = finder;
	int error = start_watch(watchers, engine, house, triggers);
	if (error)
		refuse(ret_refusal, EXIT_FAILED, "", "cannot start a thread: %s.",
		       strerror(-error));
	else
		error = start_all(watchers, triggers, ret_refusal);
	if (error) {
		trigger_sources_stop(watchers);
		return -1;
	}
	*ret_watchers = watchers;
	return 0;
}

void trigger_sources_stop(struct trigger_sources *watchers)
{
	if (!watchers)
		return;
	for (size_t i = 0; i < watchers->options->probe_count; i++)
		if (watchers->probes[i])
			probe_stop(watchers->probes[i]);
	for (size_t i = 0; i < watchers->options->psi_count; i++)
		if (watchers->psi[i])
			psi_stop(watchers->psi[i]);
	if (watchers->watching)
		governor_thread_stop(watchers->watch);
	governor_thread_destroy(watchers->watch);
	free(watchers);
}

void trigger_sources_status(const struct trigger_sources *watchers, struct status *status)
{
	for (size_t i = 0; i < watchers->options->probe_count; i++) {
		struct probe_status probe;
		probe_status(watchers->probes[i], &probe);
		status->probes[i].what = watchers->options->probes[i].what;
		status->probes[i].asked = probe.asked;
		status->probes[i].answered = probe.answered;
		memcpy(status->probes[i].last_why, probe.last_why, sizeof(probe.last_why));
		status->probes[i].failed = probe.failed;
		status->probes[i].fired = probe.fired;
		status->probes[i].last_ns = probe.last_ns;
		status->probes[i].stuck = probe.stuck;
	}
	status->probe_count = watchers->options->probe_count;

	struct governor_thread_status watch;
	governor_thread_status(watchers->watch, &watch);
	status->governor.step = governor_step_name(watch.step);
	status->governor.since_ns = watch.step_since_ns ? clock_now_ns() - watch.step_since_ns : 0;
	status->governor.steps_taken = watch.steps_taken;
}
