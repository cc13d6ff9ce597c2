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
#include "recorder/record/cpu_users.h"

#define POSTS_MAX	  4 /* a capture goes on for at most so many times post_ns */
#define NOTES_MAX	  64 /* triggers with a note of their own */
#define NAMES_EVERY_NS	  2000000000ull
#define LAST_ROUND_NS	  400000000ull /* the last search for names begins so long before the end */
#define NAMES_DEADLINE_MS 5000
#define NAMES_REST_MS	  40 /* for names of the last moment: somebody waits for the file */
#define NAMES_ALL_MS	  2000
#define UNWIND_MS	  500
#define FLUSH_MS	  500
#define WRITE_NS	  30000000 /* for the writer to take what was flushed */
#define STATES_MS	  200
#define CPU_USERS_AT_ONCE 256

struct triggered_capture {
	struct triggered_capture_options options;
	struct trigger trigger;
	struct target target; /* at the trigger */
	struct thread_states *states; /* at the trigger; NULL: already among the own events */
	uint64_t unwound_seen; /* for history_keeper_copy_unwound() */
	bool named; /* names were found for all but the last moment */
	struct thread_states *scheduling; /* of the threads that used a CPU; NULL: none are read now */
	struct mappings *mappings;
	struct cpu_users *cpu_users;
	struct capture_writer *writer;
	pthread_t thread;
	pthread_mutex_t lock; /* protects the members below */
	pthread_cond_t changed;
	uint64_t end_ns;
	bool cut, finishing, over;
	struct event_list *notes;
	struct triggered_capture_result result;
};

static void free_capture(struct triggered_capture *capture)
{
	capture_writer_destroy(capture->writer);
	cpu_users_destroy(capture->cpu_users);
	mappings_destroy(capture->mappings);
	event_list_destroy(capture->notes);
	pthread_cond_destroy(&capture->changed);
	pthread_mutex_destroy(&capture->lock);
	free(capture);
}

static int64_t to_realtime_ns(uint64_t time_ns)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - (int64_t)(clock_now_ns() - time_ns);
}

/* May block, since the disk may be stuck. Return: a descriptor or -errno. */
static int create_file(struct triggered_capture *capture)
{
	char name[CAPTURE_NAME_BYTES] = "";
	int fd = capture_dir_create(capture->options.captures, capture->trigger.source,
				    to_realtime_ns(capture->trigger.time_ns), name, sizeof(name));
	pthread_mutex_lock(&capture->lock);
	memcpy(capture->result.name, name, sizeof(name));
	pthread_mutex_unlock(&capture->lock);
	return fd;
}

/* Facts that are known from the start, in case the recorder is killed. */
static void set_first_facts(struct triggered_capture *capture)
{
	struct ft_facts *facts = capture_writer_facts(capture->writer);
	const struct trigger *trigger = &capture->trigger;

	engine_set_facts(capture->options.engine, facts);
	target_set_facts(&capture->target, facts);
	ft_facts_set(facts, FT_FACT_HISTORY, "ring");
	ft_facts_set(facts, FT_FACT_TRIGGER_SOURCE, trigger->source);
	ft_facts_set(facts, FT_FACT_TRIGGER_REASON, trigger->reason);
	ft_facts_set_number(facts, FT_FACT_TRIGGER_NS, (int64_t)trigger->time_ns);
}

static int create_writer(struct triggered_capture *capture, int fd)
{
	const struct triggered_capture_options *options = &capture->options;
	int error = history_keeper_copy_mappings(options->keeper, &capture->mappings);
	if (!error)
		error = cpu_users_create(&capture->cpu_users);
	if (!error)
		error = capture_writer_create(
			&(struct capture_writer_options){ .engine = options->engine,
							  .mappings = capture->mappings,
							  .out_fd = fd,
							  .history = true,
							  .more_ns = options->post_ns,
							  .watch = cpu_users_event,
							  .watch_context = capture->cpu_users },
			&capture->writer);
	if (error)
		return error;
	set_first_facts(capture);
	return capture_writer_start(capture->writer);
}

