/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/arm/triggered_capture.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "recorder/base/clock.h"
#include "recorder/buffer/event_list.h"
#include "recorder/proc/thread_states.h"

#define POSTS_MAX	  4 /* so many times the time after a trigger, in all */
#define NOTES_MAX	  64 /* triggers that are told of each by itself */
#define NAMES_EVERY_NS	  2000000000ull
#define LAST_ROUND_NS	  400000000ull /* before the end */
#define NAMES_DEADLINE_MS 5000
#define NAMES_REST_MS	  40 /* of those that came in the last moment: the file is waited for */
#define NAMES_ALL_MS	  2000
#define UNWIND_MS	  500
#define FLUSH_MS	  500
#define WRITE_NS	  30000000 /* for the job to take what was flushed */
#define STATES_MS	  200

struct triggered_capture {
	struct triggered_capture_options options;
	struct trigger trigger;
	struct target target; /* at the trigger */
	struct thread_states *states; /* then; NULL: in the own log */
	uint64_t unwound_seen; /* for history_keeper_add_unwound() */
	bool named; /* all that there was a moment ago */
	struct mappings *mappings;
	struct capture_writer *job;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	uint64_t end_ns;
	bool cut, sealing, over;
	struct event_list *notes;
	struct triggered_capture_result result;
};

static void incident_free(struct triggered_capture *incident)
{
	capture_writer_destroy(incident->job);
	mappings_destroy(incident->mappings);
	event_list_destroy(incident->notes);
	pthread_cond_destroy(&incident->changed);
	pthread_mutex_destroy(&incident->lock);
	free(incident);
}

static int64_t realtime_ns(uint64_t time_ns)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - (int64_t)(clock_now_ns() - time_ns);
}

/* On a disk that may be stuck or full. Return: a descriptor or -errno. */
static int create_file(struct triggered_capture *incident)
{
	char name[INCIDENT_NAME_BYTES] = "";
	int fd = capture_dir_create(incident->options.keep, incident->trigger.source,
				    realtime_ns(incident->trigger.time_ns), name, sizeof(name));
	pthread_mutex_lock(&incident->lock);
	memcpy(incident->result.name, name, sizeof(name));
	pthread_mutex_unlock(&incident->lock);
	return fd;
}

/* What is known before the end: a recorder that is killed leaves that. */
static void set_first_facts(struct triggered_capture *incident)
{
	struct ft_facts *facts = capture_writer_facts(incident->job);
	const struct trigger *trigger = &incident->trigger;

	engine_set_facts(incident->options.engine, facts);
	target_set_facts(&incident->target, facts);
	ft_facts_set(facts, FT_FACT_HISTORY, "ring");
	ft_facts_set(facts, FT_FACT_TRIGGER_SOURCE, trigger->source);
	ft_facts_set(facts, FT_FACT_TRIGGER_REASON, trigger->reason);
	ft_facts_set_number(facts, FT_FACT_TRIGGER_NS, (int64_t)trigger->time_ns);
}

static int create_job(struct triggered_capture *incident, int fd)
{
	const struct triggered_capture_options *options = &incident->options;
	int error = history_keeper_copy_mappings(options->house, &incident->mappings);
	if (!error)
		error = capture_writer_create(
			&(struct capture_writer_options){ .engine = options->engine,
							  .mappings = incident->mappings,
							  .out_fd = fd,
							  .history = true,
							  .more_ns = options->post_ns },
			&incident->job);
	if (error)
		return error;
	set_first_facts(incident);
	return capture_writer_start(incident->job);
}

/* When to look for names next: often enough, and shortly before the end. */
static uint64_t next_round_ns(uint64_t now_ns, uint64_t end_ns)
{
	uint64_t last_ns = end_ns - LAST_ROUND_NS;

	if (now_ns + LAST_ROUND_NS / 4 > last_ns)
		return end_ns;
	return now_ns + NAMES_EVERY_NS < last_ns ? now_ns + NAMES_EVERY_NS : last_ns;
}

/* With the lock held. Return: false where the time is over. */
static bool wait_until(struct triggered_capture *incident, uint64_t time_ns)
{
	const struct timespec time = clock_timespec(time_ns);

	while (!incident->cut && clock_now_ns() < time_ns && !capture_writer_error(incident->job))
		pthread_cond_timedwait(&incident->changed, &incident->lock, &time);
	return !incident->cut && clock_now_ns() < incident->end_ns &&
	       !capture_writer_error(incident->job);
}

