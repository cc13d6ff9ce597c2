/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the recorder itself has to say (FT_NO_CPU): snapshots of thread states,
 * stacks unwound later, notes.
 *
 * Such events are written when they become known, not when they were true. There are few of
 * them, in proportion to threads and large calls: all are read at once and sorted by time.
 */
#ifndef ANALYZER_ASIDES_H
#define ANALYZER_ASIDES_H

#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"
#include "capture/reader.h"

struct asides;

int asides_create(struct asides **ret_asides);	/* 0 or -ENOMEM */
void asides_destroy(struct asides *asides);

/**
 * asides_read() - add the events of one segment.
 *
 * Return: 0, -EBADMSG (damage; what came before it was added), -E2BIG (more events than any
 * recorder writes; what came before was added), -ENOMEM, -EIO.
 */
int asides_read(struct asides *asides, struct ft_reader *reader, size_t index);

/* Once, after the last segment. */
void asides_sort(struct asides *asides);

size_t asides_count(const struct asides *asides);

/* Sorted; borrowed until destroyed. */
const struct ft_event *asides_at(const struct asides *asides, size_t at);

#endif
