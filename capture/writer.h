/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capture file being written: header, segments (deflated), end mark.
 */
#ifndef FT_CAPTURE_WRITER_H
#define FT_CAPTURE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/segment.h"

struct ft_writer;

/**
 * ft_writer_create() - write a capture to @fd, which stays the caller's.
 *
 * @fd: open for writing at offset 0; a regular file where a full disk is to be
 *      survived (see ft_writer_seal), else anything that can be written to.
 *
 * Return: 0, -ENOMEM, or the errno of the first write.
 */
int ft_writer_create(int fd, struct ft_writer **ret_writer);
void ft_writer_destroy(struct ft_writer *writer);

/**
 * ft_writer_segment() - append a sealed segment of events as ft_encoder_seal()
 * left it, deflated if that makes it smaller.
 *
 * Return: 0, -EBADMSG (not a segment), or the errno of a write (-ENOSPC,
 * -EDQUOT, -EIO ...): then the file ends, as before the call, at a segment's end.
 */
int ft_writer_segment(struct ft_writer *writer, const void *segment, size_t segment_bytes);

/* From here on nothing is deflated: three times as fast, and twice as large. */
void ft_writer_hurry(struct ft_writer *writer);

/**
 * ft_writer_payload() - append a segment of another kind (facts, symbols).
 *
 * @payload_bytes: at most FT_SEGMENT_PAYLOAD_BYTES_MAX.
 *
 * Return: as ft_writer_segment(); -EMSGSIZE for too large a payload.
 */
int ft_writer_payload(struct ft_writer *writer, enum ft_segment_kind kind,
		      const void *payload, size_t payload_bytes);

/**
 * ft_writer_draft() - append what will be written again, complete, before the end:
 * so that a file whose writer was killed can be read too.
 *
 * As ft_writer_payload(), but ft_writer_make_room() may cut it.
 */
int ft_writer_draft(struct ft_writer *writer, enum ft_segment_kind kind, const void *payload,
		    size_t payload_bytes);

/**
 * ft_writer_make_room() - after a full disk: cut whole segments of events, and drafts, from
 * the end of the file until about @bytes are free again.
 *
 * @ret_cut_segments: how many were cut. The reader reports them as a gap.
 *
 * Return: 0, -ENOSPC (nothing left to cut), or an errno of ftruncate (-EINVAL where @fd is not
 * a regular file).
 */
int ft_writer_make_room(struct ft_writer *writer, size_t bytes, uint32_t *ret_cut_segments);

/**
 * ft_writer_end() - append the end mark: without it a reader calls the file torn.
 */
int ft_writer_end(struct ft_writer *writer);

uint64_t ft_writer_bytes(const struct ft_writer *writer);	/* length of the file so far */

#endif
