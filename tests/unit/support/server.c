/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/unit/support/server.h"

#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOK_MS 5

static bool wait_for(int fd, int timeout_ms)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	return poll(&pollfd, 1, timeout_ms) == 1;
}

static void answer_request(struct server *server, int fd)
{
	char request[4096];

	while (!server->stop && (server->frozen || !wait_for(fd, LOOK_MS)))
		wait_for(-1, LOOK_MS);
	if (server->stop || recv(fd, request, sizeof(request), MSG_DONTWAIT) <= 0)
		return;
	wait_for(-1, server->delay_ms);
	if (send(fd, server->answer, strlen(server->answer), MSG_NOSIGNAL) >= 0)
		server->served++;
}

static void *run_server(void *context)
{
	struct server *server = context;

	while (!server->stop) {
		if (server->frozen || !wait_for(server->fd, LOOK_MS)) {
			wait_for(-1, LOOK_MS);
			continue;
		}
		int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		answer_request(server, fd);
		close(fd);
	}
	return NULL;
}

static int bind_loopback(int family, int *ret_fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address = { .any.sa_family = (sa_family_t)family };
	socklen_t bytes = family == AF_INET ? sizeof(address.in) : sizeof(address.in6);

	if (family == AF_INET)
		address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		address.in6.sin6_addr = in6addr_loopback;
	*ret_fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*ret_fd < 0)
		return -1;
	if (bind(*ret_fd, &address.any, bytes) < 0 ||
	    getsockname(*ret_fd, &address.any, &bytes) < 0) {
		close(*ret_fd);
		return -1;
	}
	return ntohs(family == AF_INET ? address.in.sin_port : address.in6.sin6_port);
}

int server_start(struct server *server, int family)
{
	server->stop = false;
	server->served = 0;
	server->port = bind_loopback(family, &server->fd);
	if (server->port < 0)
		return -1;
	if (listen(server->fd, 64) < 0 ||
	    pthread_create(&server->thread, NULL, run_server, server)) {
		close(server->fd);
		return -1;
	}
	return 0;
}

void server_stop(struct server *server)
{
	server->stop = true;
	pthread_join(server->thread, NULL);
	close(server->fd);
}

int server_free_port(int *ret_fd)
{
	return bind_loopback(AF_INET, ret_fd);
}
