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

#include "capture/facts.h"
#include "capture/ringfile.h"
#include "recorder/base/diagnostic.h"
#include "recorder/base/exit_status.h"
#include "recorder/buffer/ring_path.h"
#include "recorder/buffer/segment_ring.h"
#include "recorder/buffer/sigbus_guard.h"

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
	char kept_notes[RING_PATH_KEPT_MAX][RING_PATH_NAME_BYTES + 128];
};

static void add_note(struct ring_map *map, const char *sentence)
{
	map->notes[map->note_count++] = sentence;
}

static int find_path(struct ring_map *map, const char *path, struct diagnostic *diagnostic)
{
	if (path && strlen(path) >= sizeof(map->path))
		refuse(diagnostic, EXIT_USAGE, "", "the name of the ring file is too long.");
	else if (path)
		strcpy(map->path, path);
	if (path)
		return strlen(path) < sizeof(map->path) ? 0 : -ENAMETOOLONG;
	int error = ring_path_default(map->path, sizeof(map->path));
	if (error)
		refuse(diagnostic, EXIT_FAILED,
		       "Name a ring file with --ring FILE, best on a tmpfs.",
		       "there is no place for the ring file: neither /run/freezetrap nor"
		       " $XDG_RUNTIME_DIR/freezetrap nor /dev/shm/freezetrap-UID is, or can be"
		       " made, a directory of this user alone on a tmpfs.");
	return error;
}

static int open_place(struct ring_map *map, struct diagnostic *diagnostic)
{
	const char *path = map->path;
	int error = ring_path_open(&map->place, path);
	switch (error) {
	case 0:
		break;
	case -EBUSY:
		refuse(diagnostic, EXIT_FAILED,
		       "End it first, or name another ring file with --ring FILE.",
		       "%s: is the ring file of another recorder, process %d, that is armed.", path,
		       (int)map->place.holder);
		break;
	case -EEXIST:
		refuse(diagnostic, EXIT_USAGE, "Name another file with --ring FILE.",
		       "%s: exists and is no ring file; it was left as it is.", path);
		break;
	case -EPERM:
		refuse(diagnostic, EXIT_USAGE, "Remove it, or name another file with --ring FILE.",
		       "%s: belongs to another user or has another name too.", path);
		break;
	case -ELOOP:
	case -EINVAL:
		refuse(diagnostic, EXIT_USAGE, "Name another file with --ring FILE.",
		       "%s: is not a regular file.", path);
		break;
	default:
		refuse(diagnostic, EXIT_FAILED, "Name another file with --ring FILE.",
		       "%s: cannot be opened: %s.", path, strerror(-error));
	}
	return error;
}

/* Comes first: a recorder that is killed while it arms leaves an empty ring file. */
static int write_page(const struct ring_map *map)
{
	_Alignas(8) uint8_t page[FT_RINGFILE_PAGE_BYTES] = { 0 };
	ft_ringfile_begin(&map->layout, page);
	ssize_t written = pwrite(map->place.fd, page, sizeof(page), 0);
	if (written < 0)
		return -errno;
	return written == sizeof(page) ? 0 : -ENOSPC;
}

/* Takes all memory now: a page that is missing later would end the recorder. */
static int allocate_file(struct ring_map *map)
{
	uint64_t bytes = map->layout.bytes;
	int fd = map->place.fd;
	if (ftruncate(fd, 0) < 0)
		return -errno;
	int error = write_page(map);
	if (error)
		return error;
	do
		error = posix_fallocate(fd, 0, (off_t)bytes);
	while (error == EINTR);
	if (error)
		return -error;
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	map->memory = memory;
	return sigbus_guard_begin(memory, bytes);
}

static void note_kept_rings(struct ring_map *map)
{
	char name[RING_PATH_NAME_BYTES];

	for (size_t i = 0; i < RING_PATH_KEPT_MAX; i++) {
		if (!ring_path_kept(&map->place, i, name, sizeof(name)))
			continue;
		snprintf(
			map->kept_notes[i], sizeof(map->kept_notes[i]),
			"%s beside it is the ring of a recorder that was killed: analyze reads it; "
			"remove it then, for its memory",
			name);
		add_note(map, map->kept_notes[i]);
	}
}

static int make_file(struct ring_map *map, struct diagnostic *diagnostic)
{
	int error = allocate_file(map);
	if (error) {
		refuse(diagnostic, EXIT_FAILED,
		       "Choose a smaller ring, or another place with --ring FILE.",
		       "%s: cannot be made %llu bytes long: %s.", map->path,
		       (unsigned long long)map->layout.bytes, strerror(-error));
		return error;
	}
	if (mlock(map->memory, map->layout.bytes) < 0)
		add_note(map, "the ring file's memory could not be locked: under memory pressure"
			      " recording may have to wait for it");
	if (!map->place.on_tmpfs)
		add_note(
			map,
			"the ring file is not on a tmpfs: recording may have to wait for the disk");
	note_kept_rings(map);
	return 0;
}

