/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/buffer/ring_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/base/exit_status.h"
#include "recorder/buffer/sigbus_guard.h"
#include "recorder/buffer/ring_path.h"

#define NOTES_MAX 4

struct ring_map {
	char path[PATH_MAX];
	struct ring_path place;
	struct ft_ringfile layout;
	uint8_t *memory;
	uint64_t facts_number, own_number;
	uint32_t names_bytes;
	const char *notes[NOTES_MAX + 1];
	size_t note_count;
	char kept_notes[RINGPLACE_KEPT_MAX][RINGPLACE_NAME_BYTES + 128];
};

/* Opening. */

static void note(struct ring_map *ringmap, const char *sentence)
{
	ringmap->notes[ringmap->note_count++] = sentence;
}

static int find_path(struct ring_map *ringmap, const char *path, struct diagnostic *refusal)
{
	if (path && strlen(path) >= sizeof(ringmap->path))
		refuse(refusal, EXIT_USAGE, "", "the name of the ring file is too long.");
	else if (path)
		strcpy(ringmap->path, path);
	if (path)
		return strlen(path) < sizeof(ringmap->path) ? 0 : -ENAMETOOLONG;
	int error = ring_path_default(ringmap->path, sizeof(ringmap->path));
	if (error)
		refuse(refusal, EXIT_FAILED, "Name a ring file with --ring FILE, best on a tmpfs.",
		       "there is no place for the ring file: neither /run/freezetrap nor"
		       " $XDG_RUNTIME_DIR/freezetrap nor /dev/shm/freezetrap-UID is, or can be"
		       " made, a directory of this user alone on a tmpfs.");
	return error;
}

static int open_place(struct ring_map *ringmap, struct diagnostic *refusal)
{
	const char *path = ringmap->path;
	int error = ring_path_open(&ringmap->place, path);
	switch (error) {
	case 0:
		break;
	case -EBUSY:
		refuse(refusal, EXIT_FAILED,
		       "End it first, or name another ring file with --ring FILE.",
		       "%s: is the ring file of another recorder, process %d, that is armed.", path,
		       (int)ringmap->place.holder);
		break;
	case -EEXIST:
		refuse(refusal, EXIT_USAGE, "Name another file with --ring FILE.",
		       "%s: exists and is no ring file; it was left as it is.", path);
		break;
	case -EPERM:
		refuse(refusal, EXIT_USAGE, "Remove it, or name another file with --ring FILE.",
		       "%s: belongs to another user or has another name too.", path);
		break;
	case -ELOOP:
	case -EINVAL:
		refuse(refusal, EXIT_USAGE, "Name another file with --ring FILE.",
		       "%s: is not a regular file.", path);
		break;
	default:
		refuse(refusal, EXIT_FAILED, "Name another file with --ring FILE.",
		       "%s: cannot be opened: %s.", path, strerror(-error));
	}
	return error;
}

/* Before anything that takes long: who is killed in it leaves a ring file, with nothing in it. */
static int write_page(const struct ring_map *ringmap)
{
	_Alignas(8) uint8_t page[FT_RINGFILE_PAGE_BYTES] = { 0 };
	ft_ringfile_begin(&ringmap->layout, page);
	ssize_t written = pwrite(ringmap->place.fd, page, sizeof(page), 0);
	if (written < 0)
		return -errno;
	return written == sizeof(page) ? 0 : -ENOSPC;
}

/* All of it now: a page that cannot be had later would end the recorder. */
static int allocate(struct ring_map *ringmap)
{
	uint64_t bytes = ringmap->layout.bytes;
	int fd = ringmap->place.fd;
	if (ftruncate(fd, 0) < 0)
		return -errno;
	int error = write_page(ringmap);
	if (error)
		return error;
	do
		error = posix_fallocate(fd, 0, (off_t)bytes);
	while (error == EINTR);
	if (error)
		return -error;
	void *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	ringmap->memory = memory;
	return sigbus_guard_begin(memory, bytes);
}

static void note_kept(struct ring_map *ringmap)
{
	char name[RINGPLACE_NAME_BYTES];

	for (size_t i = 0; i < RINGPLACE_KEPT_MAX; i++) {
		if (!ring_path_kept(&ringmap->place, i, name, sizeof(name)))
			continue;
		snprintf(ringmap->kept_notes[i], sizeof(ringmap->kept_notes[i]),
			 "%s beside it is the ring of a recorder that was killed: analyze reads it; "
			 "remove it then, for its memory",
			 name);
		note(ringmap, ringmap->kept_notes[i]);
	}
}

static int make_file(struct ring_map *ringmap, struct diagnostic *refusal)
{
	int error = allocate(ringmap);
	if (error) {
		refuse(refusal, EXIT_FAILED,
		       "Choose a smaller ring, or another place with --ring FILE.",
		       "%s: cannot be made %llu bytes long: %s.", ringmap->path,
		       (unsigned long long)ringmap->layout.bytes, strerror(-error));
		return error;
	}
	if (mlock(ringmap->memory, ringmap->layout.bytes) < 0)
		note(ringmap, "the ring file's memory could not be locked: under memory pressure"
			      " recording may have to wait for it");
	if (!ringmap->place.on_tmpfs)
		note(ringmap,
		     "the ring file is not on a tmpfs: recording may have to wait for the disk");
	note_kept(ringmap);
	return 0;
}

