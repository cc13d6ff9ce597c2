/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/write/recording.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/base/clock.h"
#include "recorder/base/exit_status.h"
#include "recorder/base/priority.h"
#include "recorder/record/cpu_users.h"
#include "recorder/record/engine.h"
#include "recorder/record/object_watch.h"
#include "recorder/buffer/event_list.h"
#include "recorder/proc/proc_locks.h"
#include "recorder/write/capture_writer.h"
#include "recorder/symbols/mappings.h"
#include "recorder/proc/proc_maps.h"
#include "recorder/proc/proc_task.h"
#include "recorder/proc/thread_scheduling.h"
#include "recorder/record/stack_dumps.h"

#define MAPS_DEADLINE_MS   3000
#define UNWIND_DEADLINE_MS 5000
#define NAMES_DEADLINE_MS  20000
#define CPU_USERS_AT_ONCE  256
#define OBJECT_EVENTS_MAX  8192

struct recording {
	const struct target *target;
	struct engine *engine;
	struct mappings *mappings;
	struct cpu_users *cpu_users;
	struct capture_writer *writer;
	int32_t *unreadable; /* processes whose maps could not be read at the start */
	size_t unreadable_count;
	bool file_locks; /* a thread waits for a file lock */
	struct object_watch *object_watch; /* while it records */
	pthread_mutex_t objects_lock; /* protects the member below */
	struct event_list *objects; /* at what threads waited */
};

static int create_writer(struct recording *recording, int out_fd, struct diagnostic *refusal)
{
	recording->unreadable =
		calloc(recording->engine->tgid_count + 1, sizeof(*recording->unreadable));
	if (!recording->unreadable || mappings_create(&recording->mappings) ||
	    cpu_users_create(&recording->cpu_users))
		return refusal_for_memory(refusal);
	int cause = capture_writer_create(
		&(struct capture_writer_options){ .engine = recording->engine,
						  .mappings = recording->mappings,
						  .out_fd = out_fd,
						  .watch = cpu_users_event,
						  .watch_context = recording->cpu_users },
		&recording->writer);
	if (cause == -ENOMEM)
		return refusal_for_memory(refusal);
	if (cause)
		return refuse(refusal, EXIT_FAILED, "Choose another file with -o.",
			      "cannot write to the output file: %s.", strerror(-cause));
	return 0;
}

int recording_create(const struct recording_options *options, struct recording **ret_recording,
		     struct diagnostic *ret_refusal)
{
	struct recording *recording = calloc(1, sizeof(*recording));
	if (!recording)
		return refusal_for_memory(ret_refusal);
	struct engine_options engine = options->engine;
	engine.keep_blocked_threads = true;
	recording->target = options->target;
	pthread_mutex_init(&recording->objects_lock, NULL);
	if (event_list_create(OBJECT_EVENTS_MAX, &recording->objects)) {
		recording_destroy(recording);
		return refusal_for_memory(ret_refusal);
	}
	if (engine_create(&engine, &recording->engine, ret_refusal) ||
	    create_writer(recording, options->out_fd, ret_refusal)) {
		recording_destroy(recording);
		return -1;
	}
	*ret_recording = recording;
	return 0;
}

void recording_destroy(struct recording *recording)
{
	if (!recording)
		return;
	capture_writer_destroy(recording->writer);
	/* A reader that hangs may go on to use it. */
	if (!object_watch_stuck())
		engine_destroy(recording->engine);
	event_list_destroy(recording->objects);
	pthread_mutex_destroy(&recording->objects_lock);
	cpu_users_destroy(recording->cpu_users);
	mappings_destroy(recording->mappings);
	free(recording->unreadable);
	free(recording);
}

static int add_own_event(void *context, const struct ft_event *event)
{
	struct recording *recording = context;
	if (event->kind == FT_EVENT_STATE && proc_locks_waits(event))
		recording->file_locks = true;
	int error = recorder_events_add(capture_writer_own_events(recording->writer), event);
	return error == -ENOMEM ? error : 0;
}

static void keep_object(void *context, const struct ft_event *event)
{
	struct recording *recording = context;
	pthread_mutex_lock(&recording->objects_lock);
	event_list_add(recording->objects, event);
	pthread_mutex_unlock(&recording->objects_lock);
}

/* Without it a recording is as good but for the objects, so a failure is none of the recording. */
static void start_object_watch(struct recording *recording)
{
	const struct engine *engine = recording->engine;

	if (object_watch_start(&(struct object_watch_options){ .blocked = engine->blocked,
							       .target = recording->target,
							       .kallsyms = engine->kallsyms,
							       .emit = keep_object,
							       .context = recording },
			       &recording->object_watch))
		recording->object_watch = NULL;
}

static void end_object_watch(struct recording *recording)
{
	object_watch_stop(recording->object_watch);
	recording->object_watch = NULL;
	event_list_copy(recording->objects, 0, capture_writer_own_events(recording->writer));
}

/* Add the state of each thread of the target, or of the host. */
static void snapshot_states(struct recording *recording)
{
	const struct target *target = recording->target;
	const struct engine *engine = recording->engine;
	const int32_t *tgids = target->count ? target->tgids : engine->tgids;
	size_t count = target->count ? target->count : engine->tgid_count;
	recording->file_locks = false;
	for (size_t i = 0; i < count; i++)
		if (proc_task_visit(tgids[i], engine->kallsyms, add_own_event, recording) ==
		    -ENOMEM)
			break;
	if (recording->file_locks)
		proc_locks_look(target, engine->kallsyms, add_own_event, recording);
}

