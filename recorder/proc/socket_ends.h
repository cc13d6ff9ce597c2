/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a socket is called, and which socket of this host has its other end: from /proc/PID/net for TCP and UDP, from
 * sock_diag for unix sockets.
 */
#ifndef RECORDER_PROC_SOCKET_ENDS_H
#define RECORDER_PROC_SOCKET_ENDS_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/event.h"

struct socket_ends {
	char name[FT_NAME_BYTES_MAX];	/* "tcp 127.0.0.1:9000", "unix /run/log", "" not known */
	uint64_t other;			/* inode of the other end; 0: not known, or on another host */
	bool listens;			/* the other end only listens; it has not taken this connection yet */
};

/* Tables of one network namespace, read once. All zero: none yet. Free with socket_tables_free(). */
struct socket_tables {
	char space[64];		/* the link of /proc/PID/ns/net */
	char *texts[4];		/* tcp, tcp6, udp, udp6; NULL where not read */
	bool read;
};
void socket_tables_free(struct socket_tables *tables);

/**
 * socket_ends_find() - of the socket @inode of process @tgid.
 *
 * @proc: "/proc", or another directory for a test: unix sockets are not looked for there.
 *
 * Return: false where it is neither of these sockets.
 */
bool socket_ends_find(const char *proc, int32_t tgid, uint64_t inode, struct socket_tables *tables,
		      struct socket_ends *ret_ends);

#endif
