/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Five threads give to a process that takes from a queue of the kernel, as a log reader does. It sleeps, or is
 * stopped, the queue fills, and whoever gives waits for room. Modes: which queue.
 */
#include "config.h"

#include <mqueue.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <termios.h>

#include "tests/workloads/truth.h"

#define GIVERS	   5
#define PIECE	   4096
#define SMALL	   1024
#define TAKE_BYTES 65536

static struct {
	int give[GIVERS];
	struct pollfd take[GIVERS];
	nfds_t takes;
	int msg;
	mqd_t mq;
	size_t piece;
	pid_t taker;
} queue;

static atomic_uint givers;

struct message {
	long type;
	char text[SMALL];
};

/* All give to one end. */
static void share_end(int give, int take, size_t piece)
{
	for (unsigned int i = 0; i < GIVERS; i++)
		queue.give[i] = give;
	queue.take[0] = (struct pollfd){ .fd = take, .events = POLLIN };
	queue.takes = 1;
	queue.piece = piece;
}

static void make_pipe(void)
{
	int ends[2];

	if (pipe(ends))
		abort();
	share_end(ends[1], ends[0], PIECE);
}

/* A connection for each. */
static void make_sockets(void)
{
	for (unsigned int i = 0; i < GIVERS; i++) {
		int ends[2];

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
			abort();
		queue.give[i] = ends[0];
		queue.take[i] = (struct pollfd){ .fd = ends[1], .events = POLLIN };
	}
	queue.takes = GIVERS;
	queue.piece = 4 * PIECE;
}

static void make_datagrams(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends))
		abort();
	share_end(ends[0], ends[1], SMALL);
}

static void make_terminal(void)
{
	struct termios raw;
	int master, slave;

	if (openpty(&master, &slave, NULL, NULL, NULL) || tcgetattr(slave, &raw))
		truth_cannot("cannot make a pseudo terminal");
	cfmakeraw(&raw);
	tcsetattr(slave, TCSANOW, &raw);
	share_end(slave, master, PIECE);
}

/* A queue of the host outlives its processes. */
static void remove_queue(void)
{
	msgctl(queue.msg, IPC_RMID, NULL);
}

static void make_messages(void)
{
	queue.msg = msgget(IPC_PRIVATE, 0600);
	if (queue.msg < 0)
		truth_cannot("cannot make a System V message queue");
	truth_at_end(remove_queue);
}

static void make_mq(void)
{
	struct mq_attr attributes = { .mq_maxmsg = 10, .mq_msgsize = SMALL };
	char name[64];

	snprintf(name, sizeof(name), "/freezetrap-lab-%d", getpid());
	queue.mq = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
	if (queue.mq == (mqd_t)-1)
		truth_cannot("cannot make a POSIX message queue");
	mq_unlink(name);
}

static void give_piece(void)
{
	static __thread unsigned int self;
	uint64_t start_ns = truth_now_ns();
	struct message message = { .type = 1 };
	char piece[4 * PIECE] = { 0 };

	if (!self)
		self = ++givers;
	if (truth_mode("sysv"))
		msgsnd(queue.msg, &message, SMALL, 0);
	else if (truth_mode("mq"))
		mq_send(queue.mq, piece, SMALL, 0);
	else if (write(queue.give[self - 1], piece, queue.piece) < 0)
		return;
	truth_waited(start_ns);
}

static void take_piece(void)
{
	static char piece[TAKE_BYTES];
	struct message message;

	if (truth_mode("sysv")) {
		msgrcv(queue.msg, &message, SMALL, 0, 0);
		return;
	}
	if (truth_mode("mq")) {
		mq_receive(queue.mq, piece, SMALL, NULL);
		return;
	}
	poll(queue.take, queue.takes, -1);
	for (nfds_t i = 0; i < queue.takes; i++)
		if (queue.take[i].revents & POLLIN && read(queue.take[i].fd, piece, sizeof(piece)) < 0)
			abort();
}

__attribute__((noinline)) static void flush_log(void)
{
	uint64_t start_ns = truth_now_ns();

	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
	truth_held(start_ns);
}

static void taker_main(void)
{
	for (;;) {
		take_piece();
		if (!truth_ordered())
			continue;
		flush_log();
		truth_order_done();
	}
}

static void freeze_taker(void)
{
	uint64_t start_ns = truth_now_ns();

	if (!truth_mode("stopped")) {
		truth_order();
	} else {
		kill(queue.taker, SIGSTOP);
		truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
		kill(queue.taker, SIGCONT);
		truth_culprit(queue.taker, "logreader", truth_now_ns() - start_ns);
		truth_held(start_ns); /* who stopped it is right, too */
	}
}

int main(int argc, char **argv)
{
	truth_options(argc, argv,
		      "Threads give to a process that does not take. Modes: pipe, stopped, socket, "
		      "dgram, pty, sysv, mq.",
		      2);
	if (truth_mode("socket"))
		make_sockets();
	else if (truth_mode("dgram"))
		make_datagrams();
	else if (truth_mode("pty"))
		make_terminal();
	else if (truth_mode("sysv"))
		make_messages();
	else if (truth_mode("mq"))
		make_mq();
	else
		make_pipe();
	queue.taker = truth_fork("logreader");
	if (!queue.taker)
		taker_main();
	truth_serve(GIVERS, give_piece);
	truth_verdict("frozen", "strong", false);
	return truth_run("director", "backpressure-stall", freeze_taker);
}
