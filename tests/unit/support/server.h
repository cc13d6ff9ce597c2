/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server on loopback that answers, or fails to, as it is told.
 */
#ifndef TESTS_UNIT_SUPPORT_SERVER_H
#define TESTS_UNIT_SUPPORT_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct server {
	const char *_Atomic answer; /* to whatever comes; "": closes without one */
	int delay_ms;
	_Atomic bool frozen; /* accepts nothing, answers nothing: only the kernel does */
	_Atomic bool stop;
	_Atomic int served;
	int fd, port;
	pthread_t thread;
};

/* @family: AF_INET or AF_INET6. Return: 0, or -1: there is no such loopback. */
int server_start(struct server *server, int family);
void server_stop(struct server *server);

/* A port of 127.0.0.1 on which nobody listens; *ret_fd keeps it. */
int server_free_port(int *ret_fd);

#endif