int ring_map_open(const struct ring_map_options *options, struct ring_map **ret_map,
		  struct diagnostic *ret_diagnostic)
{
	struct ring_map *map = calloc(1, sizeof(*map));
	if (!map) {
		refusal_for_memory(ret_diagnostic);
		return -ENOMEM;
	}
	map->place = (struct ring_path){ .dir_fd = -1, .fd = -1 };
	int error =
		ft_ringfile_plan(options->bytes ? options->bytes : RING_MAP_BYTES,
				 options->slot_bytes ? options->slot_bytes : RING_MAP_SLOT_BYTES,
				 &map->layout);
	if (error)
		refuse(ret_diagnostic, EXIT_USAGE, "",
		       "a ring file must have between 1 MiB and 16 GiB.");
	if (!error)
		error = find_path(map, options->path, ret_diagnostic);
	if (!error)
		error = open_place(map, ret_diagnostic);
	if (!error) {
		error = make_file(map, ret_diagnostic);
		if (error)
			ring_path_unlink(&map->place);
	}
	if (error) {
		ring_map_close(map, true);
		return error;
	}
	*ret_map = map;
	return 0;
}

void ring_map_close(struct ring_map *map, bool keep)
{
	if (!map)
		return;
	if (map->memory) {
		sigbus_guard_end();
		munmap(map->memory, map->layout.bytes);
	}
	if (!keep)
		ring_path_unlink(&map->place);
	ring_path_close(&map->place);
	free(map);
}

const char *ring_map_path(const struct ring_map *map)
{
	return map->path;
}

bool ring_map_kept(const struct ring_map *map, size_t index, char *ret_path, size_t path_bytes)
{
	const char *slash = strrchr(map->path, '/');
	char name[RING_PATH_NAME_BYTES];

	if (!ring_path_kept(&map->place, index, name, sizeof(name)))
		return false;
	snprintf(ret_path, path_bytes, "%.*s%s", slash ? (int)(slash - map->path) + 1 : 0,
		 map->path, name);
	return true;
}

const struct ft_ringfile *ring_map_layout(const struct ring_map *map)
{
	return &map->layout;
}

const char *ring_map_note(const struct ring_map *map, size_t place)
{
	return place < map->note_count ? map->notes[place] : NULL;
}

int ring_map_slots(struct ring_map *map, struct segment_ring **ret_ring)
{
	const struct ft_ringfile *layout = &map->layout;
	return segment_ring_create_in(map->memory + layout->events_at, layout->slot_bytes,
				      layout->event_slots, map->memory, ret_ring);
}

int ring_map_put_facts(struct ring_map *map, const struct ft_facts *facts)
{
	size_t bytes;
	const void *payload = ft_facts_payload(facts, &bytes);
	int error =
		ft_ringfile_put_facts(&map->layout, map->memory, map->facts_number, payload, bytes);
	if (!error)
		map->facts_number++;
	return error;
}

int ring_map_put_names(void *map, const void *payload, size_t payload_bytes)
{
	struct ring_map *into = map;
	return ft_ringfile_put_names(&into->layout, into->memory, &into->names_bytes, payload,
				     payload_bytes);
}

int ring_map_put_own(void *map, const void *segment, size_t segment_bytes)
{
	struct ring_map *into = map;
	int error = ft_ringfile_put_own(&into->layout, into->memory, into->own_number, segment,
					segment_bytes);
	if (!error)
		into->own_number++;
	return error;
}

enum ring_map_state ring_map_state(const struct ring_map *map)
{
	struct stat status;
	/* A file that was cut and made longer again begins with zeros. */
	if (!*(volatile uint64_t *)map->memory)
		return RING_MAP_CUT;
	if (sigbus_guard_lost() || fstat(map->place.fd, &status) < 0 ||
	    (uint64_t)status.st_size < map->layout.bytes)
		return RING_MAP_CUT;
	return status.st_nlink ? RING_MAP_WHOLE : RING_MAP_REMOVED;
}

const char *ring_map_state_text(enum ring_map_state state)
{
	switch (state) {
	case RING_MAP_WHOLE:
		return "whole";
	case RING_MAP_REMOVED:
		return "removed";
	case RING_MAP_CUT:
		return "cut";
	}
	return "";
}