/* By which rules the threads that used a CPU, and with @target its own, get one. */
static void snapshot_scheduling(struct recording *recording, const struct target *target)
{
	struct ft_task tasks[CPU_USERS_AT_ONCE];
	size_t count = cpu_users_take(recording->cpu_users, tasks, CPU_USERS_AT_ONCE);

	if (count || target)
		thread_scheduling_visit(target, tasks, count, add_own_event, recording);
}

static void read_mappings(struct recording *recording)
{
	int count = proc_maps_read(recording->mappings, recording->engine->tgids,
				   recording->engine->tgid_count, MAPS_DEADLINE_MS,
				   recording->unreadable);
	recording->unreadable_count = count > 0 ? (size_t)count : 0;
}

/* A process that was stuck at the start may answer now, unless it has exited. */
static void read_mappings_again(struct recording *recording)
{
	size_t alive = 0;
	for (size_t i = 0; i < recording->unreadable_count; i++)
		if (!kill(recording->unreadable[i], 0) || errno != ESRCH)
			recording->unreadable[alive++] = recording->unreadable[i];
	int32_t *still = calloc(alive + 1, sizeof(*still));
	int count = alive && still ? proc_maps_read(recording->mappings, recording->unreadable,
						    alive, MAPS_DEADLINE_MS, still)
				   : 0;
	if (count > 0)
		recorder_events_note(
			capture_writer_own_events(recording->writer),
			"the mappings of %d of %zu processes could not be read: their user frames"
			" have no names",
			count, recording->engine->tgid_count);
	free(still);
}

static void set_first_facts(struct recording *recording)
{
	struct ft_facts *facts = capture_writer_facts(recording->writer);
	uint64_t start_ns = recording->engine->start_ns;

	engine_set_facts(recording->engine, facts);
	target_set_facts(recording->target, facts);
	ft_facts_set(facts, FT_FACT_TRIGGER_SOURCE, "capture");
	ft_facts_set(facts, FT_FACT_TRIGGER_REASON, "started by hand");
	ft_facts_set_number(facts, FT_FACT_TRIGGER_NS, (int64_t)start_ns);
}

int recording_start(struct recording *recording, struct diagnostic *ret_refusal)
{
	int refused = engine_start(recording->engine, ret_refusal);
	priority_settle();
	if (refused)
		return -1;
	/* The segment ring fills while the rest is prepared. */
	set_first_facts(recording);
	start_object_watch(recording);
	engine_note_limits(recording->engine, capture_writer_own_events(recording->writer));
	snapshot_states(recording);
	snapshot_scheduling(recording, recording->target);
	read_mappings(recording);
	capture_writer_write_own_events(recording->writer);
	int error = capture_writer_start(recording->writer);
	if (!error)
		return 0;
	end_object_watch(recording);
	engine_stop(recording->engine);
	return refuse(ret_refusal, EXIT_FAILED, "", "cannot start a thread: %s.", strerror(-error));
}

void recording_look(struct recording *recording)
{
	hotplug_look(recording->engine->hotplug);
	kernel_log_look(recording->engine->kernel_log);
	snapshot_scheduling(recording, NULL);
}

int recording_names_error(const struct recording *recording)
{
	return recording->engine->kallsyms_error;
}

uint64_t recording_events(const struct recording *recording)
{
	return drain_counts(recording->engine->drain)->events;
}

uint64_t recording_lost(const struct recording *recording)
{
	return drain_counts(recording->engine->drain)->lost;
}

int recording_write_error(const struct recording *recording)
{
	return capture_writer_error(recording->writer);
}

void recording_stop(struct recording *recording)
{
	/* Stop first: on a busy host the snapshot takes seconds, which are no part of the recording. */
	engine_stop(recording->engine);
	kernel_log_look(recording->engine->kernel_log);
	end_object_watch(recording);
	snapshot_states(recording);
	capture_writer_stop(recording->writer);
	cpu_users_again(recording->cpu_users);
	snapshot_scheduling(recording, recording->target);
	kernel_log_copy(recording->engine->kernel_log, recording->engine->start_ns,
			capture_writer_own_events(recording->writer));
	engine_note_troubles(recording->engine, capture_writer_own_events(recording->writer));
}

void recording_finish(struct recording *recording, const char *end_reason,
		      struct recording_summary *ret_summary)
{
	const struct engine *engine = recording->engine;

	read_mappings_again(recording);
	capture_writer_update_mappings(recording->writer);
	int error = stack_dumps_unwind(engine->dumps, UINT64_MAX, recording->mappings,
				       UNWIND_DEADLINE_MS, add_own_event, recording);
	stack_dumps_note_missing(error, stack_dumps_dropped(engine->dumps),
				 capture_writer_own_events(recording->writer));
	ft_facts_set_number(capture_writer_facts(recording->writer), FT_FACT_END_NS,
			    (int64_t)engine->end_ns);
	capture_writer_finish(recording->writer, end_reason, NAMES_DEADLINE_MS, &ret_summary->file);
	ret_summary->duration_ns = engine->end_ns - engine->start_ns;
	ret_summary->delay_max_ns = drain_counts(engine->drain)->delay_max_ns;
}
