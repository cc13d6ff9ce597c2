/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes that those of a target forked and that run its program still: a service may be a process for
 * each client. Told by the name, which a child keeps until it executes something else.
 */
#ifndef RECORDER_PROC_PROCESS_TREE_H
#define RECORDER_PROC_PROCESS_TREE_H

#include <stdbool.h>

#include "recorder/proc/target.h"

/* Names of one program: what comes behind a colon says what the process does ("gunicorn: worker"). */
bool process_tree_same_name(const char *comm, const char *other);

/* Look through /proc for children of @target, children of those and so on. Return: whether there were more. */
bool process_tree_add(struct target *target);

#endif
