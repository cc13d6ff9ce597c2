/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The address of a TCP probe: HOST:PORT or HOST:PORT,send=TEXT.
 */
#ifndef RECORDER_TRIGGER_PROBE_TCP_H
#define RECORDER_TRIGGER_PROBE_TCP_H

#include <stdbool.h>
#include <stddef.h>

#define PROBE_TCP_HOST_BYTES 256
#define PROBE_TCP_SEND_BYTES 1024

struct probe_tcp_target {
	char host[PROBE_TCP_HOST_BYTES];
	char port[6];
	bool is_ipv6; /* it was written in brackets */
	char send[PROBE_TCP_SEND_BYTES]; /* may hold zero bytes */
	size_t send_bytes; /* 0: a connection is enough */
};

/**
 * probe_tcp_parse() - parse the address of a TCP probe.
 *
 * An IPv6 address is written [ADDRESS]. TEXT is the rest, commas included; \r, \n, \\ and \xNN in
 * it stand for a byte.
 *
 * Return: 0 or -EINVAL, with static text in @ret_problem.
 */
int probe_tcp_parse(const char *what, struct probe_tcp_target *ret_target,
		    const char **ret_problem);

#endif
