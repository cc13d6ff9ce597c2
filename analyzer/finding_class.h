/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings that a wait class proves by itself: threads waited for a CPU, a device or
 * memory, and no thread is to blame that a capture could name.
 */
#ifndef ANALYZER_FINDING_CLASS_H
#define ANALYZER_FINDING_CLASS_H

#include "analyzer/account.h"
#include "analyzer/model.h"
#include "analyzer/stackfacts.h"
#include "analyzer/stall.h"

/**
 * finding_class_add() - cpu-starved, io-stall, memcg-reclaim-stall ... for what most of the stall's time went to.
 *
 * @waits: the capture's long waits; those within @stall count.
 *
 * @ret_class: the class; WAIT_UNKNOWN where none has such a finding, and nothing was appended.
 *
 * Return: 0 or -ENOMEM.
 */
int finding_class_add(struct stackfacts *stackfacts,
		      const struct long_wait *waits, size_t count, const struct stall *stall,
		      struct model *model, enum wait_class *ret_class);

#endif
