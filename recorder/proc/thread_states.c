/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/proc/thread_states.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/buffer/event_list.h"
#include "recorder/proc/proc_locks.h"
#include "recorder/proc/proc_task.h"
#include "recorder/proc/target.h"
#include "recorder/proc/thread_scheduling.h"
#include "recorder/symbols/kallsyms.h"

#define STUCK_MAX   8
#define THREADS_MAX 65536 /* more states are not kept */

struct thread_states {
	struct target target;
	bool has_target;
	const struct kallsyms *kallsyms;
	struct ft_task *cpu_users;
	size_t cpu_user_count;
	pthread_mutex_t lock; /* of everything below */
	pthread_cond_t changed;
	struct event_list *events;
	bool file_locks; /* a thread waits for a file lock */
	bool done;
	bool left; /* thread_states_finish() left it, and the thread frees it */
};

static _Atomic unsigned int reading_threads;

static void free_states(struct thread_states *states)
{
	free(states->cpu_users);
	event_list_destroy(states->events);
	pthread_cond_destroy(&states->changed);
	pthread_mutex_destroy(&states->lock);
	free(states);
}

static int keep_state(void *context, const struct ft_event *event)
{
	struct thread_states *states = context;
	pthread_mutex_lock(&states->lock);
	if (event->kind == FT_EVENT_STATE && proc_locks_waits(event))
		states->file_locks = true;
	int error = states->left ? -ECANCELED : event_list_add(states->events, event);
	pthread_mutex_unlock(&states->lock);
	return error;
}

static int visit_process(void *context, const struct ft_task *task)
{
	struct thread_states *states = context;
	if (task->tid != task->tgid)
		return 0;
	int error = proc_task_visit(task->tgid, states->kallsyms, keep_state, states);
	return error == -ESRCH ? 0 : error;
}

static void *run_reader(void *context)
{
	struct thread_states *states = context;

	pthread_setname_np(pthread_self(), "ft-states");
	for (size_t i = 0; i < states->target.count; i++)
		if (proc_task_visit(states->target.tgids[i], states->kallsyms, keep_state,
				       states) == -ECANCELED)
			break;
	if (states->has_target && !states->target.count)
		proc_task_visit_names(visit_process, states);
	thread_scheduling_visit(states->has_target ? &states->target : NULL, states->cpu_users,
				states->cpu_user_count, keep_state, states);
	if (states->file_locks)
		proc_locks_look(&states->target, states->kallsyms, keep_state, states);

	pthread_mutex_lock(&states->lock);
	states->done = true;
	bool left = states->left;
	pthread_cond_signal(&states->changed);
	pthread_mutex_unlock(&states->lock);
	if (left)
		free_states(states);
	reading_threads--;
	return NULL;
}

static int copy_cpu_users(struct thread_states *states, const struct thread_states_options *options)
{
	size_t count = options->cpu_user_count;

	states->cpu_users = calloc(count + 1, sizeof(*states->cpu_users));
	if (!states->cpu_users)
		return -ENOMEM;
	if (count)
		memcpy(states->cpu_users, options->cpu_users, count * sizeof(*states->cpu_users));
	states->cpu_user_count = count;
	return 0;
}

struct thread_states *thread_states_start(const struct thread_states_options *options)
{
	struct thread_states *states = calloc(1, sizeof(*states));
	pthread_condattr_t monotonic;
	pthread_attr_t detached;
	pthread_t thread;

	if (!states || reading_threads >= STUCK_MAX || copy_cpu_users(states, options) ||
	    event_list_create(THREADS_MAX, &states->events)) {
		if (states)
			free(states->cpu_users);
		free(states);
		return NULL;
	}
	states->has_target = options->target;
	if (options->target)
		states->target = *options->target;
	states->kallsyms = options->kallsyms;
	pthread_mutex_init(&states->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&states->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	reading_threads++;
	int error = pthread_create(&thread, &detached, run_reader, states);
	pthread_attr_destroy(&detached);
	if (!error)
		return states;
	reading_threads--;
	free_states(states);
	return NULL;
}

void thread_states_copy(struct thread_states *states, uint64_t since_ns,
			struct recorder_events *events)
{
	if (!states)
		return;
	pthread_mutex_lock(&states->lock);
	event_list_copy(states->events, since_ns, events);
	pthread_mutex_unlock(&states->lock);
}

bool thread_states_finish(struct thread_states *states, int wait_ms, struct recorder_events *events)
{
	struct timespec end;

	if (!states)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += wait_ms / 1000;
	end.tv_nsec += wait_ms % 1000 * 1000000l;
	if (end.tv_nsec >= 1000000000) {
		end.tv_nsec -= 1000000000;
		end.tv_sec++;
	}
	pthread_mutex_lock(&states->lock);
	while (!states->done &&
	       pthread_cond_timedwait(&states->changed, &states->lock, &end) != ETIMEDOUT)
		;
	bool done = states->done;
	if (events)
		event_list_copy(states->events, 0, events);
	states->left = true;
	pthread_mutex_unlock(&states->lock);
	if (done)
		free_states(states);
	return done;
}

unsigned int thread_states_stuck(void)
{
	return reading_threads;
}
