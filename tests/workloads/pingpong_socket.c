/* SPDX-License-Identifier: Apache-2.0 */
/* Healthy: two threads hand a byte back and forth through two Unix sockets. */
#include "config.h"

#include <sys/socket.h>

#include "tests/workloads/pingpong.h"

static int connect_sockets(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}

int main(int argc, char **argv)
{
	return pingpong_main(argc, argv,
			     "Two threads play ping-pong through two Unix sockets. Nothing freezes.",
			     connect_sockets);
}
