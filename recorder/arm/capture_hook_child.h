/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child of --on-capture: it runs analyze, then the command.
 */
#ifndef RECORDER_ARM_CAPTURE_HOOK_CHILD_H
#define RECORDER_ARM_CAPTURE_HOOK_CHILD_H

#include <stdint.h>

struct capture_hook_job {
	const char *command;	/* for /bin/sh -c */
	const char *file, *source, *reason;
	const char *report;	/* path; the child creates it with analyze's output, the parent removes it */
	uint64_t analyze_ns;	/* deadline of analyze */
};

/* Call it in a fresh child of fork(). Never returns: the command replaces the child. */
_Noreturn void capture_hook_child(const struct capture_hook_job *job);

#endif
