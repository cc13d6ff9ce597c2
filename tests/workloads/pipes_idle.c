/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Healthy: two processes talk over two pipes, and then have nothing to say: each waits for the other.
 * From outside nobody can know that.
 */
#include "config.h"

#include "tests/workloads/truth.h"

static int there[2], back[2];

static _Noreturn void be_echo(void)
{
	char byte;

	while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1)
		;
	_exit(EXIT_FAILURE);
}

/* Says a word each 5 ms; an answer is all that is waited for. */
static void *talker_main(void *argument)
{
	char byte = 1;

	while (!truth_ordered() && !truth_stopping()) {
		if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			abort();
		truth_sleep_ns(5 * TRUTH_MS);
	}
	if (truth_stopping())
		return argument;
	truth_order_done();
	if (read(back[0], &byte, 1) != 1) /* what nobody says */
		return argument;
	abort();
}

static void fall_silent(void)
{
	truth_never_thaws();
	truth_order();
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
}

int main(int argc, char **argv)
{
	pid_t echo;

	truth_options(argc, argv,
		      "Two processes that talk over pipes fall silent. Nothing freezes.", 1.5);
	if (pipe(there) || pipe(back))
		abort();
	echo = truth_fork("echo");
	if (!echo)
		be_echo();
	truth_target(echo);
	truth_thread("talker", talker_main, NULL);
	return truth_run("director", "no-stall|standstill", fall_silent);
}
