/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline: four consumers read a pipe; the producer computes instead of writing. */
#include "config.h"

#include "tests/workloads/truth.h"

static int items[2];

static void *consumer_main(void *argument)
{
	uint64_t start_ns = truth_now_ns();
	char item;

	while (read(items[0], &item, 1) == 1) {
		truth_waited(start_ns);
		start_ns = truth_now_ns();
	}
	return argument;
}

__attribute__((noinline)) static void compute_item(void)
{
	uint64_t start_ns = truth_now_ns();

	truth_burn_ns((uint64_t)(truth_seconds() * 1e9));
	truth_held(start_ns);
}

static void *producer_main(void *argument)
{
	char item = 1;

	for (; !truth_stopping(); truth_sleep_ns(TRUTH_MS)) {
		if (truth_ordered()) {
			compute_item();
			truth_order_done();
		}
		/* One for each, so that no consumer waits for long while all is well. */
		for (unsigned int i = 0; i < 4; i++)
			if (write(items[1], &item, 1) != 1)
				abort();
	}
	close(items[1]);
	return argument;
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "consumer0", "consumer1", "consumer2", "consumer3" };

	truth_options(argc, argv, "Threads read a pipe whose writer is busy computing.", 1.5);
	if (pipe(items))
		abort();
	for (unsigned int i = 0; i < 4; i++)
		truth_thread(names[i], consumer_main, NULL);
	truth_thread("producer", producer_main, NULL);
	return truth_run("director", "slow-producer", truth_order);
}
