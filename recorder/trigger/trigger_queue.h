/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queue of triggers, the reasons to write a capture. Probes, pressure stalls, the control
 * socket, signals and blocked threads post them; one thread takes them.
 */
#ifndef RECORDER_TRIGGER_TRIGGER_QUEUE_H
#define RECORDER_TRIGGER_TRIGGER_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#define TRIGGER_SOURCE_BYTES 32
#define TRIGGER_REASON_BYTES 256

struct trigger {
	char source[TRIGGER_SOURCE_BYTES];	/* "probe-tcp", "psi", "blocked", "socket", "signal" */
	char reason[TRIGGER_REASON_BYTES];	/* one line of evidence, with its numbers */
	uint64_t time_ns;			/* CLOCK_MONOTONIC, when the evidence was complete */
	uint64_t number;			/* counts triggers, from 1 */
};

struct trigger_queue;

int trigger_queue_create(struct trigger_queue **ret_triggers);	/* 0, -ENOMEM or an errno of eventfd() */
void trigger_queue_destroy(struct trigger_queue *triggers);

/* For poll(): readable while a trigger waits. */
int trigger_queue_fd(const struct trigger_queue *triggers);

/**
 * trigger_queue_post() - add a trigger, from any thread. Never blocks, never allocates.
 *
 * @time_ns: 0 for now.
 *
 * Return: the trigger's number, or 0 if too many wait already: then it is counted and forgotten.
 * The numbers have no gaps.
 */
uint64_t trigger_queue_post(struct trigger_queue *triggers, const char *source, uint64_t time_ns,
			    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* How many triggers there was no room for. */
uint64_t trigger_queue_forgotten(const struct trigger_queue *triggers);

/* Take the oldest trigger. Return: false if none waits. Only one thread may call it. */
bool trigger_queue_take(struct trigger_queue *triggers, struct trigger *ret_trigger);

#endif
