/* SPDX-License-Identifier: Apache-2.0 */
/* A mutex held for long by a thread that computes. */
#include "config.h"

#include "tests/workloads/mutex_service.h"
#include "tests/workloads/truth.h"

__attribute__((noinline)) static void hold_lock(void)
{
	uint64_t start_ns;

	pthread_mutex_lock(&mutex_service_lock);
	start_ns = truth_now_ns();
	truth_burn_ns((uint64_t)(truth_seconds() * 1e9));
	truth_held(start_ns);
	pthread_mutex_unlock(&mutex_service_lock);
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "A thread holds a mutex that all need, and computes.", 1.5);
	mutex_service_start();
	return truth_run("holder", "futex-convoy", hold_lock);
}