static void add_states(struct triggered_capture *incident, struct thread_states **states,
		       const char *when)
{
	struct recorder_events *ownlog = capture_writer_ownlog(incident->job);
	if (!*states)
		return;
	if (!thread_states_finish(*states, STATES_MS, ownlog))
		recorder_events_note(ownlog, "the states of the threads could not all be read %s",
				     when);
	*states = NULL;
}

/* Names of all that came until now: the less is left to do at the end. */
static void find_names(struct triggered_capture *incident, uint64_t left_ns)
{
	uint64_t left_ms = left_ns / 1000000;

	add_states(incident, &incident->states, "at the trigger");
	history_keeper_add_unwound(incident->options.house, NULL, &incident->unwound_seen, 0,
				   capture_writer_ownlog(incident->job));
	drain_flush(incident->options.engine->drain, FLUSH_MS);
	nanosleep(&(struct timespec){ .tv_nsec = WRITE_NS }, NULL);
	int error = capture_writer_name(
		incident->job, left_ms < NAMES_DEADLINE_MS ? (int)left_ms : NAMES_DEADLINE_MS);
	incident->named = !error;
}

static void wait_for_end(struct triggered_capture *incident)
{
	pthread_mutex_lock(&incident->lock);
	uint64_t now_ns = clock_now_ns();
	while (wait_until(incident, next_round_ns(now_ns, incident->end_ns))) {
		uint64_t left_ns = incident->end_ns - clock_now_ns();
		pthread_mutex_unlock(&incident->lock);
		find_names(incident, left_ns);
		pthread_mutex_lock(&incident->lock);
		now_ns = clock_now_ns();
	}
	incident->sealing = true;
	if (incident->end_ns > clock_now_ns())
		incident->end_ns = clock_now_ns();
	pthread_mutex_unlock(&incident->lock);
}

static void set_facts(struct triggered_capture *incident, uint64_t end_ns)
{
	struct ft_facts *facts = capture_writer_facts(incident->job);
	struct target target;

	target_finder_targets_since(incident->options.finder,
				    capture_writer_start_ns(incident->job), &target);
	target_set_facts(&target, facts);
	ft_facts_set_number(facts, FT_FACT_END_NS, (int64_t)end_ns);
}

static const char *end_reason(const struct triggered_capture *incident)
{
	if (capture_writer_error(incident->job))
		return "write-error"; /* a full disk is told apart when sealing */
	return incident->cut ? "signal" : "duration";
}

static void add_own_events(struct triggered_capture *incident, struct thread_states *end_states)
{
	const struct triggered_capture_options *options = &incident->options;
	struct recorder_events *ownlog = capture_writer_ownlog(incident->job);
	uint64_t start_ns = capture_writer_start_ns(incident->job);

	capture_writer_update_mappings(incident->job);
	history_keeper_add_unwound(options->house, incident->mappings, &incident->unwound_seen,
				   UNWIND_MS, ownlog);
	history_keeper_add_kept(options->house, start_ns, ownlog);
	history_keeper_add_states(options->house, start_ns, ownlog);
	kernel_log_copy(options->engine->kernellog, start_ns, ownlog);
	if (target_finder_looks(options->finder) && !incident->target.count)
		recorder_events_note(ownlog, "the target did not run when the trigger came");
	add_states(incident, &incident->states, "at the trigger");
	add_states(incident, &end_states, "at the end");
	event_list_copy(incident->notes, 0, ownlog);
	if (incident->result.more_triggers > NOTES_MAX)
		recorder_events_note(ownlog, "%u more triggers came",
				     incident->result.more_triggers - NOTES_MAX);
	engine_note_limits(options->engine, ownlog);
	engine_note_troubles(options->engine, ownlog);
	history_keeper_note_limits(options->house, ownlog);
}

static void seal(struct triggered_capture *incident)
{
	const struct triggered_capture_options *options = &incident->options;
	struct triggered_capture_result *result = &incident->result;
	struct thread_states *end_states =
		thread_states_start(&incident->target, options->engine->kallsyms);
	uint64_t end_ns = clock_now_ns();

	kernel_log_look(options->engine->kernellog);
	if (!drain_flush(options->engine->drain, FLUSH_MS))
		recorder_events_note(capture_writer_ownlog(incident->job),
				     "the last events came too late for this capture");
	capture_writer_stop(incident->job);
	add_own_events(incident, end_states);
	set_facts(incident, end_ns);
	capture_writer_finish(incident->job, end_reason(incident),
			      incident->named ? NAMES_REST_MS : NAMES_ALL_MS, &result->job);
	uint64_t start_ns = capture_writer_start_ns(incident->job);
	result->duration_ns = end_ns - start_ns;
	result->history_ns =
		incident->trigger.time_ns > start_ns ? incident->trigger.time_ns - start_ns : 0;
	result->error = result->job.write_error;
}