/* Return: when to look for names next: now and then, and once shortly before the end. */
static uint64_t get_next_round_ns(uint64_t now_ns, uint64_t end_ns)
{
	uint64_t last_ns = end_ns - LAST_ROUND_NS;

	if (now_ns + LAST_ROUND_NS / 4 > last_ns)
		return end_ns;
	return now_ns + NAMES_EVERY_NS < last_ns ? now_ns + NAMES_EVERY_NS : last_ns;
}

/* Call it with the lock held. Return: false if the capture has to end. */
static bool wait_until(struct triggered_capture *capture, uint64_t time_ns)
{
	const struct timespec time = clock_timespec(time_ns);

	while (!capture->cut && clock_now_ns() < time_ns && !capture_writer_error(capture->writer))
		pthread_cond_timedwait(&capture->changed, &capture->lock, &time);
	return !capture->cut && clock_now_ns() < capture->end_ns &&
	       !capture_writer_error(capture->writer);
}

static void add_states(struct triggered_capture *capture, struct thread_states **states,
		       const char *when)
{
	struct recorder_events *own_events = capture_writer_own_events(capture->writer);
	if (!*states)
		return;
	if (!thread_states_finish(*states, STATES_MS, own_events))
		recorder_events_note(own_events,
				     "the states of the threads could not all be read %s", when);
	*states = NULL;
}

/* What is read of the target's threads, with @target, and of those that used a CPU since the last
 * time. */
static struct thread_states *start_states(const struct triggered_capture *capture,
					  const struct target *target)
{
	struct ft_task tasks[CPU_USERS_AT_ONCE];
	size_t count = capture->cpu_users
			       ? cpu_users_take(capture->cpu_users, tasks, CPU_USERS_AT_ONCE)
			       : 0;

	if (!count && !target)
		return NULL;
	return thread_states_start(&(struct thread_states_options){
		.target = target,
		.kallsyms = capture->options.engine->kallsyms,
		.cpu_users = tasks,
		.cpu_user_count = count,
	});
}

/* Find names for the events of so far, so that less is left for the end. */
static void find_names(struct triggered_capture *capture, uint64_t left_ns)
{
	uint64_t left_ms = left_ns / 1000000;

	add_states(capture, &capture->states, "at the trigger");
	add_states(capture, &capture->scheduling, "after the trigger");
	capture->scheduling = start_states(capture, NULL);
	history_keeper_copy_unwound(capture->options.keeper, NULL, &capture->unwound_seen, 0,
				    capture_writer_own_events(capture->writer));
	drain_flush(capture->options.engine->drain, FLUSH_MS);
	nanosleep(&(struct timespec){ .tv_nsec = WRITE_NS }, NULL);
	int error = capture_writer_find_names(
		capture->writer, left_ms < NAMES_DEADLINE_MS ? (int)left_ms : NAMES_DEADLINE_MS);
	capture->named = !error;
}

static void wait_for_end(struct triggered_capture *capture)
{
	pthread_mutex_lock(&capture->lock);
	uint64_t now_ns = clock_now_ns();
	while (wait_until(capture, get_next_round_ns(now_ns, capture->end_ns))) {
		uint64_t left_ns = capture->end_ns - clock_now_ns();
		pthread_mutex_unlock(&capture->lock);
		find_names(capture, left_ns);
		pthread_mutex_lock(&capture->lock);
		now_ns = clock_now_ns();
	}
	capture->finishing = true;
	if (capture->end_ns > clock_now_ns())
		capture->end_ns = clock_now_ns();
	pthread_mutex_unlock(&capture->lock);
}

static void set_facts(struct triggered_capture *capture, uint64_t end_ns)
{
	struct ft_facts *facts = capture_writer_facts(capture->writer);
	struct target target;

	target_finder_targets_since(capture->options.finder,
				    capture_writer_start_ns(capture->writer), &target);
	target_set_facts(&target, facts);
	ft_facts_set_number(facts, FT_FACT_END_NS, (int64_t)end_ns);
}

