/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of mappings in recorded events. Segments of different CPUs come in no order, so changes
 * are collected first and then applied by time.
 */
#ifndef RECORDER_SYMBOLS_MAPPING_CHANGES_H
#define RECORDER_SYMBOLS_MAPPING_CHANGES_H

#include <stdint.h>

struct ft_event;
struct mapping_changes;
struct mappings;

int mapping_changes_create(struct mapping_changes **ret_changes);	/* 0 or -ENOMEM */
void mapping_changes_destroy(struct mapping_changes *changes);

/* Takes MMAP, FORK, COMM by exec, and EXIT of a process; ignores others. Return: 0 or -ENOMEM. */
int mapping_changes_add(struct mapping_changes *changes, const struct ft_event *event);

/**
 * mapping_changes_apply() - bring @mappings, the same each time, up to date in the order of time.
 *
 * Where a change came late, those after it in time are applied once more: what they replace is
 * replaced again.
 *
 * Return: 0 or -ENOMEM.
 */
int mapping_changes_apply(struct mapping_changes *changes, uint64_t until_ns,
			  struct mappings *mappings);

void mapping_changes_forget(struct mapping_changes *changes, uint64_t until_ns);

#endif
