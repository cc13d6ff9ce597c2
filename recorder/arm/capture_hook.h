/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --on-capture: runs a command after each capture, with a deadline. Nothing waits for it.
 */
#ifndef RECORDER_ARM_CAPTURE_HOOK_H
#define RECORDER_ARM_CAPTURE_HOOK_H

#include <stdbool.h>
#include <stdint.h>

struct capture_hook;

/**
 * capture_hook_create() - prepare to run @command by /bin/sh -c, in a session of its own.
 *
 * It gets FREEZETRAP_FILE, FREEZETRAP_REASON and FREEZETRAP_SOURCE. If the program analyze is
 * found beside this one or in PATH, it also gets FREEZETRAP_REPORT (a file with the output of
 * analyze --json, removed when the command ends), FREEZETRAP_VERDICT (kind of the first
 * finding) and FREEZETRAP_RESULT (the verdict of the report: "frozen", "not-sure" ...).
 */
int capture_hook_create(const char *command, uint64_t deadline_ns, struct capture_hook **ret_hook);
void capture_hook_destroy(struct capture_hook *hook);	/* kills all runs */

/* Run it for one capture. Two run at once, eight wait in a queue. From one thread; never blocks. */
void capture_hook_run(struct capture_hook *hook, const char *file, const char *source,
		      const char *reason);

/* Reap, and enforce deadlines. Call it now and then, and on SIGCHLD. */
void capture_hook_look(struct capture_hook *hook);

/* The recorder ends: all runs, also those still to come, have to end by @end_ns. */
void capture_hook_end(struct capture_hook *hook, uint64_t end_ns);
bool capture_hook_busy(const struct capture_hook *hook);	/* does any run or wait? */

/* Runs started; failed to start or with an error; killed at the deadline; dropped as the queue
 * was full. */
struct capture_hook_status {
	uint64_t runs, failed, killed, dropped;
};
void capture_hook_status(const struct capture_hook *hook, struct capture_hook_status *ret_status);

#endif
