/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --on-capture: a command after each capture, with a deadline, never waited for.
 */
#ifndef RECORDER_ARM_CAPTURE_HOOK_H
#define RECORDER_ARM_CAPTURE_HOOK_H

#include <stdbool.h>
#include <stdint.h>

struct capture_hook;

/* @command: for /bin/sh -c, as a session of its own. It gets FREEZETRAP_FILE, FREEZETRAP_REASON, FREEZETRAP_SOURCE and, where the program analyze is
 * found beside this one or in PATH, FREEZETRAP_REPORT (a file with analyze --json's output, gone when it ends) and FREEZETRAP_VERDICT (kind of the first finding). */
int capture_hook_create(const char *command, uint64_t deadline_ns, struct capture_hook **ret_hook);
void capture_hook_destroy(struct capture_hook *hook);	/* kills what runs */

/* Start it for one capture; two at once, eight wait in line. From one thread; never blocks. */
void capture_hook_run(struct capture_hook *hook, const char *file, const char *source, const char *reason);

/* To be called now and then, and on SIGCHLD's descriptor: reaps, enforces deadlines. */
void capture_hook_look(struct capture_hook *hook);

/* The recorder ends: what runs, waits in line or is still to come has until then. */
void capture_hook_end(struct capture_hook *hook, uint64_t end_ns);
bool capture_hook_busy(const struct capture_hook *hook);	/* does any run, or wait in line? */

/* How many were started, could not be or said that they failed, were killed at the deadline, found the line full. */
struct capture_hook_status {
	uint64_t runs, failed, killed, dropped;
};
void capture_hook_status(const struct capture_hook *hook, struct capture_hook_status *ret_status);

#endif
