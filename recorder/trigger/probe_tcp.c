/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A probe that connects and, if there is a text to send, waits for the first byte of an answer. A
 * connection alone proves little: the kernel accepts it for a frozen process too.
 */
#include "config.h"

#include "recorder/trigger/probe.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "recorder/base/abandonable_task.h"
#include "recorder/trigger/probe_tcp.h"

/* Lookup of a host name, by an abandonable task: getaddrinfo() has no deadline. */
struct lookup {
	struct probe_tcp_target target;
	struct addrinfo *found;
	int error; /* of getaddrinfo() */
};

struct tcp {
	struct probe_tcp_target target;
	bool is_name; /* the host has to be looked up */
	struct addrinfo *addresses;
	const struct addrinfo *next; /* next address to try */
	struct abandonable_task *task;
	struct lookup *lookup; /* valid while task is set */
	bool unreachable; /* the last question could not connect: the name may have another address now */
	enum { LOOKING_UP, CONNECTING, SENDING, RECEIVING } state;
	int fd;
	size_t sent_bytes;
	enum answer answer;
	char why[PROBE_WHY_BYTES];
};

static int reject_target(const char **ret_problem, const char *problem)
{
	*ret_problem = problem;
	return -EINVAL;
}

/* Return: length of the escape at @text; 0: it is none. */
static size_t read_escape(const char *text, char *ret_byte)
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

static int parse_send(const char *text, struct probe_tcp_target *target, const char **ret_problem)
{
	if (!*text)
		return reject_target(ret_problem, "there is no text after send=.");
	while (*text) {
		size_t used = 1;
		char byte = *text;
		if (byte == '\\')
			used = read_escape(text, &byte);
		if (!used)
			return reject_target(ret_problem,
					     "in the text to send a backslash begins one of "
					     "\\r, \\n, \\\\ and \\xNN.");
		if (target->send_bytes == sizeof(target->send))
			return reject_target(ret_problem,
					     "the text to send is longer than 1024 bytes.");
		target->send[target->send_bytes++] = byte;
		text += used;
	}
	return 0;
}

/* Return: length of the host at @ret_host; 0: there is none. @ret_rest: what follows the host. */
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

int probe_tcp_parse(const char *what, struct probe_tcp_target *ret_target, const char **ret_problem)
{
	struct probe_tcp_target target = { .is_ipv6 = *what == '[' };
	const char *host, *rest;
	size_t host_bytes = find_host(what, &host, &rest);
	if (!host_bytes || host_bytes >= sizeof(target.host) || *rest != ':')
		return reject_target(ret_problem, "it is not HOST:PORT or HOST:PORT,send=TEXT.");
	memcpy(target.host, host, host_bytes);

	const char *port = rest + 1;
	size_t digits = strspn(port, "0123456789");
	rest = port + digits;
	if (*rest == ':')
		return reject_target(ret_problem,
				     "an IPv6 address is written in brackets, [ADDRESS]:PORT.");
	if (!digits || digits >= sizeof(target.port) || strtoul(port, NULL, 10) > 65535 ||
	    strtoul(port, NULL, 10) == 0)
		return reject_target(ret_problem, "the port is not a number from 1 to 65535.");
	memcpy(target.port, port, digits);

	if (*rest) {
		if (strncmp(rest, ",send=", 6))
			return reject_target(ret_problem,
					     "after HOST:PORT only ,send=TEXT may follow.");
		int error = parse_send(rest + 6, &target, ret_problem);
		if (error)
			return error;
	}
	*ret_target = target;
	return 0;
}