static const char *get_end_reason(const struct triggered_capture *capture)
{
	if (capture_writer_error(capture->writer))
		return "write-error"; /* capture_writer_finish() recognises a full disk */
	return capture->cut ? "signal" : "duration";
}

static void add_own_events(struct triggered_capture *capture, struct thread_states *end_states)
{
	const struct triggered_capture_options *options = &capture->options;
	struct recorder_events *own_events = capture_writer_own_events(capture->writer);
	uint64_t start_ns = capture_writer_start_ns(capture->writer);

	capture_writer_update_mappings(capture->writer);
	history_keeper_copy_unwound(options->keeper, capture->mappings, &capture->unwound_seen,
				    UNWIND_MS, own_events);
	history_keeper_copy_events(options->keeper, start_ns, own_events);
	history_keeper_copy_states(options->keeper, start_ns, own_events);
	kernel_log_copy(options->engine->kernel_log, start_ns, own_events);
	if (target_finder_looks(options->finder) && !capture->target.count)
		recorder_events_note(own_events, "the target did not run when the trigger came");
	add_states(capture, &capture->states, "at the trigger");
	add_states(capture, &capture->scheduling, "after the trigger");
	add_states(capture, &end_states, "at the end");
	event_list_copy(capture->notes, 0, own_events);
	if (capture->result.more_triggers > NOTES_MAX)
		recorder_events_note(own_events, "%u more triggers came",
				     capture->result.more_triggers - NOTES_MAX);
	engine_note_limits(options->engine, own_events);
	engine_note_troubles(options->engine, own_events);
	history_keeper_note_limits(options->keeper, own_events);
}

static void finish_file(struct triggered_capture *capture)
{
	const struct triggered_capture_options *options = &capture->options;
	struct triggered_capture_result *result = &capture->result;
	cpu_users_again(capture->cpu_users);
	struct thread_states *end_states = start_states(capture, &capture->target);
	uint64_t end_ns = clock_now_ns();

	kernel_log_look(options->engine->kernel_log);
	if (!drain_flush(options->engine->drain, FLUSH_MS))
		recorder_events_note(capture_writer_own_events(capture->writer),
				     "the last events came too late for this capture");
	capture_writer_stop(capture->writer);
	add_own_events(capture, end_states);
	set_facts(capture, end_ns);
	capture_writer_finish(capture->writer, get_end_reason(capture),
			      capture->named ? NAMES_REST_MS : NAMES_ALL_MS, &result->file);
	uint64_t start_ns = capture_writer_start_ns(capture->writer);
	result->duration_ns = end_ns - start_ns;
	result->history_ns =
		capture->trigger.time_ns > start_ns ? capture->trigger.time_ns - start_ns : 0;
	result->error = result->file.write_error;
}

static void *run_capture(void *context)
{
	struct triggered_capture *capture = context;
	struct triggered_capture_result *result = &capture->result;

	pthread_setname_np(pthread_self(), "ft-incident");
	int fd = create_file(capture);
	result->error = fd < 0 ? fd : create_writer(capture, fd);
	if (!result->error) {
		wait_for_end(capture);
		finish_file(capture);
		int error = capture_dir_finish(capture->options.captures, result->name,
					       &result->removed);
		result->whole = !error;
		result->error = result->error ? result->error : error;
	} else if (fd >= 0) {
		capture_dir_abandon(capture->options.captures, result->name);
	}
	thread_states_finish(capture->states, 0, NULL);
	thread_states_finish(capture->scheduling, 0, NULL);
	if (fd >= 0)
		close(fd);

	pthread_mutex_lock(&capture->lock);
	result->sealed_ns = clock_now_ns() - capture->end_ns;
	capture->finishing = capture->over = true;
	pthread_mutex_unlock(&capture->lock);
	uint64_t one = 1;
	ssize_t wrote = write(capture->options.done_fd, &one, sizeof(one));
	(void)wrote; /* a full eventfd is readable already */
	return NULL;
}

