/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Healthy services that wait for what another process sends, which is not always something. Modes: bursty (much, then
 * nothing for a while), pool (many connections, few of them in use), long_poll (an answer that may take seconds), typist
 * (somebody types), slow_client (a thread a connection, and one client reads slowly), pressure (a steady stream to one
 * who is slower).
 */
#include "config.h"

#include <poll.h>
#include <pty.h>
#include <sys/socket.h>
#include <termios.h>

#include "tests/workloads/truth.h"

#define CONNECTIONS 5
#define BIG	    65536

static int service_ends[CONNECTIONS], peer_ends[CONNECTIONS];
static char big[BIG];

static void connect_all(void)
{
	for (unsigned int i = 0; i < CONNECTIONS; i++) {
		int ends[2];

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
			abort();
		service_ends[i] = ends[0];
		peer_ends[i] = ends[1];
	}
}

static void send_byte(unsigned int connection)
{
	char byte = 1;

	if (write(peer_ends[connection], &byte, 1) != 1)
		_exit(EXIT_FAILURE);
}

/* Pauses of many lengths, none of them twice in a row. */
static uint64_t choose_pause(unsigned int turn)
{
	static const unsigned int pauses_ms[] = { 300, 1700, 450, 2300, 600, 900, 1200 };

	return pauses_ms[turn % (sizeof(pauses_ms) / sizeof(*pauses_ms))] * (uint64_t)TRUTH_MS;
}

/* The service */

static void *receiver_main(void *argument)
{
	int fd = *(int *)argument;
	char bytes[256];

	while (read(fd, bytes, sizeof(bytes)) > 0)
		truth_burn_ns(TRUTH_MS / 3);
	return NULL;
}

static void *poller_main(void *argument)
{
	struct pollfd end = { .fd = *(int *)argument, .events = POLLIN };
	char bytes[256];

	for (;;)
		if (poll(&end, 1, 2500) > 0) {
			if (read(end.fd, bytes, sizeof(bytes)) <= 0)
				return NULL;
			truth_burn_ns(TRUTH_MS);
		}
}

static void *sender_main(void *argument)
{
	int fd = *(int *)argument;

	while (write(fd, big, truth_mode("pressure") ? 4096 : BIG) > 0)
		truth_burn_ns(TRUTH_MS / 3);
	return NULL;
}

/* The other side */

static void send_bursts(void)
{
	for (unsigned int turn = 0;; turn++) {
		for (unsigned int i = 0; i < 200; i++) {
			send_byte(i % CONNECTIONS);
			truth_sleep_ns(TRUTH_MS * 2);
		}
		truth_sleep_ns(choose_pause(turn));
	}
}

static void use_pool(void)
{
	for (unsigned int turn = 0;; turn++) {
		send_byte(0);
		if (turn % 8 == 0)
			send_byte(1);
		if (turn % 90 == 60)
			send_byte(2 + turn / 90 % (CONNECTIONS - 2));
		truth_sleep_ns(TRUTH_MS * 15);
	}
}

static void answer_polls(void)
{
	for (unsigned int turn = 0;; turn++) {
		send_byte(turn % CONNECTIONS);
		if (turn % 3 == 0)
			send_byte((turn + 2) % CONNECTIONS);
		truth_sleep_ns(choose_pause(turn) / 2);
	}
}

/* A word, then a thought. */
static void type_keys(void)
{
	for (unsigned int turn = 0;; turn++) {
		for (unsigned int i = 0; i < 12; i++) {
			send_byte(0);
			truth_sleep_ns(TRUTH_MS * (60 + 17 * (i % 5)));
		}
		truth_sleep_ns(choose_pause(turn));
	}
}

static void read_answers(void)
{
	struct pollfd ends[CONNECTIONS];
	uint64_t slow_ns = 0;

	for (unsigned int i = 0; i < CONNECTIONS; i++)
		ends[i] = (struct pollfd){ .fd = peer_ends[i], .events = POLLIN };
	for (;;) {
		bool slow_turn = truth_now_ns() >= slow_ns;

		if (slow_turn)
			slow_ns = truth_now_ns() + 300 * TRUTH_MS;
		for (unsigned int i = slow_turn ? 0 : 1; i < CONNECTIONS; i++)
			if (recv(ends[i].fd, big, BIG, MSG_DONTWAIT) == 0)
				_exit(0);
		truth_sleep_ns(TRUTH_MS * 3);
	}
}

static void read_steadily(void)
{
	for (;; truth_sleep_ns(TRUTH_MS * 2))
		if (read(peer_ends[0], big, 4096) <= 0)
			_exit(0);
}

static void open_terminal(void)
{
	struct termios raw;

	if (openpty(&peer_ends[0], &service_ends[0], NULL, NULL, NULL) ||
	    tcgetattr(service_ends[0], &raw))
		truth_cannot("cannot make a pseudo terminal");
	cfmakeraw(&raw);
	tcsetattr(service_ends[0], TCSANOW, &raw);
}

static void peer_main(void)
{
	for (unsigned int i = 0; i < CONNECTIONS; i++)
		close(service_ends[i]);
	if (truth_mode("pool"))
		use_pool();
	if (truth_mode("long_poll"))
		answer_polls();
	if (truth_mode("typist"))
		type_keys();
	if (truth_mode("slow_client"))
		read_answers();
	if (truth_mode("pressure"))
		read_steadily();
	send_bursts();
}

static void do_nothing(void)
{
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
}

int main(int argc, char **argv)
{
	void *(*serve)(void *) = receiver_main;
	unsigned int threads = CONNECTIONS;

	truth_options(argc, argv,
		      "Healthy, and often with nothing to do. Modes: bursty, pool, long_poll, typist, "
		      "slow_client, pressure.",
		      6);
	connect_all();
	if (truth_mode("typist"))
		open_terminal();
	if (!truth_fork("peer"))
		peer_main();
	if (truth_mode("long_poll"))
		serve = poller_main;
	if (truth_mode("slow_client") || truth_mode("pressure"))
		serve = sender_main;
	if (truth_mode("typist") || truth_mode("pressure"))
		threads = 1;
	for (unsigned int i = 0; i < threads; i++) {
		char name[16];

		snprintf(name, sizeof(name), "service%u", i);
		truth_thread(name, serve, &service_ends[i]);
	}
	truth_never_thaws(); /* they wait for the peer, which ends last */
	truth_verdict("no-stall|not-sure", "strong", true);
	return truth_run("director", "no-stall", do_nothing);
}
