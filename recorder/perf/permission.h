/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The permissions of the recorder on this host, and why the kernel refused something.
 */
#ifndef RECORDER_PERF_PERMISSION_H
#define RECORDER_PERF_PERMISSION_H

#include <stdbool.h>
#include <stddef.h>

/* For a tracefs that is mounted and may not be read: only root may read its files. */
#define PERMISSION_TRACEFS_ADVICE                                                                  \
	"Reading /sys/kernel/tracing needs CAP_DAC_READ_SEARCH besides CAP_PERFMON (and CAP_SYSLOG "  \
	"for the names of kernel functions); give this user all three, or run as root."

struct permission {
	int paranoid;		/* kernel.perf_event_paranoid; INT_MIN: there is none */
	int kptr_restrict;	/* likewise */
	char lockdown[32];	/* none, integrity, confidentiality; "" without lockdown */
	bool root;
	bool sys_admin, perfmon, syslog, ipc_lock, sys_nice, sys_ptrace, sys_resource;
	bool dac_read_search;
	bool user_namespace;	/* root here is not root of the host */
	bool seccomp;		/* a filter is on this process */
};

void permission_read(struct permission *ret_permission);

/* Names of the held capabilities that matter, joined by ", "; "none". */
void permission_capabilities(const struct permission *permission, char *ret_text,
			     size_t text_bytes);

/**
 * permission_explain() - why perf_event_open() or tracefs failed with @error, and what to do.
 *
 * @ret_text: whole sentences, without a newline at the end.
 *
 * Return: true where this is a matter of permission.
 */
bool permission_explain(const struct permission *permission, int error, char *ret_text,
			size_t text_bytes);

/* What a capture without the names of the kernel's functions cannot tell. */
#define PERMISSION_NO_NAMES                                                                        \
	"the names of kernel functions are not known here, so a report cannot say what threads waited " \
	"for (NO VERDICT): only who wanted a CPU, and who was stopped"

/* What to do where kallsyms_read() failed with @error. @ret_text: whole sentences, without a newline at the end. */
void permission_explain_names(const struct permission *permission, int error, char *ret_text,
			      size_t text_bytes);

/* Print both, also where the recorder is to be quiet: what is recorded is not what was wanted. @error: 0: they are known. */
void permission_warn_of_names(int error);

#endif
