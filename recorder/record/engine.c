/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/record/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/base/clock.h"
#include "recorder/base/exit_status.h"
#include "recorder/perf/cpus.h"
#include "recorder/perf/host_facts.h"
#include "recorder/perf/refusal.h"
#include "recorder/proc/proc_task.h"
#include "recorder/perf/tier.h"

#define SLOT_BYTES  (64u << 10)
#define SLOTS_BYTES (64u << 20)
#define TASKS_LEAST 65536

static int open_tracefs(struct engine *engine, struct diagnostic *refusal)
{
	int error = tracefs_open(&engine->tracefs);
	return error ? refusal_of_tracefs(refusal, error) : 0;
}

static int make_plan(struct engine *engine, const struct engine_options *options, size_t ring_bytes,
		     struct diagnostic *refusal)
{
	struct event_plan_error plan_error = { .text = "" };
	int cause = event_plan_create(&TRACEPOINT_TIER, &engine->tracefs, ring_bytes / 4,
				      &engine->plan, &plan_error);
	if (cause == -ENOMEM)
		return refusal_for_memory(refusal);
	if (cause)
		return refuse(refusal, EXIT_NOT_PERMITTED,
			      "recorder check says what this kernel offers.",
			      "cannot record on this kernel: %s.", plan_error.text);
	for (size_t i = 0; i < options->extra_count; i++) {
		cause = event_plan_add_extra(engine->plan, &engine->tracefs, options->extras[i],
					     &plan_error);
		if (cause == -ENOMEM)
			return refusal_for_memory(refusal);
		if (cause)
			return refuse(refusal, EXIT_USAGE, plan_error.advice, "%s.",
				      plan_error.text);
	}
	return 0;
}

static int open_counters(struct engine *engine, size_t ring_bytes, struct diagnostic *refusal)
{
	struct perf_events_failure failure;
	int cause = perf_events_open(engine->plan, ring_bytes, &engine->counters, &failure);
	return cause ? refusal_of_counters(refusal, cause, &failure, &engine->tracefs) : 0;
}

/* The walk runs twice: first to count threads and list processes, then to learn names. */
struct task_walk {
	struct engine *engine;
	size_t room;
	size_t tasks;
	bool learn;
};

static int visit_task(void *context, const struct ft_task *task)
{
	struct task_walk *walk = context;
	struct engine *engine = walk->engine;

	walk->tasks++;
	if (walk->learn) {
		task_table_learn(engine->tasks, task->tid, task->tgid, task->comm);
		return 0;
	}
	if (task->tid != task->tgid)
		return 0;
	if (engine->tgid_count == walk->room) {
		size_t room = walk->room ? walk->room * 2 : 1024;
		int32_t *tgids = realloc(engine->tgids, room * sizeof(*tgids));
		if (!tgids)
			return -ENOMEM;
		engine->tgids = tgids;
		walk->room = room;
	}
	engine->tgids[engine->tgid_count++] = task->tgid;
	return 0;
}

static int learn_tasks(struct engine *engine)
{
	struct task_walk walk = { .engine = engine };
	int error = proc_task_visit_names(visit_task, &walk);
	if (error)
		return error;
	engine->tasks_capacity = walk.tasks * 4 > TASKS_LEAST ? walk.tasks * 4 : TASKS_LEAST;
	error = task_table_create(engine->tasks_capacity, &engine->tasks);
	if (error)
		return error;
	walk.learn = true;
	return proc_task_visit_names(visit_task, &walk);
}

static int make_parts(struct engine *engine, const struct engine_options *options,
		      struct diagnostic *refusal)
{
	if (stack_dumps_create(&engine->dumps) ||
	    (options->ringmap
		     ? ring_map_slots(options->ringmap, &engine->slots)
		     : segment_ring_create(SLOT_BYTES, SLOTS_BYTES / SLOT_BYTES, &engine->slots)))
		return refusal_for_memory(refusal);
	int cause = learn_tasks(engine);
	if (cause == -ENOMEM)
		return refusal_for_memory(refusal);
	if (cause)
		return refuse(refusal, EXIT_FAILED, "/proc must be mounted.",
			      "cannot read /proc: %s.", strerror(-cause));
	if (drain_create(engine->plan, engine->counters, engine->tasks, engine->slots,
			 engine->dumps, &engine->drain))
		return refusal_for_memory(refusal);
	if (hotplug_create(engine->plan, engine->counters, engine->drain, &engine->hotplug))
		return refusal_for_memory(refusal);
	if (!options->keep_blocked_threads)
		return 0;
	if (blocked_threads_create(engine->tasks_capacity, &engine->blocked))
		return refusal_for_memory(refusal);
	drain_keep_blocked_threads(engine->drain, engine->blocked);
	return 0;
}

int engine_create(const struct engine_options *options, struct engine **ret_engine,
		  struct diagnostic *ret_refusal)
{
	size_t ring_bytes =
		options->ring_bytes ? options->ring_bytes : perf_events_default_ring_bytes();
	struct engine *engine = calloc(1, sizeof(*engine));
	if (!engine)
		return refusal_for_memory(ret_refusal);
	engine->tracefs.dir_fd = -1;
	engine->kernel_log_error = kernel_log_open(KERNEL_LOG_PATH, &engine->kernel_log);
	if (open_tracefs(engine, ret_refusal) ||
	    make_plan(engine, options, ring_bytes, ret_refusal) ||
	    open_counters(engine, ring_bytes, ret_refusal) ||
	    make_parts(engine, options, ret_refusal)) {
		engine_destroy(engine);
		return -1;
	}
	perf_events_set_mode(engine->counters, options->mode);
	engine->kallsyms_error = kallsyms_read("/proc/kallsyms", &engine->kallsyms);
	*ret_engine = engine;
	return 0;
}

