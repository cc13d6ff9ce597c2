/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thundering herd: one broadcast wakes 24 threads, each of which holds the mutex of
 * the condition for 60 ms. They hold each other up; any of them is to blame.
 */
#include "config.h"

#include "tests/workloads/truth.h"

#define HERD	24
#define WORK_NS (60 * TRUTH_MS)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t called = PTHREAD_COND_INITIALIZER;
static unsigned int calls; /* protected by lock, as what follows */
static unsigned int served;
static uint64_t called_ns;

static void *herd_main(void *argument)
{
	unsigned int seen = 0;

	pthread_mutex_lock(&lock);
	while (!truth_stopping()) {
		uint64_t start_ns;

		while (calls == seen && !truth_stopping())
			pthread_cond_wait(&called, &lock);
		if (truth_stopping())
			break;
		seen = calls;
		truth_waited(called_ns);
		start_ns = truth_now_ns();
		truth_sleep_ns(WORK_NS);
		truth_held(start_ns);
		served++;
	}
	pthread_mutex_unlock(&lock);
	return argument;
}

static void call_herd(void)
{
	pthread_mutex_lock(&lock);
	calls++;
	called_ns = truth_now_ns();
	pthread_cond_broadcast(&called);
	pthread_mutex_unlock(&lock);
}

static void call_and_wait(void)
{
	bool all;

	call_herd();
	truth_sleep_ns(HERD * (uint64_t)WORK_NS);
	do {
		truth_sleep_ns(TRUTH_MS);
		if (pthread_mutex_trylock(&lock))
			continue;
		all = served == HERD;
		pthread_mutex_unlock(&lock);
		if (all)
			break;
	} while (true);
}

/* At the end, everybody must wake up to see it. */
static void *closer_main(void *argument)
{
	while (!truth_stopping())
		truth_sleep_ns(10 * TRUTH_MS);
	pthread_mutex_lock(&lock);
	pthread_cond_broadcast(&called);
	pthread_mutex_unlock(&lock);
	return argument;
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "24 threads are woken at once and queue for a mutex.", 0);
	for (unsigned int i = 0; i < HERD; i++) {
		char name[16];

		snprintf(name, sizeof(name), "herd%u", i);
		truth_thread(name, herd_main, NULL);
	}
	truth_thread("closer", closer_main, NULL);
	return truth_run("caller", "futex-convoy", call_and_wait);
}
