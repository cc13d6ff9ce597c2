/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Triggers of pressure stall information (PSI): the kernel reports when tasks lost too much time
 * waiting for CPU, memory or I/O.
 */
#ifndef RECORDER_TRIGGER_PSI_H
#define RECORDER_TRIGGER_PSI_H

#include <stdbool.h>
#include <stdint.h>

#include "recorder/trigger/trigger_queue.h"

struct psi;

#define PSI_CGROUP_BYTES 256

struct psi_spec {
	char resource[8];
	char cgroup[PSI_CGROUP_BYTES]; /* directory of the cgroup; empty: the whole host */
	bool full; /* "full", all tasks stalled; else "some" */
	uint64_t stall_ns;
	uint64_t window_ns;
};

/**
 * psi_spec_parse() - parse RESOURCE:some|full:STALL/WINDOW.
 *
 * RESOURCE is cpu, memory, io or irq, or RESOURCE@DIRECTORY for one cgroup.
 *
 * Return: 0 or -EINVAL, with static text in @ret_problem.
 */
int psi_spec_parse(const char *text, struct psi_spec *ret_spec, const char **ret_problem);

/**
 * psi_start() - watch for pressure; post to @triggers when it begins, but not again while it
 * lasts.
 *
 * @spec:        as for psi_spec_parse(), memory:some:300ms/2s. A cgroup is one of version 2. It is
 *               found again when it is removed and made anew.
 * @ret_problem: on failure, static text: what to change.
 *
 * Return: 0, -EINVAL (wrong @spec), -ENOENT (no /proc/pressure, or no such cgroup), -ERANGE (this
 * user may not ask for such a window), or another errno.
 */
int psi_start(const char *spec, struct trigger_queue *triggers, struct psi **ret_psi,
	      const char **ret_problem);
void psi_stop(struct psi *psi);

#endif
