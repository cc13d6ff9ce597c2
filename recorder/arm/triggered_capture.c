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

struct incident {
	struct incident_options options;
	struct trigger trigger;
	struct target target; /* at the trigger */
	struct states *states; /* then; NULL: in the own log */
	uint64_t unwound_seen; /* for house_add_unwound() */
	bool named; /* all that there was a moment ago */
	struct mappings *mappings;
	struct job *job;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	uint64_t end_ns;
	bool cut, sealing, over;
	struct eventlist *notes;
	struct incident_result result;
};

static void incident_free(struct incident *incident)
{
	job_destroy(incident->job);
	mappings_destroy(incident->mappings);
	eventlist_destroy(incident->notes);
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
static int create_file(struct incident *incident)
{
	char name[INCIDENT_NAME_BYTES] = "";
	int fd = keep_create(incident->options.keep, incident->trigger.source,
			     realtime_ns(incident->trigger.time_ns), name, sizeof(name));
	pthread_mutex_lock(&incident->lock);
	memcpy(incident->result.name, name, sizeof(name));
	pthread_mutex_unlock(&incident->lock);
	return fd;
}

/* What is known before the end: a recorder that is killed leaves that. */
static void set_first_facts(struct incident *incident)
{
	struct ft_facts *facts = job_facts(incident->job);
	const struct trigger *trigger = &incident->trigger;

	engine_set_facts(incident->options.engine, facts);
	target_set_facts(&incident->target, facts);
	ft_facts_set(facts, FT_FACT_HISTORY, "ring");
	ft_facts_set(facts, FT_FACT_TRIGGER_SOURCE, trigger->source);
	ft_facts_set(facts, FT_FACT_TRIGGER_REASON, trigger->reason);
	ft_facts_set_number(facts, FT_FACT_TRIGGER_NS, (int64_t)trigger->time_ns);
}

static int create_job(struct incident *incident, int fd)
{
	const struct incident_options *options = &incident->options;
	int error = house_copy_mappings(options->house, &incident->mappings);
	if (!error)
		error = job_create(&(struct job_options){ .engine = options->engine,
							  .mappings = incident->mappings,
							  .out_fd = fd,
							  .history = true,
							  .more_ns = options->post_ns },
				   &incident->job);
	if (error)
		return error;
	set_first_facts(incident);
	return job_start(incident->job);
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
static bool wait_until(struct incident *incident, uint64_t time_ns)
{
	const struct timespec time = clock_timespec(time_ns);

	while (!incident->cut && clock_now_ns() < time_ns && !job_error(incident->job))
		pthread_cond_timedwait(&incident->changed, &incident->lock, &time);
	return !incident->cut && clock_now_ns() < incident->end_ns && !job_error(incident->job);
}

static void add_states(struct incident *incident, struct states **states, const char *when)
{
	struct ownlog *ownlog = job_ownlog(incident->job);
	if (!*states)
		return;
	if (!states_finish(*states, STATES_MS, ownlog))
		ownlog_note(ownlog, "the states of the threads could not all be read %s", when);
	*states = NULL;
}

/* Names of all that came until now: the less is left to do at the end. */
static void find_names(struct incident *incident, uint64_t left_ns)
{
	uint64_t left_ms = left_ns / 1000000;

	add_states(incident, &incident->states, "at the trigger");
	house_add_unwound(incident->options.house, NULL, &incident->unwound_seen, 0,
			  job_ownlog(incident->job));
	drain_flush(incident->options.engine->drain, FLUSH_MS);
	nanosleep(&(struct timespec){ .tv_nsec = WRITE_NS }, NULL);
	int error = job_name(incident->job,
			     left_ms < NAMES_DEADLINE_MS ? (int)left_ms : NAMES_DEADLINE_MS);
	incident->named = !error;
}

static void wait_for_end(struct incident *incident)
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

static void set_facts(struct incident *incident, uint64_t end_ns)
{
	struct ft_facts *facts = job_facts(incident->job);
	struct target target;

	finder_targets_since(incident->options.finder, job_start_ns(incident->job), &target);
	target_set_facts(&target, facts);
	ft_facts_set_number(facts, FT_FACT_END_NS, (int64_t)end_ns);
}

static const char *end_reason(const struct incident *incident)
{
	if (job_error(incident->job))
		return "write-error"; /* a full disk is told apart when sealing */
	return incident->cut ? "signal" : "duration";
}

static void add_own_events(struct incident *incident, struct states *end_states)
{
	const struct incident_options *options = &incident->options;
	struct ownlog *ownlog = job_ownlog(incident->job);
	uint64_t start_ns = job_start_ns(incident->job);

	job_update_mappings(incident->job);
	house_add_unwound(options->house, incident->mappings, &incident->unwound_seen, UNWIND_MS,
			  ownlog);
	house_add_kept(options->house, start_ns, ownlog);
	house_add_states(options->house, start_ns, ownlog);
	kernellog_copy(options->engine->kernellog, start_ns, ownlog);
	if (finder_looks(options->finder) && !incident->target.count)
		ownlog_note(ownlog, "the target did not run when the trigger came");
	add_states(incident, &incident->states, "at the trigger");
	add_states(incident, &end_states, "at the end");
	eventlist_copy(incident->notes, 0, ownlog);
	if (incident->result.more_triggers > NOTES_MAX)
		ownlog_note(ownlog, "%u more triggers came",
			    incident->result.more_triggers - NOTES_MAX);
	engine_note_limits(options->engine, ownlog);
	engine_note_troubles(options->engine, ownlog);
	house_note_limits(options->house, ownlog);
}

static void seal(struct incident *incident)
{
	const struct incident_options *options = &incident->options;
	struct incident_result *result = &incident->result;
	struct states *end_states = states_start(&incident->target, options->engine->kallsyms);
	uint64_t end_ns = clock_now_ns();

	kernellog_look(options->engine->kernellog);
	if (!drain_flush(options->engine->drain, FLUSH_MS))
		ownlog_note(job_ownlog(incident->job),
			    "the last events came too late for this capture");
	job_stop(incident->job);
	add_own_events(incident, end_states);
	set_facts(incident, end_ns);
	job_finish(incident->job, end_reason(incident),
		   incident->named ? NAMES_REST_MS : NAMES_ALL_MS, &result->job);
	uint64_t start_ns = job_start_ns(incident->job);
	result->duration_ns = end_ns - start_ns;
	result->history_ns =
		incident->trigger.time_ns > start_ns ? incident->trigger.time_ns - start_ns : 0;
	result->error = result->job.write_error;
}

static void *run(void *context)
{
	struct incident *incident = context;
	struct incident_result *result = &incident->result;

	pthread_setname_np(pthread_self(), "ft-incident");
	int fd = create_file(incident);
	result->error = fd < 0 ? fd : create_job(incident, fd);
	if (!result->error) {
		wait_for_end(incident);
		seal(incident);
		int error = keep_finish(incident->options.keep, result->name, &result->removed);
		result->whole = !error;
		result->error = result->error ? result->error : error;
	} else if (fd >= 0) {
		keep_abandon(incident->options.keep, result->name);
	}
	if (incident->states)
		states_finish(incident->states, 0, NULL);
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

int incident_start(const struct incident_options *options, const struct trigger *trigger,
		   struct incident **ret_incident)
{
	struct incident *incident = calloc(1, sizeof(*incident));
	pthread_condattr_t monotonic;

	if (!incident || eventlist_create(NOTES_MAX, &incident->notes)) {
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
	finder_target(options->finder, &incident->target);
	incident->states = states_start(&incident->target, options->engine->kallsyms);
	int error = pthread_create(&incident->thread, NULL, run, incident);
	if (error) {
		states_finish(incident->states, 0, NULL);
		incident_free(incident);
		return -error;
	}
	*ret_incident = incident;
	return 0;
}

static void note_trigger(struct incident *incident, const struct trigger *trigger)
{
	char text[TRIGGER_SOURCE_BYTES + TRIGGER_REASON_BYTES + 32];

	if (incident->result.more_triggers++ >= NOTES_MAX)
		return;
	snprintf(text, sizeof(text), "another trigger: %s: %s", trigger->source, trigger->reason);
	eventlist_add(incident->notes, &(struct ft_event){ .kind = FT_EVENT_NOTE,
							   .cpu = FT_NO_CPU,
							   .time_ns = trigger->time_ns,
							   .task = &ft_nobody,
							   .note.text = text });
}

bool incident_extend(struct incident *incident, const struct trigger *trigger)
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

void incident_cut(struct incident *incident)
{
	pthread_mutex_lock(&incident->lock);
	incident->cut = true;
	pthread_cond_signal(&incident->changed);
	pthread_mutex_unlock(&incident->lock);
}

bool incident_over(struct incident *incident)
{
	pthread_mutex_lock(&incident->lock);
	bool over = incident->over;
	pthread_mutex_unlock(&incident->lock);
	return over;
}

void incident_finish(struct incident *incident, struct incident_result *ret_result)
{
	pthread_join(incident->thread, NULL);
	*ret_result = incident->result;
	incident_free(incident);
}

void incident_name(struct incident *incident, char ret_name[INCIDENT_NAME_BYTES])
{
	pthread_mutex_lock(&incident->lock);
	memcpy(ret_name, incident->result.name, INCIDENT_NAME_BYTES);
	pthread_mutex_unlock(&incident->lock);
}

const struct trigger *incident_trigger(const struct incident *incident)
{
	return &incident->trigger;
}