static int resolve_host(const struct probe_tcp_target *target, int flags,
			struct addrinfo **ret_found)
{
	struct addrinfo hints = {
		.ai_flags = flags | AI_NUMERICSERV,
		.ai_family = target->is_ipv6 ? AF_INET6 : AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	return getaddrinfo(target->host, target->port, &hints, ret_found);
}

static void run_lookup(void *context)
{
	struct lookup *lookup = context;

	lookup->error = resolve_host(&lookup->target, 0, &lookup->found);
}

static void discard_lookup(void *context)
{
	struct lookup *lookup = context;

	if (lookup->found)
		freeaddrinfo(lookup->found);
	free(lookup);
}

static int start_lookup(struct tcp *tcp)
{
	tcp->lookup = calloc(1, sizeof(*tcp->lookup));
	if (!tcp->lookup)
		return -ENOMEM;
	tcp->lookup->target = tcp->target;
	int error = abandonable_task_start("ft-probe", run_lookup, discard_lookup, tcp->lookup,
					   &tcp->task);
	if (error)
		discard_lookup(tcp->lookup);
	return error;
}

static void finish_lookup(struct tcp *tcp, int *ret_error)
{
	*ret_error = tcp->lookup->error;
	if (!*ret_error) {
		if (tcp->addresses)
			freeaddrinfo(tcp->addresses);
		tcp->addresses = tcp->lookup->found;
		tcp->lookup->found = NULL;
	}
	abandonable_task_leave(tcp->task, 0);
	tcp->task = NULL;
}

static void close_socket(struct tcp *tcp)
{
	if (tcp->fd >= 0)
		close(tcp->fd);
	tcp->fd = -1;
}

static void fail_probe(struct tcp *tcp, const char *why)
{
	snprintf(tcp->why, sizeof(tcp->why), "%s", why);
	tcp->answer = ANSWER_BAD;
}

static void fail_with_errno(struct tcp *tcp, int error)
{
	char text[64];

	fail_probe(tcp, strerror_r(error, text, sizeof(text)));
}

/* The kernel may give a client the very port, if nobody listens there, that it connects to. */
static bool is_connected_to_itself(const struct tcp *tcp)
{
	struct sockaddr_storage here, there;
	socklen_t here_bytes = sizeof(here), there_bytes = sizeof(there);

	return !getsockname(tcp->fd, (struct sockaddr *)&here, &here_bytes) &&
	       !getpeername(tcp->fd, (struct sockaddr *)&there, &there_bytes) &&
	       here_bytes == there_bytes && !memcmp(&here, &there, here_bytes);
}

static void send_more(struct tcp *tcp)
{
	size_t left_bytes = tcp->target.send_bytes - tcp->sent_bytes;
	ssize_t bytes = send(tcp->fd, tcp->target.send + tcp->sent_bytes, left_bytes,
			     MSG_DONTWAIT | MSG_NOSIGNAL);

	if (bytes >= 0)
		tcp->sent_bytes += (size_t)bytes;
	else if (errno != EAGAIN && errno != EINTR)
		fail_with_errno(tcp, errno);
	if (tcp->sent_bytes == tcp->target.send_bytes)
		tcp->state = RECEIVING;
}

static void receive_byte(struct tcp *tcp)
{
	char byte;
	ssize_t bytes = recv(tcp->fd, &byte, 1, MSG_DONTWAIT);

	if (bytes > 0)
		tcp->answer = ANSWER_GOOD;
	else if (bytes == 0)
		fail_probe(tcp, "closed without an answer");
	else if (errno != EAGAIN && errno != EINTR)
		fail_with_errno(tcp, errno);
}

static void finish_connect(struct tcp *tcp)
{
	tcp->unreachable = false;
	if (is_connected_to_itself(tcp))
		fail_with_errno(tcp, ECONNREFUSED);
	else if (!tcp->target.send_bytes)
		tcp->answer = ANSWER_GOOD;
	else
		tcp->state = SENDING;
}

/* Return: 0, or a positive errno if this address is no use. */
static int connect_to(struct tcp *tcp, const struct addrinfo *address)
{
	close_socket(tcp);
	tcp->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (tcp->fd < 0)
		return errno;
	tcp->state = CONNECTING;
	if (!connect(tcp->fd, address->ai_addr, address->ai_addrlen))
		finish_connect(tcp);
	else if (errno != EINPROGRESS)
		return errno;
	return 0;
}

/* @error: positive errno of the address before. */
static void connect_to_next(struct tcp *tcp, int error)
{
	while (tcp->next) {
		const struct addrinfo *address = tcp->next;
		tcp->next = address->ai_next;
		error = connect_to(tcp, address);
		if (!error)
			return;
	}
	fail_with_errno(tcp, error);
}

static void connect_to_first(struct tcp *tcp)
{
	tcp->next = tcp->addresses;
	tcp->unreachable = true; /* until it is connected */
	connect_to_next(tcp, ENOENT);
}

static void end_connecting(struct tcp *tcp)
{
	int error = 0;
	socklen_t bytes = sizeof(error);

	if (getsockopt(tcp->fd, SOL_SOCKET, SO_ERROR, &error, &bytes) < 0)
		error = errno;
	if (error)
		connect_to_next(tcp, error);
	else
		finish_connect(tcp);
}

static void end_lookup(struct tcp *tcp)
{
	int error;

	finish_lookup(tcp, &error);
	if (error)
		fail_probe(tcp, gai_strerror(error));
	else
		connect_to_first(tcp);
}

static void tcp_ask(void *question)
{
	struct tcp *tcp = question;
	int error;

	tcp->answer = ANSWER_NONE;
	tcp->sent_bytes = 0;
	/* While a lookup finds out whether the name has moved, the old addresses are used. */
	if (tcp->task && abandonable_task_wait(tcp->task, 0))
		finish_lookup(tcp, &error);
	error = 0;
	if (tcp->is_name && !tcp->task && (!tcp->addresses || tcp->unreachable))
		error = start_lookup(tcp);
	tcp->state = LOOKING_UP;
	if (tcp->addresses)
		connect_to_first(tcp);
	else if (error)
		fail_with_errno(tcp, -error);
}

static void advance_state(struct tcp *tcp)
{
	switch (tcp->state) {
	case LOOKING_UP:
		if (abandonable_task_wait(tcp->task, 0))
			end_lookup(tcp);
		break;
	case CONNECTING:
		end_connecting(tcp);
		break;
	case SENDING:
		send_more(tcp);
		break;
	case RECEIVING:
		receive_byte(tcp);
		break;
	}
}

static enum answer tcp_wait(void *question, uint64_t until_ns, int stop_fd, char *ret_why)
{
	struct tcp *tcp = question;

