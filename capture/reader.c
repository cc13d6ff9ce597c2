/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capture or ring file being read: which segments it has, and their payloads.
 *
 * The file is read with pread() and not mapped: one that somebody else truncates meanwhile must
 * give an error and not a SIGBUS.
 */
#include "config.h"

#include "capture/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "capture/event.h"
#include "capture/format.h"
#include "capture/header.h"
#include "capture/readat.h"
#include "capture/ringfile.h"
#include "capture/ringindex.h"

#define WINDOW_BYTES (256u << 10)

/* Checksums of segments that turn out damaged may be computed over this many times the file's
 * length in all; beyond that a damaged segment is passed over as a whole. Without the bound, a file
 * made of headers that promise much would cost its length squared. */
#define VAIN_TIMES_MAX 4
#define VAIN_BYTES_MIN (64ull << 20)

struct entry {
	struct ft_segment segment;
	uint64_t offset; /* of the header */
	uint32_t payload_crc;
};

struct ft_reader {
	int fd;
	uint64_t file_bytes;
	struct entry *entries;
	size_t entries_count, entries_capacity;
	struct ft_damage damage;
	uint64_t vain_bytes;
	uint8_t *window; /* WINDOW_BYTES of the file, for indexing only */
	uint64_t window_offset;
	size_t window_bytes;
	uint8_t *deflated; /* a payload as stored */
	size_t deflated_bytes;
	z_stream inflater;
	bool inflater_ready;
	bool is_ring;
	struct ft_ring_state ring;
};

/**
 * read_window() - the file at @offset, through the window.
 *
 * @wanted_bytes:    at most WINDOW_BYTES.
 * @ret_bytes:       may be more than wanted; less only at the file's end.
 * @ret_at:          valid until the next call.
 */
static int read_window(struct ft_reader *reader, uint64_t offset, size_t wanted_bytes,
		       const uint8_t **ret_at, size_t *ret_bytes)
{
	size_t skip;
	ssize_t got;

	if (offset < reader->window_offset ||
	    offset + wanted_bytes > reader->window_offset + reader->window_bytes) {
		reader->window_bytes = 0;
		got = ft_read_at(reader->fd, reader->window, WINDOW_BYTES, offset);
		if (got < 0)
			return (int)got;
		reader->window_offset = offset;
		reader->window_bytes = (size_t)got;
		/* The file is shorter than it was: nothing can be found behind its new end. */
		if (got < (ssize_t)WINDOW_BYTES && offset + (uint64_t)got < reader->file_bytes)
			reader->file_bytes = offset + (uint64_t)got;
	}
	skip = (size_t)(offset - reader->window_offset);
	*ret_at = reader->window + skip;
	*ret_bytes = reader->window_bytes - skip;
	return 0;
}

static int check_payload(struct ft_reader *reader, uint64_t offset, uint64_t bytes, uint32_t crc)
{
	uLong sum = crc32(0, NULL, 0);
	const uint8_t *at;
	size_t count;
	int error;

	while (bytes > 0) {
		error = read_window(reader, offset, bytes < WINDOW_BYTES ? bytes : WINDOW_BYTES,
				    &at, &count);
		if (error)
			return error;
		if (count == 0)
			return -ENODATA;
		if (count > bytes)
			count = bytes;
		sum = crc32_z(sum, at, count);
		offset += count;
		bytes -= count;
	}
	return (uint32_t)sum == crc ? 0 : -EBADMSG;
}

/*
 * Describes the segment at @offset. On -EBADMSG and -ENODATA *ret_bytes is what may be passed over:
 * up to the next place where a segment can begin, or the whole segment if its header is sound and
 * too much was spent on damaged ones.
 */
