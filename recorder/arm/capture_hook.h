/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --on-capture: a command after each capture, with a deadline, never waited for.
 */
#ifndef RECORDER_AFTER_H
#define RECORDER_AFTER_H

#include <stdbool.h>
#include <stdint.h>

struct after;

/* @command: for /bin/sh -c, as a session of its own. It gets FREEZETRAP_FILE, FREEZETRAP_REASON, FREEZETRAP_SOURCE and, where the program analyze is
 * found beside this one or in PATH, FREEZETRAP_REPORT (a file with analyze --json's output, gone when it ends) and FREEZETRAP_VERDICT (kind of the first finding). */
int after_create(const char *command, uint64_t deadline_ns, struct after **ret_after);
void after_destroy(struct after *after);	/* kills what runs */

/* Start it for one capture; two at once, eight wait in line. From one thread; never blocks. */
void after_run(struct after *after, const char *file, const char *source, const char *reason);

/* To be called now and then, and on SIGCHLD's descriptor: reaps, enforces deadlines. */
void after_look(struct after *after);

/* The recorder ends: what runs, waits in line or is still to come has until then. */
void after_end(struct after *after, uint64_t end_ns);
bool after_busy(const struct after *after);	/* does any run, or wait in line? */

/* How many were started, could not be or said that they failed, were killed at the deadline, found the line full. */
struct after_status {
	uint64_t runs, failed, killed, dropped;
};
void after_status(const struct after *after, struct after_status *ret_status);

#endif
