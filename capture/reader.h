/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capture file, or a recorder's ring file, being read. The reader finds every readable segment,
 * says what is damaged, and trusts no length. It keeps an index entry for each segment in memory.
 */
#ifndef FT_CAPTURE_READER_H
#define FT_CAPTURE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/segment.h"

struct ft_reader;

/* How whole the file is. */
struct ft_damage {
	bool torn;		/* no end mark: the writer did not finish, or the tail is cut off;
				   of a ring, which has none: the tail is cut off */
	uint32_t segments;	/* readable ones */
	uint32_t bad_segments;	/* regions skipped because of damage */
	uint32_t zeroed_segments; /* of those, in a ring: were put, and are zeros now */
	uint32_t unknown_segments; /* kinds this version does not know, skipped */
	uint64_t first_bad_offset; /* of the first damaged region; if only torn the file's length */
	uint64_t skipped_bytes;
	int first_error;	/* -EBADMSG or -ENODATA of the first damaged region or for a missing
				   end mark, else 0 */
};

/**
 * ft_reader_open() - open and index the capture or ring file @path.
 *
 * @ret_missing_feature: on -EOPNOTSUPP the lowest incompatible feature bit
 *                       this version does not know, -1 where it does not know
 *                       the file's version; may be NULL.
 *
 * After damage the index goes on with the next segment whose checksum holds. Of a ring file each
 * place is looked at by itself; an empty one, as the one that is being written, is no damage.
 *
 * Return: 0 (also for a damaged file with at least its header whole; see ft_reader_damage),
 * -ENOMSG (not a capture: wrong magic), -ENODATA (empty, or shorter than the
 * header), -EBADMSG (damaged header), -EISDIR, -ESPIPE (a FIFO or a device), -EOPNOTSUPP,
 * -ENOMEM, or the errno of open or read.
 */
int ft_reader_open(const char *path, struct ft_reader **ret_reader, int *ret_missing_feature);
void ft_reader_close(struct ft_reader *reader);

void ft_reader_damage(const struct ft_reader *reader, struct ft_damage *ret_damage);

/* Of a ring file. */
struct ft_ring_state {
	bool running;		/* its recorder held it when it was opened: this is a copy of that moment */
	uint64_t since_ns;	/* see ft_ringfile_since() */
};

/* @ret_state: written only where it is one; may be NULL. */
bool ft_reader_is_ring(const struct ft_reader *reader, struct ft_ring_state *ret_state);

/* Segments in file order, without the end mark; index < count. Of a ring file: facts, symbols, the
 * recorder's own events, then those of the CPUs, by CPU and sequence. */
size_t ft_reader_count(const struct ft_reader *reader);

/* Header of a segment (payload NULL), borrowed. */
const struct ft_segment *ft_reader_segment(const struct ft_reader *reader, size_t index);

/**
 * ft_reader_load() - the payload of a segment, inflated.
 *
 * @buffer, @buffer_bytes: a malloc'ed buffer that grows as needed, *@buffer may be NULL; the
 *          caller frees it. segment->inflated_bytes of it are valid.
 *
 * Return: 0, -EBADMSG (does not inflate to its size, or changed since it was indexed), -ENOMEM,
 * or the errno of a read.
 */
int ft_reader_load(struct ft_reader *reader, size_t index, void **buffer, size_t *buffer_bytes);

#endif
