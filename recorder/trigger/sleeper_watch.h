/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sleeping threads of the target, of which the events do not tell whether they could go on:
 * which of them cannot, and does the target stand still as a whole?
 *
 * It asks /proc what they sleep in, of a few at a time, and never anything that may wait for them.
 *
 * The target stands still when it had switched again and again, never longer apart than half a
 * second, for ten seconds; then none of its threads has run for the time of --for; and none of
 * them waits for input from outside, for a child or for a timer. An idle server waits for input.
 */
#ifndef RECORDER_TRIGGER_SLEEPER_WATCH_H
#define RECORDER_TRIGGER_SLEEPER_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/proc/proc_task.h"
#include "recorder/record/blocked_threads.h"

struct target;

#define SLEEPER_STEADY_NS 10000000000u
#define SLEEPER_GAP_NS	  500000000u

/* proc_task_read_wait(), or what a test makes up. */
typedef int sleeper_read(int32_t tgid, int32_t tid, struct proc_task_wait *ret_wait);

struct sleeper_watch;

int sleeper_watch_create(const struct blocked_threads *blocked, sleeper_read *read,
			 struct sleeper_watch **ret_watch);
void sleeper_watch_destroy(struct sleeper_watch *watch);

/* Look at some of the threads again. @drained_ns: events up to then have reached the table. */
void sleeper_watch_look(struct sleeper_watch *watch, const struct target *target,
			uint64_t drained_ns);

/*
 * @thread, in slot @slot of the table, sleeps. Return: since when it cannot go on; 0: it may be
 * idle, as far as is known. @ret_letter: 'S', or the state that it has by now.
 */
uint64_t sleeper_watch_since(const struct sleeper_watch *watch, size_t slot,
			     const struct blocked_thread *thread, char *ret_letter);

/**
 * sleeper_watch_still_ns() - since when the target stands still, at the last look; 0: it does not.
 *
 * @for_ns: it has for so long.
 */
uint64_t sleeper_watch_still_ns(struct sleeper_watch *watch, const struct target *target,
				uint64_t for_ns, uint64_t drained_ns);

#endif
