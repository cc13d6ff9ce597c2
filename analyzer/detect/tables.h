/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model's tables, locks, waits and threads.
 */
#ifndef ANALYZER_DETECT_TABLES_H
#define ANALYZER_DETECT_TABLES_H

#include "analyzer/detect/detectors.h"

/* Each appends its table to the model. Return: 0 or -ENOMEM. */
int tables_locks(const struct detect_context *in);
int tables_waits(const struct detect_context *in);

/* How sure it is that @owner held the lock for most of what is charged to it. */
enum grade tables_owner_grade(const struct lock_owner *owner);

/* Call it after the findings: their culprits come first. */
int tables_threads(const struct detect_context *in);

#endif
