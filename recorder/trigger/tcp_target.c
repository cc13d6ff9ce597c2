/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/trigger/probe_tcp.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int refuse(const char **ret_problem, const char *problem)
{
	*ret_problem = problem;
	return -EINVAL;
}

/* Return: the bytes that the escape at @text takes; 0: it is none. */
static size_t unescape(const char *text, char *ret_byte)
{
	switch (text[1]) {
	case 'r':
		*ret_byte = '\r';
		return 2;
	case 'n':
		*ret_byte = '\n';
		return 2;
	case '\\':
		*ret_byte = '\\';
		return 2;
	case 'x':
		if (!isxdigit((unsigned char)text[2]) || !isxdigit((unsigned char)text[3]))
			return 0;
		*ret_byte = (char)strtoul((char[]){ text[2], text[3], '\0' }, NULL, 16);
		return 4;
	default:
		return 0;
	}
}

static int parse_send(const char *text, struct tcp_target *target, const char **ret_problem)
{
	if (!*text)
		return refuse(ret_problem, "there is no text after send=.");
	while (*text) {
		size_t used = 1;
		char byte = *text;
		if (byte == '\\')
			used = unescape(text, &byte);
		if (!used)
			return refuse(ret_problem, "in the text to send a backslash begins one of "
						   "\\r, \\n, \\\\ and \\xNN.");
		if (target->send_bytes == sizeof(target->send))
			return refuse(ret_problem, "the text to send is longer than 1024 bytes.");
		target->send[target->send_bytes++] = byte;
		text += used;
	}
	return 0;
}

/* Return: length of the host, at @ret_host; 0: there is none. @ret_rest: what follows it. */
static size_t find_host(const char *what, const char **ret_host, const char **ret_rest)
{
	const char *end;

	if (*what == '[') {
		end = strchr(++what, ']');
		*ret_rest = end ? end + 1 : what;
	} else {
		end = what + strcspn(what, ":,");
		*ret_rest = end;
	}
	*ret_host = what;
	return end ? (size_t)(end - what) : 0;
}

int probe_tcp_parse(const char *what, struct tcp_target *ret_target, const char **ret_problem)
{
	struct tcp_target target = { .is_ipv6 = *what == '[' };
	const char *host, *rest;
	size_t host_bytes = find_host(what, &host, &rest);
	if (!host_bytes || host_bytes >= sizeof(target.host) || *rest != ':')
		return refuse(ret_problem, "it is not HOST:PORT or HOST:PORT,send=TEXT.");
	memcpy(target.host, host, host_bytes);

	const char *port = rest + 1;
	size_t digits = strspn(port, "0123456789");
	rest = port + digits;
	if (*rest == ':')
		return refuse(ret_problem,
			      "an IPv6 address is written in brackets, [ADDRESS]:PORT.");
	if (!digits || digits >= sizeof(target.port) || strtoul(port, NULL, 10) > 65535 ||
	    strtoul(port, NULL, 10) == 0)
		return refuse(ret_problem, "the port is not a number from 1 to 65535.");
	memcpy(target.port, port, digits);

	if (*rest) {
		if (strncmp(rest, ",send=", 6))
			return refuse(ret_problem, "after HOST:PORT only ,send=TEXT may follow.");
		int error = parse_send(rest + 6, &target, ret_problem);
		if (error)
			return error;
	}
	*ret_target = target;
	return 0;
}