static int read_segment(struct ft_reader *reader, uint64_t offset, struct entry *ret_entry,
			uint64_t *ret_bytes)
{
	struct ft_segment segment;
	uint64_t bytes, payload_bytes;
	uint32_t payload_crc;
	const uint8_t *at;
	size_t count;
	int error;

	*ret_bytes = 8;
	error = read_window(reader, offset, FT_SEGMENT_HEADER_BYTES, &at, &count);
	if (error)
		return error;
	error = ft_segment_decode_header(at, count, &segment, &payload_crc);
	if (error)
		return error;

	bytes = ft_segment_bytes(segment.payload_bytes);
	payload_bytes = bytes - FT_SEGMENT_HEADER_BYTES;
	if (bytes > reader->file_bytes - offset)
		return -ENODATA;
	error = check_payload(reader, offset + FT_SEGMENT_HEADER_BYTES, payload_bytes, payload_crc);
	if (error) {
		reader->vain_bytes += bytes;
		if (reader->vain_bytes > VAIN_BYTES_MIN &&
		    reader->vain_bytes / VAIN_TIMES_MAX > reader->file_bytes)
			*ret_bytes = bytes;
		return error;
	}
	*ret_bytes = bytes;
	*ret_entry = (struct entry){
		.segment = segment,
		.offset = offset,
		.payload_crc = payload_crc,
	};
	return 0;
}

static int append_entry(struct ft_reader *reader, const struct entry *entry)
{
	size_t capacity = reader->entries_capacity ? reader->entries_capacity * 2 : 256;
	struct entry *entries;

	if (reader->entries_count == reader->entries_capacity) {
		entries = reallocarray(reader->entries, capacity, sizeof(*entries));
		if (!entries)
			return -ENOMEM;
		reader->entries = entries;
		reader->entries_capacity = capacity;
	}
	reader->entries[reader->entries_count++] = *entry;
	reader->damage.segments++;
	return 0;
}

/* Enters a sound segment into the index, or counts it. */
static int index_segment(struct ft_reader *reader, const struct entry *entry)
{
	if (entry->segment.flags & ~FT_SEGMENT_DEFLATED) {
		reader->damage.unknown_segments++;
		return 0;
	}
	switch ((enum ft_segment_kind)entry->segment.kind) {
	case FT_SEGMENT_EVENTS:
	case FT_SEGMENT_FACTS:
	case FT_SEGMENT_SYMBOLS:
		return append_entry(reader, entry);
	case FT_SEGMENT_END:
		reader->damage.torn = false;
		return 0;
	}
	reader->damage.unknown_segments++;
	return 0;
}

static void note_damage(struct ft_damage *damage, uint64_t offset, int error)
{
	damage->bad_segments++;
	if (damage->first_error == 0) {
		damage->first_error = error;
		damage->first_bad_offset = offset;
	}
}

static int index_segments(struct ft_reader *reader, uint64_t offset)
{
	struct ft_damage *damage = &reader->damage;
	bool in_damage = false;
	struct entry entry;
	uint64_t bytes;
	int error;

	damage->torn = true;
	for (; offset < reader->file_bytes; offset += bytes) {
		error = read_segment(reader, offset, &entry, &bytes);
		if (!error) {
			in_damage = false;
			error = index_segment(reader, &entry);
			if (error)
				return error;
			continue;
		}
		if (error != -EBADMSG && error != -ENODATA)
			return error;
		if (!in_damage)
			note_damage(damage, offset, error);
		in_damage = true;
		if (bytes > reader->file_bytes - offset)
			bytes = reader->file_bytes - offset;
		damage->skipped_bytes += bytes;
	}
	if (damage->torn && damage->first_error == 0) {
		damage->first_error = -ENODATA;
		damage->first_bad_offset = reader->file_bytes;
	}
	return 0;
}

static int index_ring_segment(void *context, const struct ft_segment *segment, uint64_t offset,
			      uint32_t payload_crc)
{
	return index_segment(context, &(struct entry){ .segment = *segment,
						       .offset = offset,
						       .payload_crc = payload_crc });
}

/* The order of segments of a ring: facts, names, the recorder's own events, events of CPUs. */
static int rank_segment(const struct ft_segment *segment)
{
	if (segment->kind != FT_SEGMENT_EVENTS)
		return segment->kind == FT_SEGMENT_FACTS ? 0 : 1;
	return segment->cpu == FT_NO_CPU ? 2 : 3;
}

