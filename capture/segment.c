/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segment headers, with the checksums of header and payload, <-> bytes. Of a file that is read in
 * pieces, reader.c holds the payload against the checksum itself.
 */
#include "capture/segment.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "capture/bytes.h"

static const uint8_t magic[4] = { 'F', 'T', 's', 'g' };

/* Where the fields lie; doc/FORMAT.md, "Segments". */
enum {
	AT_MAGIC = 0,
	AT_KIND = 4,
	AT_FLAGS = 5,
	AT_CPU = 8,
	AT_EVENTS = 12,
	AT_SEQUENCE = 16,
	AT_FIRST_NS = 24,
	AT_LAST_NS = 32,
	AT_LOST = 40,
	AT_PAYLOAD_BYTES = 44,
	AT_INFLATED_BYTES = 48,
	AT_PAYLOAD_CRC = 52,
	AT_HEADER_CRC = 60,
};

size_t ft_segment_bytes(uint32_t payload_bytes)
{
	return FT_SEGMENT_HEADER_BYTES + (((size_t)payload_bytes + 7) & ~(size_t)7);
}

static int check_lengths(const struct ft_segment *segment)
{
	if (segment->payload_bytes > FT_SEGMENT_PAYLOAD_BYTES_MAX ||
	    segment->inflated_bytes > FT_SEGMENT_PAYLOAD_BYTES_MAX)
		return -EBADMSG;
	if (segment->flags == 0 && segment->inflated_bytes != segment->payload_bytes)
		return -EBADMSG;
	if (segment->first_ns > segment->last_ns)
		return -EBADMSG;
	return 0;
}

int ft_segment_decode_header(const void *buf, size_t buf_bytes, struct ft_segment *ret_segment,
			     uint32_t *ret_payload_crc)
{
	const uint8_t *header = buf;
	struct ft_segment segment;
	int error;

	if (memcmp(header, magic, buf_bytes < sizeof(magic) ? buf_bytes : sizeof(magic)) != 0)
		return -EBADMSG;
	if (buf_bytes < FT_SEGMENT_HEADER_BYTES)
		return -ENODATA;
	if (crc32(0, header, AT_HEADER_CRC) != ft_get_le32(header + AT_HEADER_CRC))
		return -EBADMSG;

	segment = (struct ft_segment){
		.kind = header[AT_KIND],
		.flags = header[AT_FLAGS],
		.cpu = ft_get_le32(header + AT_CPU),
		.events = ft_get_le32(header + AT_EVENTS),
		.sequence = ft_get_le64(header + AT_SEQUENCE),
		.first_ns = ft_get_le64(header + AT_FIRST_NS),
		.last_ns = ft_get_le64(header + AT_LAST_NS),
		.lost = ft_get_le32(header + AT_LOST),
		.payload_bytes = ft_get_le32(header + AT_PAYLOAD_BYTES),
		.inflated_bytes = ft_get_le32(header + AT_INFLATED_BYTES),
	};
	error = check_lengths(&segment);
	if (error)
		return error;

	*ret_segment = segment;
	*ret_payload_crc = ft_get_le32(header + AT_PAYLOAD_CRC);
	return 0;
}

int ft_segment_decode(const void *buf, size_t buf_bytes, struct ft_segment *ret_segment,
		      size_t *ret_used_bytes)
{
	const uint8_t *payload = (const uint8_t *)buf + FT_SEGMENT_HEADER_BYTES;
	struct ft_segment segment;
	uint32_t payload_crc;
	size_t bytes;
	int error;

	error = ft_segment_decode_header(buf, buf_bytes, &segment, &payload_crc);
	if (error)
		return error;
	bytes = ft_segment_bytes(segment.payload_bytes);
	if (bytes > buf_bytes)
		return -ENODATA;
	if (crc32_z(0, payload, bytes - FT_SEGMENT_HEADER_BYTES) != payload_crc)
		return -EBADMSG;

	segment.payload = payload;
	*ret_segment = segment;
	*ret_used_bytes = bytes;
	return 0;
}

long ft_segment_encode(const struct ft_segment *segment, void *buf, size_t buf_bytes)
{
	size_t bytes = ft_segment_bytes(segment->payload_bytes);
	uint8_t *header = buf, *payload = header + FT_SEGMENT_HEADER_BYTES;
	size_t padded_bytes = bytes - FT_SEGMENT_HEADER_BYTES;

	if (bytes > buf_bytes)
		return -ENOBUFS;
	memset(payload + segment->payload_bytes, 0, padded_bytes - segment->payload_bytes);

	memset(header, 0, FT_SEGMENT_HEADER_BYTES);
	memcpy(header + AT_MAGIC, magic, sizeof(magic));
	header[AT_KIND] = segment->kind;
	header[AT_FLAGS] = segment->flags;
	ft_put_le32(header + AT_CPU, segment->cpu);
	ft_put_le32(header + AT_EVENTS, segment->events);
	ft_put_le64(header + AT_SEQUENCE, segment->sequence);
	ft_put_le64(header + AT_FIRST_NS, segment->first_ns);
	ft_put_le64(header + AT_LAST_NS, segment->last_ns);
	ft_put_le32(header + AT_LOST, segment->lost);
	ft_put_le32(header + AT_PAYLOAD_BYTES, segment->payload_bytes);
	ft_put_le32(header + AT_INFLATED_BYTES, segment->inflated_bytes);
	ft_put_le32(header + AT_PAYLOAD_CRC, (uint32_t)crc32_z(0, payload, padded_bytes));
	ft_put_le32(header + AT_HEADER_CRC, (uint32_t)crc32(0, header, AT_HEADER_CRC));
	return (long)bytes;
}