static void *run(void *context)
{
	struct triggered_capture *incident = context;
	struct triggered_capture_result *result = &incident->result;

	pthread_setname_np(pthread_self(), "ft-incident");
	int fd = create_file(incident);
	result->error = fd < 0 ? fd : create_job(incident, fd);
	if (!result->error) {
		wait_for_end(incident);
		seal(incident);
		int error =
			capture_dir_finish(incident->options.keep, result->name, &result->removed);
		result->whole = !error;
		result->error = result->error ? result->error : error;
	} else if (fd >= 0) {
		capture_dir_abandon(incident->options.keep, result->name);
	}
	if (incident->states)
		thread_states_finish(incident->states, 0, NULL);
	if (fd >= 0)
		close(fd);

	pthread_mutex_lock(&incident->lock);
	result->sealed_ns = clock_now_ns() - incident->end_ns;
	incident->sealing = incident->over = true;
	pthread_mutex_unlock(&incident->lock);
	uint64_t one = 1;
	ssize_t wrote = write(incident->options.done_fd, &one, sizeof(one));
	(void)wrote; /* it is full only where somebody is going to look anyway */
	return NULL;
}

int triggered_capture_start(const struct triggered_capture_options *options,
			    const struct trigger *trigger, struct triggered_capture **ret_incident)
{
	struct triggered_capture *incident = calloc(1, sizeof(*incident));
	pthread_condattr_t monotonic;

	if (!incident || event_list_create(NOTES_MAX, &incident->notes)) {
		free(incident);
		return -ENOMEM;
	}
	incident->options = *options;
	incident->trigger = *trigger;
	incident->end_ns = trigger->time_ns + options->post_ns;
	pthread_mutex_init(&incident->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&incident->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	target_finder_target(options->finder, &incident->target);
	incident->states = thread_states_start(&incident->target, options->engine->kallsyms);
	int error = pthread_create(&incident->thread, NULL, run, incident);
	if (error) {
		thread_states_finish(incident->states, 0, NULL);
		incident_free(incident);
		return -error;
	}
	*ret_incident = incident;
	return 0;
}

static void note_trigger(struct triggered_capture *incident, const struct trigger *trigger)
{
	char text[TRIGGER_SOURCE_BYTES + TRIGGER_REASON_BYTES + 32];

	if (incident->result.more_triggers++ >= NOTES_MAX)
		return;
	snprintf(text, sizeof(text), "another trigger: %s: %s", trigger->source, trigger->reason);
	event_list_add(incident->notes, &(struct ft_event){ .kind = FT_EVENT_NOTE,
							    .cpu = FT_NO_CPU,
							    .time_ns = trigger->time_ns,
							    .task = &ft_nobody,
							    .note.text = text });
}

bool triggered_capture_extend(struct triggered_capture *incident, const struct trigger *trigger)
{
	uint64_t post_ns = incident->options.post_ns;
	uint64_t end_ns = trigger->time_ns + post_ns;
	uint64_t last_ns = incident->trigger.time_ns + POSTS_MAX * post_ns;

	pthread_mutex_lock(&incident->lock);
	bool possible = !incident->sealing && !incident->cut;
	if (possible) {
		note_trigger(incident, trigger);
		if (end_ns > last_ns)
			end_ns = last_ns;
		if (end_ns > incident->end_ns)
			incident->end_ns = end_ns;
	}
	pthread_mutex_unlock(&incident->lock);
	return possible;
}

void triggered_capture_cut(struct triggered_capture *incident)
{
	pthread_mutex_lock(&incident->lock);
	incident->cut = true;
	pthread_cond_signal(&incident->changed);
	pthread_mutex_unlock(&incident->lock);
}

bool triggered_capture_over(struct triggered_capture *incident)
{
	pthread_mutex_lock(&incident->lock);
	bool over = incident->over;
	pthread_mutex_unlock(&incident->lock);
	return over;
}

void triggered_capture_finish(struct triggered_capture *incident,
			      struct triggered_capture_result *ret_result)
{
	pthread_join(incident->thread, NULL);
	*ret_result = incident->result;
	incident_free(incident);
}

void triggered_capture_name(struct triggered_capture *incident, char ret_name[INCIDENT_NAME_BYTES])
{
	pthread_mutex_lock(&incident->lock);
	memcpy(ret_name, incident->result.name, INCIDENT_NAME_BYTES);
	pthread_mutex_unlock(&incident->lock);
}

const struct trigger *triggered_capture_trigger(const struct triggered_capture *incident)
{
	return &incident->trigger;
}