	while (tcp->answer == ANSWER_NONE) {
		int fd = tcp->state == LOOKING_UP ? abandonable_task_done_fd(tcp->task) : tcp->fd;
		bool writes = tcp->state == CONNECTING || tcp->state == SENDING;
		if (!probe_poll(fd, writes ? POLLOUT : POLLIN, until_ns, stop_fd))
			return ANSWER_NONE;
		advance_state(tcp);
	}
	if (tcp->answer == ANSWER_BAD)
		memcpy(ret_why, tcp->why, sizeof(tcp->why));
	return tcp->answer;
}

static bool tcp_end(void *question)
{
	struct tcp *tcp = question;

	close_socket(tcp);
	return true;
}

static void tcp_destroy(void *question)
{
	struct tcp *tcp = question;

	close_socket(tcp);
	abandonable_task_leave(tcp->task, 0);
	if (tcp->addresses)
		freeaddrinfo(tcp->addresses);
	free(tcp);
}

static int tcp_create(const char *what, void **ret_question, char *ret_name,
		      const char **ret_problem)
{
	struct tcp *tcp = calloc(1, sizeof(*tcp));

	if (!tcp)
		return -ENOMEM;
	tcp->fd = -1;
	int error = probe_tcp_parse(what, &tcp->target, ret_problem);
	if (error)
		goto out;
	if (resolve_host(&tcp->target, AI_NUMERICHOST, &tcp->addresses)) {
		tcp->addresses = NULL;
		tcp->is_name = true;
	}
	if (tcp->is_name && tcp->target.is_ipv6) {
		*ret_problem = "what is in brackets is not an IPv6 address.";
		error = -EINVAL;
		goto out;
	}
	/* The text that is sent may be a password. */
	snprintf(ret_name, PROBE_NAME_BYTES, "tcp %.*s", (int)strcspn(what, ","), what);
	*ret_question = tcp;
	tcp = NULL;
out:
	if (tcp)
		tcp_destroy(tcp);
	return error;
}

const struct probe_ops PROBE_TCP_OPS = {
	.source = "probe-tcp",
	.create = tcp_create,
	.destroy = tcp_destroy,
	.ask = tcp_ask,
	.wait = tcp_wait,
	.end = tcp_end,
};
