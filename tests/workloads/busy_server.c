/* SPDX-License-Identifier: Apache-2.0 */
/* A server of one thread computes for one client; the others, a process, wait for their answers. */
#include "config.h"

#include <poll.h>
#include <sys/socket.h>

#include "tests/workloads/truth.h"

#define CLIENTS 4

static struct pollfd server_ends[CLIENTS];
static int client_ends[CLIENTS];

__attribute__((noinline)) static void compute_answer(void)
{
	uint64_t start_ns = truth_now_ns();

	truth_burn_ns((uint64_t)(truth_seconds() * 1e9));
	truth_held(start_ns);
}

static void answer_client(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		return;
	if (truth_ordered()) {
		compute_answer();
		truth_order_done();
	}
	if (write(fd, &byte, 1) != 1)
		abort();
}

static void *server_main(void *argument)
{
	while (!truth_stopping()) {
		poll(server_ends, CLIENTS, 100);
		for (unsigned int i = 0; i < CLIENTS; i++)
			if (server_ends[i].revents & POLLIN)
				answer_client(server_ends[i].fd);
	}
	return argument;
}

static void *client_main(void *argument)
{
	int fd = *(int *)argument;
	char byte = 1;

	for (; !truth_stopping(); truth_sleep_ns(TRUTH_MS)) {
		uint64_t start_ns = truth_now_ns();

		if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
			break;
		truth_waited(start_ns);
	}
	return argument;
}

static void clients_main(void)
{
	static const char *const names[] = { "client0", "client1", "client2", "client3" };

	for (unsigned int i = 0; i < CLIENTS; i++)
		truth_thread(names[i], client_main, &client_ends[i]);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	pid_t clients;

	truth_options(argc, argv, "A server of one thread computes while its clients wait.", 1.5);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		int ends[2];

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
			abort();
		server_ends[i] = (struct pollfd){ .fd = ends[0], .events = POLLIN };
		client_ends[i] = ends[1];
	}
	clients = truth_fork("clients");
	if (!clients)
		clients_main();
	truth_target(clients);
	truth_thread("server", server_main, NULL);
	return truth_run("director", "busy-thread|slow-producer", truth_order);
}
