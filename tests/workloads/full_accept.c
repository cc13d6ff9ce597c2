/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server does not accept for a while; its queue of connections is full, and its clients wait in connect(). Modes:
 * unix, tcp (there a timer repeats what was not answered).
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/workloads/truth.h"

#define CLIENTS 10
#define BACKLOG 3

static struct sockaddr_storage address;
static socklen_t address_bytes;

static int listen_unix(void)
{
	struct sockaddr_un *name = (struct sockaddr_un *)&address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	name->sun_family = AF_UNIX;
	/* An abstract name: nothing is left on a disk. */
	snprintf(name->sun_path + 1, sizeof(name->sun_path) - 1, "freezetrap-lab-%d", getpid());
	address_bytes = sizeof(*name);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, address_bytes) || listen(fd, BACKLOG))
		abort();
	return fd;
}

static int listen_tcp(void)
{
	struct sockaddr_in *name = (struct sockaddr_in *)&address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	name->sin_family = AF_INET;
	name->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address_bytes = sizeof(*name);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, address_bytes) || listen(fd, BACKLOG) ||
	    getsockname(fd, (struct sockaddr *)&address, &address_bytes))
		abort();
	return fd;
}

__attribute__((noinline)) static void reload_configuration(void)
{
	uint64_t start_ns = truth_now_ns();

	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
	truth_held(start_ns);
}

static void server_main(int listener)
{
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		char byte = 1;

		if (fd >= 0 && write(fd, &byte, 1) == 1)
			close(fd);
		if (!truth_ordered())
			continue;
		reload_configuration();
		truth_order_done();
	}
}

static void connect_once(void)
{
	uint64_t start_ns = truth_now_ns();
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte;

	if (fd < 0)
		return;
	if (!connect(fd, (struct sockaddr *)&address, address_bytes) && read(fd, &byte, 1) == 1)
		truth_waited(start_ns);
	close(fd);
}

static void freeze_server(void)
{
	truth_order();
	if (truth_mode("tcp"))
		truth_sleep_ns(2500 * TRUTH_MS); /* what was dropped is asked again after 1, 3 and 7 s */
}

int main(int argc, char **argv)
{
	int listener;

	truth_options(argc, argv, "A server does not accept. Modes: unix, tcp.", 2);
	listener = truth_mode("tcp") ? listen_tcp() : listen_unix();
	if (!truth_fork("server"))
		server_main(listener);
	close(listener);
	truth_serve(CLIENTS, connect_once);
	/* A connection that only its client has is not answered for minutes. */
	truth_never_thaws();
	/* Who was connected already waits for an answer, and TCP is let go by its timer. */
	truth_verdict("frozen", "strong", true);
	return truth_run("director", "backpressure-stall", freeze_server);
}
