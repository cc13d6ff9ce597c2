/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A probe asks the service again and again how it is: by a TCP connection, an HTTP request or a
 * command. It has a thread of its own that nobody waits for.
 */
#ifndef RECORDER_TRIGGER_PROBE_H
#define RECORDER_TRIGGER_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"
#include "recorder/trigger/trigger_queue.h"
#include "recorder/trigger/probe_deadline.h"

enum probe_kind { PROBE_TCP, PROBE_HTTP, PROBE_CMD };

struct probe_options {
	enum probe_kind kind;
	const char *what; /* HOST:PORT[,send=TEXT], URL or a shell command */
	uint64_t interval_ns; /* between the starts of two questions (500 ms) */
	uint64_t slower_than_ns; /* a failure is a bad answer, or none within this time (200 ms) */
	uint64_t for_ns; /* it fires after failures for so long without a good answer (2 s) */
	bool was_answered; /* an earlier probe had a good answer: this one may fire before it has one */
	/* Gets a note when an answer is late, and when a good one has come again; NULL. Never after
	 * probe_stop(). */
	void (*note)(void *context, const struct ft_event *event);
	void *note_context;
};

struct probe;

/**
 * probe_start() - ask until stopped; post to @triggers once for each unbroken row of failures.
 *
 * It does not fire before the first answer that is not bad. A probe without such an answer asks the
 * wrong address, or a service that was down all the time.
 *
 * A row of failures begins when its first question is asked. A question without an answer fires as
 * soon as it is late and the row is long enough. It is given up after slower_than + for, 5 s at
 * least, and asked anew. A command is killed then. Two commands never run at once, even if one
 * cannot be killed.
 *
 * HOST:PORT,send=TEXT (\r, \n, \\ and \xNN are bytes) waits for the first byte of an answer to
 * TEXT. Without TEXT a connection is enough, which the kernel accepts for a frozen process too. The
 * process must not ignore SIGCHLD, and must reap no children but its own.
 *
 * @options:     not kept.
 * @ret_problem: on -EINVAL and -ENOTSUP, static text: what is wrong with options->what, or which
 *               library this build lacks.
 *
 * Return: 0, -EINVAL, -ENOTSUP, -ENOMEM, or errno of starting a thread.
 */
int probe_start(const struct probe_options *options, struct trigger_queue *triggers,
		struct probe **ret_probe, const char **ret_problem);

/* Never waits for a stuck question: the thread and what it owns are left behind. */
void probe_stop(struct probe *probe);

struct probe_status {
	uint64_t asked, answered, failed, fired; /* answered counts late answers, but no bad ones */
	char last_why[PROBE_WHY_BYTES]; /* what was bad at the last failure, or "" */
	uint64_t last_ns; /* time to the last answer, or the time that the current question has taken if that is longer */
	uint64_t waiting_since_ns; /* a good answer has been waited for since; 0: it is not */
	bool stuck; /* the question has exceeded its deadline, or cannot be ended */
};
void probe_status(struct probe *probe, struct probe_status *ret_status);

#define PROBE_NAME_BYTES 96

enum answer { ANSWER_NONE, ANSWER_GOOD, ANSWER_BAD };

/* A kind of probe. It has one question at a time, asked and waited for in the probe's thread. */
struct probe_ops {
	const char *source; /* source of its triggers */

	/**
	 * @ret_name: PROBE_NAME_BYTES: whom it asks, as "tcp 127.0.0.1:6379". Captures hold it
	 * and are passed around, so it must hold no secret.
	 *
	 * Return: 0, -EINVAL, -ENOTSUP (both with @ret_problem), -ENOMEM. Never blocks.
	 */
	int (*create)(const char *what, void **ret_question, char *ret_name,
		      const char **ret_problem);
	void (*destroy)(void *question);

	/* Begin to ask. Never blocks. */
	void (*ask)(void *question);

	/**
	 * Wait for the answer until @until_ns or until @stop_fd is readable. It may return early
	 * without a reason.
	 *
	 * @ret_why: PROBE_WHY_BYTES: what is bad about a bad answer.
	 */
	enum answer (*wait)(void *question, uint64_t until_ns, int stop_fd, char *ret_why);

	/* End the question, answered or not. Return: false if a part of it cannot be ended. */
	bool (*end)(void *question);
};

extern const struct probe_ops PROBE_TCP_OPS;
extern const struct probe_ops PROBE_HTTP_OPS;
extern const struct probe_ops PROBE_CMD_OPS;

/* Return: whether @fd is ready. False at @until_ns, if @stop_fd is readable, or for no reason. */
bool probe_poll(int fd, short events, uint64_t until_ns, int stop_fd);

#endif