static int compare_entries_of_ring(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int rank_a = rank_segment(&a->segment), rank_b = rank_segment(&b->segment);

	if (rank_a != rank_b)
		return rank_a < rank_b ? -1 : 1;
	if (a->segment.cpu != b->segment.cpu)
		return a->segment.cpu < b->segment.cpu ? -1 : 1;
	if (a->segment.sequence != b->segment.sequence)
		return a->segment.sequence < b->segment.sequence ? -1 : 1;
	return a->offset < b->offset ? -1 : 1;
}

/* A recorder holds a lock on its ring file as long as it lives. */
static bool is_locked(int fd)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* A ring that is being written is copied, so that each load finds what the index has. */
static int index_ring(struct ft_reader *reader, const struct ft_ringfile *ring)
{
	struct ft_damage *damage = &reader->damage;
	struct ft_ringindex index = { .fd = reader->fd,
				      .copy_fd = -1,
				      .ring = *ring,
				      .take = index_ring_segment,
				      .context = reader,
				      .damage = damage };
	int error;

	reader->is_ring = true;
	reader->ring.running = is_locked(reader->fd);
	if (reader->ring.running) {
		index.copy_fd = memfd_create("freezetrap-ring", MFD_CLOEXEC);
		if (index.copy_fd < 0)
			return -errno;
	}
	error = ft_ringindex_run(&index, &reader->ring.since_ns);
	if (index.copy_fd >= 0) {
		close(reader->fd);
		reader->fd = index.copy_fd;
	}
	if (error)
		return error;
	if (reader->file_bytes < ring->bytes) {
		damage->torn = true;
		damage->skipped_bytes += ring->bytes - reader->file_bytes;
		if (damage->first_error == 0) {
			damage->first_error = -ENODATA;
			damage->first_bad_offset = reader->file_bytes;
		}
	}
	if (reader->entries_count)
		qsort(reader->entries, reader->entries_count, sizeof(*reader->entries),
		      compare_entries_of_ring);
	return 0;
}

static int index_file(struct ft_reader *reader, int *ret_missing_feature)
{
	uint8_t header[FT_FILE_HEADER_BYTES_MAX];
	struct ft_ringfile ring;
	uint32_t header_bytes;
	ssize_t got;
	int error;

	got = ft_read_at(reader->fd, header, sizeof(header), 0);
	if (got < 0)
		return (int)got;
	error = ft_header_check(&ft_capture_header, header, (size_t)got, ret_missing_feature,
				&header_bytes);
	if (!error)
		return index_segments(reader, header_bytes);
	if (error != -ENOMSG)
		return error;
	error = ft_ringfile_decode(header, (size_t)got, &ring, ret_missing_feature);
	return error ? error : index_ring(reader, &ring);
}

static int open_file(struct ft_reader *reader, const char *path)
{
	struct stat status;

	/* O_NONBLOCK: a FIFO without a writer must not keep us waiting. */
	reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (reader->fd < 0 || fstat(reader->fd, &status))
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (!S_ISREG(status.st_mode))
		return -ESPIPE;
	reader->file_bytes = (uint64_t)status.st_size;
	return 0;
}

int ft_reader_open(const char *path, struct ft_reader **ret_reader, int *ret_missing_feature)
{
	struct ft_reader *reader = calloc(1, sizeof(*reader));
	int error;

	if (!reader)
		return -ENOMEM;
	error = open_file(reader, path);
	if (error)
		goto out;
	reader->window = malloc(WINDOW_BYTES);
	reader->inflater_ready = inflateInit(&reader->inflater) == Z_OK;
	/* The segment's own checksum covers the stream with its one. */
	if (reader->inflater_ready)
		inflateValidate(&reader->inflater, 0);
	if (!reader->window || !reader->inflater_ready) {
		error = -ENOMEM;
		goto out;
	}
	error = index_file(reader, ret_missing_feature);
	if (error)
		goto out;
	free(reader->window);
	reader->window = NULL;
	*ret_reader = reader;
	return 0;
out:
	ft_reader_close(reader);
	return error;
}

