/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/proc/thread_states.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "recorder/proc/proc_locks.h"
#include "recorder/proc/proc_threads.h"

#define STUCK_MAX   8
#define THREADS_MAX 65536 /* as many states are kept */

struct states {
	struct target target;
	const struct kallsyms *kallsyms;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	struct eventlist *events;
	bool file_locks; /* somebody waits for one */
	bool done;
	bool left; /* by states_finish(): the thread frees it */
};

static _Atomic unsigned int running;

static void states_free(struct states *states)
{
	eventlist_destroy(states->events);
	pthread_cond_destroy(&states->changed);
	pthread_mutex_destroy(&states->lock);
	free(states);
}

static int keep_state(void *context, const struct ft_event *event)
{
	struct states *states = context;
	pthread_mutex_lock(&states->lock);
	if (event->kind == FT_EVENT_STATE && filelocks_waits(event))
		states->file_locks = true;
	int error = states->left ? -ECANCELED : eventlist_add(states->events, event);
	pthread_mutex_unlock(&states->lock);
	return error;
}

static int visit_process(void *context, const struct ft_task *task)
{
	struct states *states = context;
	if (task->tid != task->tgid)
		return 0;
	int error = snapshot_threads(task->tgid, states->kallsyms, keep_state, states);
	return error == -ESRCH ? 0 : error;
}

static void *run(void *context)
{
	struct states *states = context;

	pthread_setname_np(pthread_self(), "ft-states");
	for (size_t i = 0; i < states->target.count; i++)
		if (snapshot_threads(states->target.tgids[i], states->kallsyms, keep_state,
				     states) == -ECANCELED)
			break;
	if (!states->target.count)
		snapshot_tasks(visit_process, states);
	if (states->file_locks)
		filelocks_look(&states->target, states->kallsyms, keep_state, states);

	pthread_mutex_lock(&states->lock);
	states->done = true;
	bool left = states->left;
	pthread_cond_signal(&states->changed);
	pthread_mutex_unlock(&states->lock);
	if (left)
		states_free(states);
	running--;
	return NULL;
}

struct states *states_start(const struct target *target, const struct kallsyms *kallsyms)
{
	struct states *states = calloc(1, sizeof(*states));
	pthread_condattr_t monotonic;
	pthread_attr_t detached;
	pthread_t thread;

	if (!states || running >= STUCK_MAX || eventlist_create(THREADS_MAX, &states->events)) {
		free(states);
		return NULL;
	}
	states->target = *target;
	states->kallsyms = kallsyms;
	pthread_mutex_init(&states->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&states->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	running++;
	int error = pthread_create(&thread, &detached, run, states);
	pthread_attr_destroy(&detached);
	if (!error)
		return states;
	running--;
	states_free(states);
	return NULL;
}

void states_copy(struct states *states, uint64_t since_ns, struct ownlog *ownlog)
{
	if (!states)
		return;
	pthread_mutex_lock(&states->lock);
	eventlist_copy(states->events, since_ns, ownlog);
	pthread_mutex_unlock(&states->lock);
}

bool states_finish(struct states *states, int wait_ms, struct ownlog *ownlog)
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
	if (ownlog)
		eventlist_copy(states->events, 0, ownlog);
	states->left = true;
	pthread_mutex_unlock(&states->lock);
	if (done)
		states_free(states);
	return done;
}

unsigned int states_stuck(void)
{
	return running;
}
