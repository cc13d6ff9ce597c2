/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kinds of probes have in common: one question at a time, asked and
 * waited for in the probe's thread with an eye on the clock.
 */
#ifndef RECORDER_TRIGGER_PROBE_KIND_H
#define RECORDER_TRIGGER_PROBE_KIND_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "recorder/base/clock.h"
#include "recorder/trigger/probe_failures.h"

#define QUESTION_NAME_BYTES 96

enum answer { ANSWER_NONE, ANSWER_GOOD, ANSWER_BAD };

struct probe_ops {
	const char *source; /* of its triggers */

	/**
	 * @ret_name: whom it asks, QUESTION_NAME_BYTES, as "tcp 127.0.0.1:6379". It goes into
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
	 * @ret_why: VERDICT_WHY_BYTES: what is bad about a bad answer.
	 */
	enum answer (*wait)(void *question, uint64_t until_ns, int stop_fd, char *ret_why);

	/* End of a question, with or without an answer. Return: false where something of it cannot
	 * be ended. */
	bool (*drop)(void *question);
};

extern const struct probe_ops QUESTION_TCP;
extern const struct probe_ops QUESTION_HTTP;
extern const struct probe_ops QUESTION_CMD;

/* Return: whether @fd is ready; false at @until_ns, when @stop_fd is readable, or for no reason. */
static inline bool question_poll(int fd, short events, uint64_t until_ns, int stop_fd)
{
	struct pollfd pollfds[] = { { .fd = fd, .events = events },
				    { .fd = stop_fd, .events = POLLIN } };
	uint64_t now_ns = clock_now_ns();
	const struct timespec left = clock_timespec(until_ns > now_ns ? until_ns - now_ns : 0);

	return ppoll(pollfds, 2, &left, NULL) > 0 && pollfds[0].revents && !pollfds[1].revents;
}

#endif
