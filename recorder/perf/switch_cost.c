/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/perf/switch_cost.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "recorder/base/clock.h"
#include "recorder/perf/perf_events.h"

#define RING_BYTES (4u << 20)
#define TRIPS	   2000 /* of two switches: the ring has room for their records with stacks */
#define ROUNDS_LEAST 3
#define ROUNDS_MOST  31
#define ENOUGH_NS    1000000000ull /* of rounds */
#define UNRECORDED TIER_MODES
#define CASES	   (TIER_MODES + 1)

struct player {
	int in, out;
	bool begins;
	int cpu;
	uint64_t cpu_ns; /* of this thread */
	int error;
};

static uint64_t read_thread_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void *run_player(void *context)
{
	struct player *player = context;
	char byte = 0;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)player->cpu, &set);
	if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set))
		player->error = -EINVAL;
	uint64_t start_ns = read_thread_ns();
	for (int i = 0; i < TRIPS; i++) {
		if (player->begins && write(player->out, &byte, 1) != 1)
			player->error = -EPIPE;
		if (read(player->in, &byte, 1) != 1)
			player->error = -EPIPE;
		if (!player->begins && write(player->out, &byte, 1) != 1)
			player->error = -EPIPE;
	}
	player->cpu_ns = read_thread_ns() - start_ns;
	return NULL;
}

/* @ret_ns: CPU time of a switch. Return: 0 or a negative errno. */
static int play_round(int cpu, const int there[2], const int back[2], uint64_t *ret_ns)
{
	struct player first = { .in = back[0], .out = there[1], .begins = true, .cpu = cpu };
	struct player second = { .in = there[0], .out = back[1], .cpu = cpu };
	pthread_t thread;

	int error = pthread_create(&thread, NULL, run_player, &second);
	if (error)
		return -error;
	pthread_t other;
	error = pthread_create(&other, NULL, run_player, &first);
	if (error) { /* the second one waits for bytes that nobody sends */
		char bytes[TRIPS] = { 0 };
		(void)!write(there[1], bytes, sizeof(bytes));
	} else {
		pthread_join(other, NULL);
	}
	pthread_join(thread, NULL);
	*ret_ns = (first.cpu_ns + second.cpu_ns) / TRIPS / 2;
	return error ? -error : first.error ? first.error : second.error;
}

static void empty_rings(struct perf_events *events)
{
	size_t bad_bytes;

	for (size_t i = 0; i < events->cpu_count; i++) {
		struct perf_ring *ring = &events->cpus[i].ring;
		if (!perf_ring_begin(ring))
			continue;
		while (perf_ring_next(ring, &bad_bytes))
			;
		perf_ring_end(ring);
	}
}

static int compare_times(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

struct measurements {
	uint64_t times_ns[CASES][ROUNDS_MOST];
	size_t rounds;
};

/* The cases take turns, so that what else the host does hits all of them. */
static int measure_rounds(struct perf_events *events, const int there[2], const int back[2],
			  struct measurements *ret_measured)
{
	int cpu = (int)events->cpus[events->cpu_count - 1].cpu, error = 0;
	uint64_t end_ns = clock_now_ns() + ENOUGH_NS;
	size_t round = 0;

	while (!error && round < ROUNDS_MOST &&
	       (round < ROUNDS_LEAST || clock_now_ns() < end_ns)) {
		for (int which = 0; which < CASES && !error; which++) {
			if (which != UNRECORDED) {
				error = perf_events_set_mode(events, (enum tier_mode)which);
				perf_events_enable(events);
			}
			if (!error)
				error = play_round(cpu, there, back,
					     &ret_measured->times_ns[which][round]);
			perf_events_disable(events);
			empty_rings(events);
		}
		round++;
	}
	ret_measured->rounds = round;
	return error;
}

int switch_cost_measure(const struct event_plan *plan, struct switch_cost *ret_cost)
{
	struct perf_events *events;
	struct perf_events_failure failure;
	struct measurements measured;
	int there[2], back[2];

	if (pipe2(there, O_CLOEXEC))
		return -errno;
	if (pipe2(back, O_CLOEXEC)) {
		close(there[0]);
		close(there[1]);
		return -errno;
	}
	int error = perf_events_open(plan, RING_BYTES, &events, &failure);
	if (!error) {
		error = measure_rounds(events, there, back, &measured);
		perf_events_close(events);
	}
	for (int i = 0; i < 2; i++) {
		close(there[i]);
		close(back[i]);
	}
	if (error)
		return error;
	for (int which = 0; which < CASES; which++)
		qsort(measured.times_ns[which], measured.rounds, sizeof(uint64_t), compare_times);
	size_t middle = measured.rounds / 2;
	ret_cost->switch_ns = measured.times_ns[UNRECORDED][middle];
	for (int mode = 0; mode < TIER_MODES; mode++)
		ret_cost->added_ns[mode] =
			(int64_t)measured.times_ns[mode][middle] - (int64_t)ret_cost->switch_ns;
	return 0;
}