void ft_reader_close(struct ft_reader *reader)
{
	if (!reader)
		return;
	if (reader->fd >= 0)
		close(reader->fd);
	if (reader->inflater_ready)
		inflateEnd(&reader->inflater);
	free(reader->window);
	free(reader->deflated);
	free(reader->entries);
	free(reader);
}

void ft_reader_damage(const struct ft_reader *reader, struct ft_damage *ret_damage)
{
	*ret_damage = reader->damage;
}

bool ft_reader_is_ring(const struct ft_reader *reader, struct ft_ring_state *ret_state)
{
	if (reader->is_ring && ret_state)
		*ret_state = reader->ring;
	return reader->is_ring;
}

size_t ft_reader_count(const struct ft_reader *reader)
{
	return reader->entries_count;
}

const struct ft_segment *ft_reader_segment(const struct ft_reader *reader, size_t index)
{
	return &reader->entries[index].segment;
}

static int grow_buffer(void **buffer, size_t *buffer_bytes, size_t bytes)
{
	void *grown;

	if (bytes <= *buffer_bytes)
		return 0;
	grown = realloc(*buffer, bytes);
	if (!grown)
		return -ENOMEM;
	*buffer = grown;
	*buffer_bytes = bytes;
	return 0;
}

/* All of @from_bytes must give all of @to_bytes. */
static int inflate_payload(z_stream *inflater, const uint8_t *from, uint32_t from_bytes,
			   uint8_t *to, uint32_t to_bytes)
{
	if (inflateReset(inflater) != Z_OK)
		return -EBADMSG;
	inflater->next_in = (uint8_t *)from;
	inflater->avail_in = from_bytes;
	inflater->next_out = to;
	inflater->avail_out = to_bytes;
	if (inflate(inflater, Z_FINISH) != Z_STREAM_END || inflater->avail_in != 0 ||
	    inflater->avail_out != 0)
		return -EBADMSG;
	return 0;
}

/* The payload with its padding. It is checked again, for the file may have changed since. */
static int read_payload(struct ft_reader *reader, const struct entry *entry, uint8_t *to)
{
	size_t bytes = ft_segment_bytes(entry->segment.payload_bytes) - FT_SEGMENT_HEADER_BYTES;
	ssize_t got;

	got = ft_read_at(reader->fd, to, bytes, entry->offset + FT_SEGMENT_HEADER_BYTES);
	if (got < 0)
		return (int)got;
	if ((size_t)got != bytes || crc32_z(0, to, bytes) != entry->payload_crc)
		return -EBADMSG;
	return 0;
}

int ft_reader_load(struct ft_reader *reader, size_t index, void **buffer, size_t *buffer_bytes)
{
	const struct entry *entry = &reader->entries[index];
	const struct ft_segment *segment = &entry->segment;
	size_t stored_bytes = ft_segment_bytes(segment->payload_bytes);
	void *deflated = reader->deflated;
	int error;

	if (!(segment->flags & FT_SEGMENT_DEFLATED)) {
		error = grow_buffer(buffer, buffer_bytes, stored_bytes);
		return error ? error : read_payload(reader, entry, *buffer);
	}
	error = grow_buffer(&deflated, &reader->deflated_bytes, stored_bytes);
	if (error)
		return error;
	reader->deflated = deflated;
	/* zlib wants a buffer of one byte at least, even where nothing is inflated. */
	error = grow_buffer(buffer, buffer_bytes, (size_t)segment->inflated_bytes + 1);
	if (error)
		return error;
	error = read_payload(reader, entry, reader->deflated);
	if (error)
		return error;
	return inflate_payload(&reader->inflater, reader->deflated, segment->payload_bytes, *buffer,
			       segment->inflated_bytes);
}
