/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/workloads/pingpong.h"

#include "tests/workloads/truth.h"

#define ROUNDS 100

static int there[2], back[2];

static bool pass_byte(int from, int to)
{
	char byte;

	return read(from, &byte, 1) == 1 && write(to, &byte, 1) == 1;
}

static void *pong_main(void *argument)
{
	while (pass_byte(there[0], back[1]))
		;
	return argument;
}

static void *ping_main(void *argument)
{
	char byte = 1;

	while (!truth_stopping()) {
		for (unsigned int i = 0; i < ROUNDS; i++)
			if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
				abort();
		truth_sleep_ns(5 * TRUTH_MS);
	}
	close(there[1]); /* pong sees the end */
	return argument;
}

static void do_nothing(void)
{
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
}

int pingpong_main(int argc, char **argv, const char *about, int (*connect)(int ends[2]))
{
	truth_options(argc, argv, about, 1);
	if (connect(there) || connect(back))
		abort();
	truth_thread("pong", pong_main, NULL);
	truth_thread("ping", ping_main, NULL);
	return truth_run("director", "no-stall", do_nothing);
}
