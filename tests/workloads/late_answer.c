/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server answers late, and its clients, another process, wait. Modes: udp, tcp (a back end sleeps; the clients are
 * the target), burn (the server computes; it alone is the target).
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "tests/workloads/truth.h"

#define CLIENTS 4

static int client_ends[CLIENTS];
static struct pollfd server_ends[CLIENTS];

static int bind_loopback(int type, struct sockaddr_in *ret_name)
{
	socklen_t bytes = sizeof(*ret_name);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	*ret_name = (struct sockaddr_in){ .sin_family = AF_INET,
					  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0 || bind(fd, (struct sockaddr *)ret_name, bytes) ||
	    getsockname(fd, (struct sockaddr *)ret_name, &bytes))
		abort();
	return fd;
}

static void connect_udp(unsigned int i)
{
	struct sockaddr_in server, client;

	server_ends[i].fd = bind_loopback(SOCK_DGRAM, &server);
	client_ends[i] = bind_loopback(SOCK_DGRAM, &client);
	if (connect(client_ends[i], (struct sockaddr *)&server, sizeof(server)) ||
	    connect(server_ends[i].fd, (struct sockaddr *)&client, sizeof(client)))
		abort();
}

static void connect_tcp(unsigned int i)
{
	struct sockaddr_in server;
	int listener = bind_loopback(SOCK_STREAM, &server);

	client_ends[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listen(listener, 1) ||
	    connect(client_ends[i], (struct sockaddr *)&server, sizeof(server)))
		abort();
	server_ends[i].fd = accept(listener, NULL, NULL);
	close(listener);
}

__attribute__((noinline)) static void compute_report(void)
{
	uint64_t start_ns = truth_now_ns();

	if (truth_mode("burn"))
		truth_burn_ns((uint64_t)(truth_seconds() * 1e9));
	else
		truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
	truth_held(start_ns);
}

static void server_main(void)
{
	char question[64];

	for (;;) {
		poll(server_ends, CLIENTS, -1);
		if (truth_ordered()) {
			compute_report();
			truth_order_done();
		}
		for (unsigned int i = 0; i < CLIENTS; i++) {
			ssize_t length = server_ends[i].revents & POLLIN
						 ? read(server_ends[i].fd, question, 64)
						 : 0;

			if (length > 0 && write(server_ends[i].fd, question, (size_t)length) < 0)
				abort();
		}
	}
}

static void ask_server(void)
{
	static atomic_uint clients;
	static __thread unsigned int self;
	uint64_t start_ns = truth_now_ns();
	char question[64] = "who?";

	if (!self)
		self = ++clients;
	if (write(client_ends[self - 1], question, 64) == 64 &&
	    read(client_ends[self - 1], question, 64) > 0)
		truth_waited(start_ns);
}

int main(int argc, char **argv)
{
	pid_t server;

	truth_options(argc, argv, "A server answers late. Modes: udp, tcp, burn.", 2);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		server_ends[i].events = POLLIN;
		if (truth_mode("udp"))
			connect_udp(i);
		else
			connect_tcp(i);
	}
	server = truth_fork("backend");
	if (!server)
		server_main();
	truth_serve(CLIENTS, ask_server);
	if (truth_mode("burn"))
		truth_only_target(server);
	/* Somebody else's work, or want of work? The target alone does not always tell. */
	truth_verdict("frozen|not-sure", truth_mode("burn") ? "strong" : "plausible", true);
	return truth_run("director", "slow-producer|busy-thread|standstill", truth_order);
}
