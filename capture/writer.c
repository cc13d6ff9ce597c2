/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capture file being written.
 *
 * The file ends at a segment's end whenever nothing is being written. Room for a segment and for
 * the end mark is reserved before the segment is written, where the file system can do that: so a
 * full disk does not keep a capture from being completed.
 */
#include "config.h"

#include "capture/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "capture/event.h"
#include "capture/format.h"
#include "capture/header.h"

struct ft_writer {
	int fd;
	int broken; /* errno after which the file's end is not known any more */
	uint64_t bytes;
	uint64_t *
		cuttables; /* offsets of the segments that may be cut, behind the last that may not */
	size_t cuttables_count, cuttables_capacity;
	uint8_t *buffer; /* a segment, as it is written */
	size_t buffer_bytes;
	z_stream deflater;
	bool hurried; /* nothing is deflated any more */
};

/* Reserves @bytes behind the file's end. Where that is not possible, the write will fail instead. */
static int reserve_room(struct ft_writer *writer, size_t bytes)
{
	while (fallocate(writer->fd, FALLOC_FL_KEEP_SIZE, (off_t)writer->bytes, (off_t)bytes)) {
		if (errno == ENOSPC || errno == EDQUOT)
			return -errno;
		if (errno != EINTR)
			break;
	}
	return 0;
}

static int write_whole(int fd, const uint8_t *bytes, size_t count)
{
	while (count > 0) {
		ssize_t written = write(fd, bytes, count);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 ? -errno : -EIO;
		bytes += written;
		count -= (size_t)written;
	}
	return 0;
}

/* Room reserved behind @bytes is freed too, except that of the end mark. */
static int cut_file(struct ft_writer *writer, uint64_t bytes)
{
	while (ftruncate(writer->fd, (off_t)bytes)) {
		if (errno != EINTR)
			return -errno;
	}
	if (lseek(writer->fd, (off_t)bytes, SEEK_SET) < 0)
		return -errno;
	writer->bytes = bytes;
	reserve_room(writer, FT_SEGMENT_HEADER_BYTES);
	return 0;
}

/* Writes all of @bytes or none of them. */
static int append_bytes(struct ft_writer *writer, const uint8_t *bytes, size_t count,
			size_t spare_bytes)
{
	int error;

	if (writer->broken)
		return writer->broken;
	error = reserve_room(writer, count + spare_bytes);
	if (!error)
		error = write_whole(writer->fd, bytes, count);
	if (error) {
		if (cut_file(writer, writer->bytes))
			writer->broken = error;
		return error;
	}
	writer->bytes += count;
	return 0;
}

static int write_file_header(struct ft_writer *writer)
{
	uint8_t header[FT_FILE_HEADER_BYTES] = { 0 };

	ft_header_make(&ft_capture_header, header);
	return append_bytes(writer, header, sizeof(header), FT_SEGMENT_HEADER_BYTES);
}

int ft_writer_create(int fd, struct ft_writer **ret_writer)
{
	struct ft_writer *writer = calloc(1, sizeof(*writer));
	int error;

	if (!writer)
		return -ENOMEM;
	writer->fd = fd;
	if (deflateInit(&writer->deflater, Z_BEST_SPEED) != Z_OK) {
		free(writer);
		return -ENOMEM;
	}
	error = write_file_header(writer);
	if (error) {
		ft_writer_destroy(writer);
		return error;
	}
	*ret_writer = writer;
	return 0;
}

void ft_writer_destroy(struct ft_writer *writer)
{
	if (!writer)
		return;
	deflateEnd(&writer->deflater);
	free(writer->cuttables);
	free(writer->buffer);
	free(writer);
}

static int reserve_buffer(struct ft_writer *writer, size_t bytes)
{
	uint8_t *buffer;

	if (bytes <= writer->buffer_bytes)
		return 0;
	buffer = realloc(writer->buffer, bytes);
	if (!buffer)
		return -ENOMEM;
	writer->buffer = buffer;
	writer->buffer_bytes = bytes;
	return 0;
}

/* Puts @segment's payload into the buffer, behind the place of the header, deflated if that is
 * shorter. */
