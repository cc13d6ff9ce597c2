/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock with a queue, as databases and runtimes have it: who waits sleeps on a condition of its own, and who lets go
 * wakes the first in the queue, who has the lock from then on. Modes: burn (the holder computes), sleep.
 */
#include "config.h"

#include "tests/workloads/truth.h"

#define WORKERS 6

struct waiter {
	pthread_cond_t turn;
	bool has_turn;
	struct waiter *next;
};

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static bool taken;			/* protected by guard, like the queue */
static struct waiter *first, **last = &first;

static void lock_queue(void)
{
	struct waiter self = { .turn = PTHREAD_COND_INITIALIZER };

	pthread_mutex_lock(&guard);
	if (taken) {
		*last = &self;
		last = &self.next;
		while (!self.has_turn)
			pthread_cond_wait(&self.turn, &guard);
	}
	taken = true;
	pthread_mutex_unlock(&guard);
}

static void unlock_queue(void)
{
	struct waiter *next;

	pthread_mutex_lock(&guard);
	next = first;
	if (next) {
		first = next->next;
		if (!first)
			last = &first;
		next->has_turn = true;
		pthread_cond_signal(&next->turn);
	} else {
		taken = false;
	}
	pthread_mutex_unlock(&guard);
}

static void serve_request(void)
{
	uint64_t start_ns = truth_now_ns();

	lock_queue();
	truth_waited(start_ns);
	truth_burn_ns(TRUTH_MS / 5);
	unlock_queue();
}

__attribute__((noinline)) static void rebuild_table(void)
{
	uint64_t start_ns;

	lock_queue();
	start_ns = truth_now_ns();
	if (truth_mode("burn"))
		truth_burn_ns((uint64_t)(truth_seconds() * 1e9));
	else
		truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
	truth_held(start_ns);
	unlock_queue();
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "A lock with a queue is held. Modes: burn, sleep.", 2);
	truth_serve(WORKERS, serve_request);
	truth_verdict("frozen", "plausible", false);
	return truth_run("ddl", "standstill", rebuild_table);
}
