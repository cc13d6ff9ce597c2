/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the patient, again and again, how it is: a TCP connect, an HTTP
 * request or a command, in a thread of its own that nobody ever waits for.
 */
#ifndef RECORDER_TRIGGER_PROBE_H
#define RECORDER_TRIGGER_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/trigger/trigger_queue.h"
#include "recorder/trigger/probe_failures.h"

enum probe_kind { PROBE_TCP, PROBE_HTTP, PROBE_CMD };

struct probe_options {
	enum probe_kind kind;
	const char *what; /* HOST:PORT[,send=TEXT], URL or a shell command */
	uint64_t interval_ns; /* between the starts of two questions (500 ms) */
	uint64_t slower_than_ns; /* an answer this late, none, or a bad one is a failure (200 ms) */
	uint64_t for_ns; /* failures without a good answer in between for this long fire (2 s) */
	bool was_answered; /* by an earlier probe: this one may fire before it had an answer itself */
};

struct probe;

/**
 * probe_start() - ask until stopped; post to @triggers when it fires, once for each unbroken row of
 * failures.
 *
 * It fires only once it had an answer that was not bad, late or not: who was never answered asks
 * the wrong address, or somebody who was down all the time.
 *
 * A row of failures counts from when its first question was asked. A question without an answer
 * fires as soon as it is late and the row is long enough; it is given up after slower_than + for, 5 s
 * at least, and asked anew. A command is then killed; never do two run at once, even where one
 * cannot be killed.
 *
 * HOST:PORT,send=TEXT (\r, \n, \\ and \xNN are bytes) waits for the first byte of an answer to
 * TEXT; without it, connecting is all, which the kernel does for a process that is frozen, too. The
 * process must not ignore SIGCHLD, and must reap only children of its own.
 *
 * @options: not kept.
 *
 * @ret_problem: on -EINVAL and -ENOTSUP, static text: what is wrong with options->what, or which
 * library this build lacks.
 *
 * Return: 0, -EINVAL, -ENOTSUP, -ENOMEM, or errno of starting a thread.
 */
int probe_start(const struct probe_options *options, struct trigger_queue *triggers,
		struct probe **ret_probe, const char **ret_problem);

/* Never waits for a question that is stuck: what it owns is left behind then. */
void probe_stop(struct probe *probe);

struct probe_status {
	uint64_t asked, answered, failed, fired; /* answered: not badly, late or not */
	char last_why[PROBE_WHY_BYTES]; /* of the last failure: what was bad, or "" */
	uint64_t last_ns; /* of the last answer, or so far of the one under way if that is longer */
	bool stuck; /* a question is under way for longer than its deadline, or cannot be ended */
};
void probe_status(struct probe *probe, struct probe_status *ret_status);

#define PROBE_NAME_BYTES 96

enum answer { ANSWER_NONE, ANSWER_GOOD, ANSWER_BAD };

struct probe_ops {
	const char *source; /* of its triggers */

	/**
	 * @ret_name: whom it asks, PROBE_NAME_BYTES, as "tcp 127.0.0.1:6379". It goes into
	 * captures, which are passed around: nothing that may be a secret.
	 *
	 * Return: 0, -EINVAL, -ENOTSUP (both with @ret_problem), -ENOMEM. Never blocks.
	 */
	int (*create)(const char *what, void **ret_question, char *ret_name,
		      const char **ret_problem);
	void (*destroy)(void *question);

	/* Begin to ask. Never blocks. */
	void (*ask)(void *question);

	/**
	 * Wait for the answer, until @until_ns or until @stop_fd is readable; early and without
	 * reason too.
	 *
	 * @ret_why: PROBE_WHY_BYTES: what is bad about a bad answer.
	 */
	enum answer (*wait)(void *question, uint64_t until_ns, int stop_fd, char *ret_why);

	/* End of a question, with or without an answer. Return: false where something of it cannot
	 * be ended. */
	bool (*drop)(void *question);
};

extern const struct probe_ops PROBE_TCP_OPS;
extern const struct probe_ops PROBE_HTTP_OPS;
extern const struct probe_ops PROBE_CMD_OPS;

/* Return: whether @fd is ready; false at @until_ns, when @stop_fd is readable, or for no reason. */
bool probe_poll(int fd, short events, uint64_t until_ns, int stop_fd);

#endif