void engine_destroy(struct engine *engine)
{
	if (!engine)
		return;
	if (engine->running)
		engine_stop(engine);
	hotplug_destroy(engine->hotplug);
	drain_destroy(engine->drain);
	blocked_threads_destroy(engine->blocked);
	perf_events_close(engine->counters);
	event_plan_destroy(engine->plan);
	tracefs_close(&engine->tracefs);
	task_table_destroy(engine->tasks);
	segment_ring_destroy(engine->slots);
	stack_dumps_destroy(engine->dumps);
	kallsyms_free(engine->kallsyms);
	kernel_log_close(engine->kernel_log);
	free(engine->tgids);
	free(engine);
}

int engine_start(struct engine *engine, struct diagnostic *ret_refusal)
{
	int error = drain_start(engine->drain, &engine->realtime_error, &engine->lock_error);
	if (error)
		return refuse(ret_refusal, EXIT_FAILED, "", "cannot start a thread: %s.",
			      strerror(-error));
	perf_events_enable(engine->counters);
	engine->start_ns = clock_now_ns();
	engine->running = true;
	return 0;
}

void engine_stop(struct engine *engine)
{
	engine->end_ns = clock_now_ns();
	perf_events_disable(engine->counters);
	drain_stop(engine->drain, engine->end_ns);
	engine->running = false;
}

void engine_set_stack_facts(const struct engine *engine, struct ft_facts *facts)
{
	enum tier_mode mode = engine->counters->mode;

	if (engine->counters->eased)
		mode = MODE_SAMPLED;
	ft_facts_set(facts, FT_FACT_STACKS, tier_stacks_name(mode));
	ft_facts_set(facts, FT_FACT_WAKER_STACKS,
		     mode == MODE_FULL	   ? "all"
		     : mode == MODE_TIMING ? "none"
					   : "lock-waits");
	ft_facts_set_number(facts, FT_FACT_STACK_PERIOD, TIER_STACK_PERIOD);
}

void engine_set_facts(const struct engine *engine, struct ft_facts *facts)
{
	char text[4096];

	host_facts_set(facts);
	ft_facts_set(facts, FT_FACT_TIER, TRACEPOINT_TIER.name);
	ft_facts_set_number(facts, FT_FACT_CPUS, (int64_t)engine->counters->cpu_count);
	event_plan_names(engine->plan, text, sizeof(text));
	ft_facts_set(facts, FT_FACT_EVENTS, text);
	ft_facts_set_number(facts, FT_FACT_SAMPLE_HZ, TIER_SAMPLE_HZ);
	ft_facts_set(facts, FT_FACT_SAMPLE_EVENT, engine->counters->sample_event);
	engine_set_stack_facts(engine, facts);
	ft_facts_set(facts, FT_FACT_KERNEL_LOG,
		     engine->kernel_log_error ? strerror(-engine->kernel_log_error) : "read");
}

void engine_note_limits(const struct engine *engine, struct recorder_events *own_events)
{
	if (engine->kallsyms_error)
		recorder_events_note(own_events,
				     "kernel functions have no names: /proc/kallsyms: %s%s",
				     strerror(-engine->kallsyms_error),
				     engine->kallsyms_error == -EACCES
					     ? " (needs CAP_SYSLOG or kernel.kptr_restrict 0)"
					     : "");
	if (engine->realtime_error)
		recorder_events_note(
			own_events,
			"the recorder has no real-time priority (%s): a busy host may make it "
			"lose events",
			strerror(-engine->realtime_error));
	if (engine->lock_error)
		recorder_events_note(own_events, "the recorder's memory could not be locked: %s",
				     strerror(-engine->lock_error));
	if (engine->plan->missing[0])
		recorder_events_note(own_events, "this kernel has no %s", engine->plan->missing);
}

static bool is_recorded(const struct engine *engine, uint32_t cpu)
{
	for (size_t i = 0; i < engine->counters->cpu_count; i++)
		if (engine->counters->cpus[i].cpu == cpu)
			return true;
	return false;
}

/* The drain has noted each CPU that went offline and came back by itself. */
static void note_hotplug(const struct engine *engine, struct recorder_events *own_events)
{
	uint32_t *online;
	size_t count, recorded = 0;
	if (cpus_online(&online, &count))
		return;
	for (size_t i = 0; i < count; i++)
		recorded += is_recorded(engine, online[i]);
	free(online);
	if (count > recorded)
		recorder_events_note(
			own_events,
			"%zu CPUs came online after the recorder was started: what runs on "
			"them is not recorded",
			count - recorded);
	if (engine->counters->cpu_count > recorded)
		recorder_events_note(
			own_events, "%zu of the %zu CPUs that are recorded were offline at the end",
			engine->counters->cpu_count - recorded, engine->counters->cpu_count);
}

void engine_note_troubles(const struct engine *engine, struct recorder_events *own_events)
{
	uint64_t bad = drain_counts(engine->drain)->bad;

	note_hotplug(engine, own_events);
	if (bad)
		recorder_events_note(own_events, "%llu records of the kernel were not understood",
				     (unsigned long long)bad);
}