static int deflate_payload(struct ft_writer *writer, struct ft_segment *segment)
{
	uint8_t *to;
	int error;

	error = reserve_buffer(writer, ft_segment_bytes(segment->payload_bytes));
	if (error)
		return error;
	to = writer->buffer + FT_SEGMENT_HEADER_BYTES;
	writer->deflater.next_in = (uint8_t *)segment->payload;
	writer->deflater.avail_in = segment->payload_bytes;
	writer->deflater.next_out = to;
	/* Deflating that does not save a byte is not worth it. */
	writer->deflater.avail_out = segment->payload_bytes ? segment->payload_bytes - 1 : 0;
	if (!writer->hurried && deflateReset(&writer->deflater) == Z_OK &&
	    deflate(&writer->deflater, Z_FINISH) == Z_STREAM_END) {
		segment->payload_bytes = (uint32_t)(writer->deflater.next_out - to);
		segment->flags |= FT_SEGMENT_DEFLATED;
	} else if (segment->payload_bytes > 0) {
		memcpy(to, segment->payload, segment->payload_bytes);
	}
	return 0;
}

static int remember_cuttable(struct ft_writer *writer)
{
	size_t capacity = writer->cuttables_capacity ? writer->cuttables_capacity * 2 : 256;
	uint64_t *cuttables;

	if (writer->cuttables_count == writer->cuttables_capacity) {
		cuttables = reallocarray(writer->cuttables, capacity, sizeof(*cuttables));
		if (!cuttables)
			return -ENOMEM;
		writer->cuttables = cuttables;
		writer->cuttables_capacity = capacity;
	}
	writer->cuttables[writer->cuttables_count] = writer->bytes;
	return 0;
}

/* @segment: payload not deflated yet, or none. */
static int append_segment(struct ft_writer *writer, struct ft_segment segment, bool cuttable)
{
	size_t spare_bytes = segment.kind == FT_SEGMENT_END ? 0 : FT_SEGMENT_HEADER_BYTES;
	int error;
	long bytes;

	error = deflate_payload(writer, &segment);
	if (error)
		return error;
	error = remember_cuttable(writer);
	if (error)
		return error;
	bytes = ft_segment_encode(&segment, writer->buffer, writer->buffer_bytes);
	if (bytes < 0)
		return (int)bytes;
	error = append_bytes(writer, writer->buffer, (size_t)bytes, spare_bytes);
	if (error)
		return error;
	if (cuttable)
		writer->cuttables_count++;
	else
		writer->cuttables_count = 0;
	return 0;
}

void ft_writer_hurry(struct ft_writer *writer)
{
	writer->hurried = true;
}

int ft_writer_segment(struct ft_writer *writer, const void *segment, size_t segment_bytes)
{
	struct ft_segment decoded;
	size_t used_bytes;

	if (ft_segment_decode(segment, segment_bytes, &decoded, &used_bytes) ||
	    used_bytes != segment_bytes || decoded.kind != FT_SEGMENT_EVENTS || decoded.flags != 0)
		return -EBADMSG;
	return append_segment(writer, decoded, true);
}

static int append_payload(struct ft_writer *writer, enum ft_segment_kind kind, const void *payload,
			  size_t payload_bytes, bool cuttable)
{
	const struct ft_segment segment = {
		.kind = (uint8_t)kind,
		.cpu = FT_NO_CPU,
		.payload = payload,
		.payload_bytes = (uint32_t)payload_bytes,
		.inflated_bytes = (uint32_t)payload_bytes,
	};

	if (payload_bytes > FT_SEGMENT_PAYLOAD_BYTES_MAX)
		return -EMSGSIZE;
	return append_segment(writer, segment, cuttable);
}

int ft_writer_payload(struct ft_writer *writer, enum ft_segment_kind kind, const void *payload,
		      size_t payload_bytes)
{
	return append_payload(writer, kind, payload, payload_bytes, false);
}

int ft_writer_draft(struct ft_writer *writer, enum ft_segment_kind kind, const void *payload,
		    size_t payload_bytes)
{
	return append_payload(writer, kind, payload, payload_bytes, true);
}

int ft_writer_make_room(struct ft_writer *writer, size_t bytes, uint32_t *ret_cut_segments)
{
	size_t keep = writer->cuttables_count;
	uint64_t end = writer->bytes;
	int error;

	/* A cut that leaves no room for the end mark would be in vain. */
	while (keep > 0 && writer->bytes - end < bytes + FT_SEGMENT_HEADER_BYTES)
		end = writer->cuttables[--keep];
	if (keep == writer->cuttables_count)
		return -ENOSPC;
	error = cut_file(writer, end);
	if (error)
		return error;
	*ret_cut_segments = (uint32_t)(writer->cuttables_count - keep);
	writer->cuttables_count = keep;
	return 0;
}

int ft_writer_end(struct ft_writer *writer)
{
	const struct ft_segment end = { .kind = FT_SEGMENT_END, .cpu = FT_NO_CPU };

	return append_segment(writer, end, false);
}

uint64_t ft_writer_bytes(const struct ft_writer *writer)
{
	return writer->bytes;
}
