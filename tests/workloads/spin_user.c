/* SPDX-License-Identifier: Apache-2.0 */
/* A spin lock (pthread_spin) held by a thread that sleeps; those who want it burn the CPUs. */
#include "config.h"

#include "tests/workloads/truth.h"

static pthread_spinlock_t lock;

static void serve_request(void)
{
	uint64_t start_ns = truth_now_ns();

	pthread_spin_lock(&lock);
	truth_waited(start_ns);
	pthread_spin_unlock(&lock);
}

__attribute__((noinline)) static void hold_lock(void)
{
	uint64_t start_ns;

	pthread_spin_lock(&lock);
	start_ns = truth_now_ns();
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
	truth_held(start_ns);
	pthread_spin_unlock(&lock);
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "Threads spin for a lock whose holder sleeps.", 1);
	pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE);
	truth_serve(3, serve_request);
	return truth_run("holder", "spin-contention", hold_lock);
}