int ring_map_open(const struct ring_map_options *options, struct ring_map **ret_ringmap,
		 struct diagnostic *ret_refusal)
{
	struct ring_map *ringmap = calloc(1, sizeof(*ringmap));
	if (!ringmap) {
		refusal_for_memory(ret_refusal);
		return -ENOMEM;
	}
	ringmap->place = (struct ring_path){ .dir_fd = -1, .fd = -1 };
	int error = ft_ringfile_plan(options->bytes ? options->bytes : RINGMAP_BYTES,
				     options->slot_bytes ? options->slot_bytes : RINGMAP_SLOT_BYTES,
				     &ringmap->layout);
	if (error)
		refuse(ret_refusal, EXIT_USAGE, "",
		       "a ring file must have between 1 MiB and 16 GiB.");
	if (!error)
		error = find_path(ringmap, options->path, ret_refusal);
	if (!error)
		error = open_place(ringmap, ret_refusal);
	if (!error) {
		error = make_file(ringmap, ret_refusal);
		if (error)
			ring_path_unlink(&ringmap->place);
	}
	if (error) {
		ring_map_close(ringmap, true);
		return error;
	}
	*ret_ringmap = ringmap;
	return 0;
}

void ring_map_close(struct ring_map *ringmap, bool keep)
{
	if (!ringmap)
		return;
	if (ringmap->memory) {
		sigbus_guard_end();
		munmap(ringmap->memory, ringmap->layout.bytes);
	}
	if (!keep)
		ring_path_unlink(&ringmap->place);
	ring_path_close(&ringmap->place);
	free(ringmap);
}

const char *ring_map_path(const struct ring_map *ringmap)
{
	return ringmap->path;
}

bool ring_map_kept(const struct ring_map *ringmap, size_t index, char *ret_path, size_t path_bytes)
{
	const char *slash = strrchr(ringmap->path, '/');
	char name[RINGPLACE_NAME_BYTES];

	if (!ring_path_kept(&ringmap->place, index, name, sizeof(name)))
		return false;
	snprintf(ret_path, path_bytes, "%.*s%s", slash ? (int)(slash - ringmap->path) + 1 : 0,
		 ringmap->path, name);
	return true;
}

const struct ft_ringfile *ring_map_layout(const struct ring_map *ringmap)
{
	return &ringmap->layout;
}

const char *ring_map_note(const struct ring_map *ringmap, size_t place)
{
	return place < ringmap->note_count ? ringmap->notes[place] : NULL;
}

/* Writing. */

int ring_map_slots(struct ring_map *ringmap, struct segment_ring **ret_slots)
{
	const struct ft_ringfile *layout = &ringmap->layout;
	return segment_ring_create_in(ringmap->memory + layout->events_at, layout->slot_bytes,
			       layout->event_slots, ringmap->memory, ret_slots);
}

int ring_map_put_facts(struct ring_map *ringmap, const struct ft_facts *facts)
{
	size_t bytes;
	const void *payload = ft_facts_payload(facts, &bytes);
	int error = ft_ringfile_put_facts(&ringmap->layout, ringmap->memory,
					  ringmap->facts_number, payload, bytes);
	if (!error)
		ringmap->facts_number++;
	return error;
}

int ring_map_put_names(void *ringmap, const void *payload, size_t payload_bytes)
{
	struct ring_map *into = ringmap;
	return ft_ringfile_put_names(&into->layout, into->memory, &into->names_bytes, payload,
				     payload_bytes);
}

int ring_map_put_own(void *ringmap, const void *segment, size_t segment_bytes)
{
	struct ring_map *into = ringmap;
	int error = ft_ringfile_put_own(&into->layout, into->memory, into->own_number, segment,
					segment_bytes);
	if (!error)
		into->own_number++;
	return error;
}

/* Status. */

enum ring_map_state ring_map_state(const struct ring_map *ringmap)
{
	struct stat status;
	/* Cut and made longer again it begins with zeros. */
	if (!*(volatile uint64_t *)ringmap->memory)
		return RINGMAP_CUT;
	if (sigbus_guard_lost() || fstat(ringmap->place.fd, &status) < 0 ||
	    (uint64_t)status.st_size < ringmap->layout.bytes)
		return RINGMAP_CUT;
	return status.st_nlink ? RINGMAP_WHOLE : RINGMAP_REMOVED;
}

const char *ring_map_state_text(enum ring_map_state state)
{
	switch (state) {
	case RINGMAP_WHOLE:
		return "whole";
	case RINGMAP_REMOVED:
		return "removed";
	case RINGMAP_CUT:
		return "cut";
	}
	return "";
}