int triggered_capture_start(const struct triggered_capture_options *options,
			    const struct trigger *trigger, struct triggered_capture **ret_capture)
{
	struct triggered_capture *capture = calloc(1, sizeof(*capture));
	pthread_condattr_t monotonic;

	if (!capture || event_list_create(NOTES_MAX, &capture->notes)) {
		free(capture);
		return -ENOMEM;
	}
	capture->options = *options;
	capture->trigger = *trigger;
	capture->end_ns = trigger->time_ns + options->post_ns;
	pthread_mutex_init(&capture->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&capture->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	target_finder_target(options->finder, &capture->target);
	capture->states = start_states(capture, &capture->target);
	history_keeper_refresh_objects(options->keeper);
	int error = pthread_create(&capture->thread, NULL, run_capture, capture);
	if (error) {
		thread_states_finish(capture->states, 0, NULL);
		free_capture(capture);
		return -error;
	}
	*ret_capture = capture;
	return 0;
}

static void note_trigger(struct triggered_capture *capture, const struct trigger *trigger)
{
	char text[TRIGGER_SOURCE_BYTES + TRIGGER_REASON_BYTES + 32];

	if (capture->result.more_triggers++ >= NOTES_MAX)
		return;
	snprintf(text, sizeof(text), "another trigger: %s: %s", trigger->source, trigger->reason);
	event_list_add(capture->notes, &(struct ft_event){ .kind = FT_EVENT_NOTE,
							   .cpu = FT_NO_CPU,
							   .time_ns = trigger->time_ns,
							   .task = &ft_nobody,
							   .note.text = text });
}

bool triggered_capture_extend(struct triggered_capture *capture, const struct trigger *trigger)
{
	uint64_t post_ns = capture->options.post_ns;
	uint64_t end_ns = trigger->time_ns + post_ns;
	uint64_t last_ns = capture->trigger.time_ns + POSTS_MAX * post_ns;

	pthread_mutex_lock(&capture->lock);
	bool possible = !capture->finishing && !capture->cut;
	if (possible) {
		note_trigger(capture, trigger);
		if (end_ns > last_ns)
			end_ns = last_ns;
		if (end_ns > capture->end_ns)
			capture->end_ns = end_ns;
	}
	pthread_mutex_unlock(&capture->lock);
	return possible;
}

void triggered_capture_hold(struct triggered_capture *capture, uint64_t until_ns)
{
	const struct triggered_capture_options *options = &capture->options;
	uint64_t last_ns = capture->trigger.time_ns + options->post_ns + options->hold_ns;

	if (until_ns > last_ns)
		until_ns = last_ns;
	pthread_mutex_lock(&capture->lock);
	if (!capture->finishing && until_ns > capture->end_ns)
		capture->end_ns = until_ns;
	pthread_mutex_unlock(&capture->lock);
}

void triggered_capture_cut(struct triggered_capture *capture)
{
	pthread_mutex_lock(&capture->lock);
	capture->cut = true;
	pthread_cond_signal(&capture->changed);
	pthread_mutex_unlock(&capture->lock);
}

bool triggered_capture_over(struct triggered_capture *capture)
{
	pthread_mutex_lock(&capture->lock);
	bool over = capture->over;
	pthread_mutex_unlock(&capture->lock);
	return over;
}

void triggered_capture_finish(struct triggered_capture *capture,
			      struct triggered_capture_result *ret_result)
{
	pthread_join(capture->thread, NULL);
	*ret_result = capture->result;
	free_capture(capture);
}

void triggered_capture_name(struct triggered_capture *capture, char ret_name[CAPTURE_NAME_BYTES])
{
	pthread_mutex_lock(&capture->lock);
	memcpy(ret_name, capture->result.name, CAPTURE_NAME_BYTES);
	pthread_mutex_unlock(&capture->lock);
}

const struct trigger *triggered_capture_trigger(const struct triggered_capture *capture)
{
	return &capture->trigger;
}
