/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mutex and a call: one asks a server over a socket with the mutex held that the server wants before
 * it answers. For ever; the others pile up.
 */
#include "config.h"

#include <poll.h>
#include <sys/socket.h>

#include "tests/workloads/mutex_service.h"
#include "tests/workloads/truth.h"

static int ends[2]; /* the caller's, the server's */

static void await_word(int end)
{
	struct pollfd wanted = { .fd = end, .events = POLLIN };
	char byte;

	if (poll(&wanted, 1, -1) != 1 || recv(end, &byte, 1, 0) != 1)
		abort();
}

static void say_word(int end)
{
	if (send(end, "", 1, 0) != 1)
		abort();
}

static void *caller_main(void *argument)
{
	while (!truth_ordered() && !truth_stopping()) {
		say_word(ends[0]);
		await_word(ends[0]);
		truth_sleep_ns(5 * TRUTH_MS);
	}
	if (truth_stopping())
		return argument;
	pthread_mutex_lock(&mutex_service_lock);
	truth_held(truth_now_ns());
	truth_order_done();
	say_word(ends[0]);
	truth_wait_begin();
	await_word(ends[0]);
	abort();
}

static void *server_main(void *argument)
{
	truth_held(truth_now_ns()); /* one of the two */
	for (;;) {
		await_word(ends[1]);
		truth_wait_begin();
		pthread_mutex_lock(&mutex_service_lock);
		truth_wait_end();
		pthread_mutex_unlock(&mutex_service_lock);
		say_word(ends[1]);
	}
	return argument;
}

static void lock_up(void)
{
	truth_never_thaws();
	truth_order();
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
}

int main(int argc, char **argv)
{
	truth_options(argc, argv,
		      "A thread asks one who wants the mutex that it holds, until the end.", 1.5);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		abort();
	truth_thread("caller", caller_main, NULL);
	truth_thread("server", server_main, NULL);
	mutex_service_start();
	return truth_run("director", "deadlock", lock_up);
}
