/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header every segment of a ring file or a capture begins with.
 */
#ifndef FT_CAPTURE_SEGMENT_H
#define FT_CAPTURE_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

#define FT_SEGMENT_HEADER_BYTES 64
#define FT_SEGMENT_BYTES_MIN 4096		/* least buffer to encode into */
#define FT_SEGMENT_PAYLOAD_BYTES_MAX (16u << 20)	/* inflated; larger is refused as damage */

enum ft_segment_kind {
	FT_SEGMENT_EVENTS = 1,	/* capture/decoder.h */
	FT_SEGMENT_FACTS = 2,	/* capture/facts.h */
	FT_SEGMENT_SYMBOLS = 3,	/* capture/symbols.h */
	FT_SEGMENT_END = 4,	/* nothing lost after this: the capture is complete */
};

#define FT_SEGMENT_DEFLATED 0x01	/* flags: payload is a zlib stream */

struct ft_segment {
	uint8_t kind;			/* enum ft_segment_kind; unknown ones are skipped */
	uint8_t flags;			/* FT_SEGMENT_DEFLATED */
	uint32_t cpu;			/* or FT_NO_CPU */
	uint64_t sequence;		/* of this CPU's segments of events */
	uint64_t first_ns, last_ns;	/* least and greatest time of its events */
	uint32_t events;
	uint32_t lost;			/* records that the events say were lost */
	uint32_t payload_bytes;		/* as stored */
	uint32_t inflated_bytes;	/* as decoded; == payload_bytes where not deflated */
	const void *payload;		/* borrowed from the buffer */
};

/**
 * ft_segment_decode() - check and describe the segment at the start of @buf.
 *
 * @buf:            @buf_bytes readable bytes, any alignment. Not copied:
 *                  @ret_segment->payload points into it.
 * @ret_segment:    written only on success.
 * @ret_used_bytes: written only on success; multiple of 8, <= @buf_bytes.
 *
 * Return: 0, -ENODATA (@buf ends inside a plausible segment: a torn tail;
 * keep what came before), -EBADMSG (wrong magic, impossible length, times out
 * of order, checksum mismatch: damage).
 *
 * Source: doc/FORMAT.md, "Segments".
 */
int ft_segment_decode(const void *buf, size_t buf_bytes, struct ft_segment *ret_segment,
		      size_t *ret_used_bytes);

/**
 * ft_segment_encode() - write header, padding and checksum around a payload
 * that already lies at @buf + FT_SEGMENT_HEADER_BYTES.
 *
 * @segment: payload is ignored; the rest goes into the header.
 * @buf_bytes: room for header, payload and padding to a multiple of 8.
 *
 * Return: length of the segment, or -ENOBUFS.
 */
long ft_segment_encode(const struct ft_segment *segment, void *buf, size_t buf_bytes);

/* Length of a segment with header and padding. */
size_t ft_segment_bytes(uint32_t payload_bytes);

/**
 * ft_segment_decode_header() - for a reader that streams the payload.
 *
 * @ret_segment:     written only on success, payload NULL. The header has a checksum of its own:
 *                   its lengths can be relied on.
 * @ret_payload_crc: CRC-32 of payload and padding, left to the caller to check.
 *
 * Return: as ft_segment_decode().
 */
int ft_segment_decode_header(const void *buf, size_t buf_bytes, struct ft_segment *ret_segment,
			     uint32_t *ret_payload_crc);

#endif
