/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the whole segments of a ring file, also of one that is being written.
 */
#ifndef FT_CAPTURE_RINGINDEX_H
#define FT_CAPTURE_RINGINDEX_H

#include <stdint.h>

#include "capture/reader.h"
#include "capture/ringfile.h"

struct ft_ringindex {
	int fd;			/* of the ring file */
	int copy_fd;		/* what is found is copied there, to the same offset; -1: not */
	struct ft_ringfile ring;
	/* A whole segment at @offset, payload NULL. What it returns but 0 ends the search. */
	int (*take)(void *context, const struct ft_segment *segment, uint64_t offset,
		    uint32_t payload_crc);
	void *context;
	struct ft_damage *damage;	/* added to, but for the segments that were taken */
};

/* The facts are taken once, their newest whole copy. Return: 0, -ENOMEM, an errno of read or
 * write, or what take() returned. */
int ft_ringindex_run(const struct ft_ringindex *index, uint64_t *ret_since_ns);

#endif
