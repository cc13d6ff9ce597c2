/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ring files as recorders have them: where they lie, whose they are, what is left of them, and what
 * others can do to them.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/encoder.h"
#include "capture/facts.h"
#include "capture/reader.h"
#include "capture/ringfile.h"
#include "capture/symbols.h"
#include "recorder/base/diagnostic.h"
#include "recorder/base/exit_status.h"
#include "recorder/buffer/ring_map.h"
#include "recorder/buffer/ring_path.h"
#include "tests/unit/support/unit_test.h"
#include "recorder/buffer/segment_ring.h"

#define RING_BYTES (1u << 20)
#define SLOT_BYTES 4096

struct rig {
	char dir[64], path[96], old[96], old2[96];
	struct diagnostic refusal;
};

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	assert_non_null(rig);
	strcpy(rig->dir, "/dev/shm/freezetrap-test-XXXXXX");
	if (!mkdtemp(rig->dir)) {
		strcpy(rig->dir, "/tmp/freezetrap-test-XXXXXX");
		assert_non_null(mkdtemp(rig->dir));
	}
	snprintf(rig->path, sizeof(rig->path), "%s/ring", rig->dir);
	snprintf(rig->old, sizeof(rig->old), "%s/ring.old", rig->dir);
	snprintf(rig->old2, sizeof(rig->old2), "%s/ring.old2", rig->dir);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;
	unlink(rig->path);
	unlink(rig->old);
	unlink(rig->old2);
	assert_int_equal(rmdir(rig->dir), 0);
	free(rig);
	return 0;
}

static int open_ring(struct rig *rig, struct ring_map **ret_ringmap)
{
	return ring_map_open(&(struct ring_map_options){ .path = rig->path,
						       .bytes = RING_BYTES,
						       .slot_bytes = SLOT_BYTES },
			    ret_ringmap, &rig->refusal);
}

static struct ring_map *must_open(struct rig *rig)
{
	struct ring_map *ringmap = NULL;
	int error = open_ring(rig, &ringmap);
	if (error)
		fail_msg("%d: %s", error, rig->refusal.text);
	return ringmap;
}

/* Segment @number of CPU 0, a sample at @number. */
static void put_segment(struct segment_ring *slots, uint64_t number)
{
	static const struct ft_task task = { 7, 7, "worker" };
	_Alignas(8) uint8_t buffer[SLOT_BYTES];
	struct ft_encoder *encoder;
	assert_int_equal(ft_encoder_create(&encoder), 0);
	ft_encoder_begin(encoder, buffer, sizeof(buffer), 0, number);
	assert_int_equal(ft_encoder_add(encoder, &(struct ft_event){ .kind = FT_EVENT_SAMPLE,
								     .time_ns = 1000 + number,
								     .task = &task }), 0);
	segment_ring_put(slots, buffer, ft_encoder_seal(encoder), 1);
	ft_encoder_destroy(encoder);
}

/* The segments of events in @path, which must be as many as @expected, ending with @last. */
static void expect_ring(const char *path, size_t expected, uint64_t last)
{
	struct ft_reader *reader;
	struct ft_damage damage;
	size_t count = 0;
	assert_int_equal(ft_reader_open(path, &reader, NULL), 0);
	assert_true(ft_reader_is_ring(reader, NULL));
	ft_reader_damage(reader, &damage);
	assert_int_equal(damage.bad_segments, 0);
	for (size_t i = 0; i < ft_reader_count(reader); i++) {
		const struct ft_segment *segment = ft_reader_segment(reader, i);
		if (segment->kind != FT_SEGMENT_EVENTS || segment->cpu == FT_NO_CPU)
			continue;
		count++;
		assert_int_equal(segment->sequence, last + count - expected);
	}
	assert_int_equal(count, expected);
	ft_reader_close(reader);
}

static void ring_is_private_and_has_all_its_memory(void **state)
{
	struct rig *rig = *state;
	struct ring_map *ringmap = must_open(rig);
	const struct ft_ringfile *layout = ring_map_layout(ringmap);
	struct stat status;
	assert_string_equal(ring_map_path(ringmap), rig->path);
	assert_int_equal(stat(rig->path, &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0600);
	assert_int_equal(status.st_size, layout->bytes);
	assert_true(status.st_size <= RING_BYTES);
	assert_true((uint64_t)status.st_blocks * 512 >= layout->bytes);
	assert_int_equal(ring_map_state(ringmap), RING_MAP_WHOLE);
	ring_map_close(ringmap, false);
	assert_int_equal(stat(rig->path, &status), -1);
}

static void all_that_was_put_is_in_the_file(void **state)
{
	struct rig *rig = *state;
	struct ring_map *ringmap = must_open(rig);
	uint64_t slot_count = ring_map_layout(ringmap)->event_slots;
	static const struct ft_task task = { 7, 7, "worker" };
	_Alignas(8) uint8_t buffer[SLOT_BYTES];
	struct ft_encoder *encoder;
	struct ft_symbols *symbols;
	struct ft_facts *facts;
	struct segment_ring *slots;
	struct ft_reader *reader;
	struct ft_ring_state ring;
	assert_int_equal(ring_map_slots(ringmap, &slots), 0);
	for (uint64_t i = 0; i < slot_count; i++)
		put_segment(slots, i);
	assert_int_equal(segment_ring_since_ns(slots), 0);
	for (uint64_t i = slot_count; i < slot_count + 5; i++)
		put_segment(slots, i);
	assert_true(segment_ring_since_ns(slots) > 0);
	assert_int_equal(ft_facts_create(&facts), 0);
	assert_int_equal(ft_facts_set(facts, FT_FACT_HOST, "web-17"), 0);
	assert_int_equal(ring_map_put_facts(ringmap, facts), 0);
	assert_int_equal(ft_symbols_create(&symbols), 0);
	assert_int_equal(ft_symbols_add(symbols, &(struct ft_symbol){ .address = 1, .name = "a" }),
			 0);
	assert_int_equal(ft_symbols_write(symbols, ring_map_put_names, ringmap), 0);
	assert_int_equal(ft_encoder_create(&encoder), 0);
	ft_encoder_begin(encoder, buffer, sizeof(buffer), FT_NO_CPU, 0);
	assert_int_equal(ft_encoder_add(encoder, &(struct ft_event){ .kind = FT_EVENT_NOTE,
								     .cpu = FT_NO_CPU,
								     .task = &task,
								     .note = { "note" } }), 0);
	assert_int_equal(ring_map_put_own(ringmap, buffer, ft_encoder_seal(encoder)), 0);
	assert_int_equal(ring_map_put_own(ringmap, buffer, SLOT_BYTES + 8), -EMSGSIZE);
	expect_ring(rig->path, slot_count, slot_count + 4);
	assert_int_equal(ft_reader_open(rig->path, &reader, NULL), 0);
	assert_true(ft_reader_is_ring(reader, &ring));
	assert_int_equal(ring.since_ns, segment_ring_since_ns(slots));
	assert_int_equal(ft_reader_count(reader), slot_count + 3);
	assert_int_equal(ft_reader_segment(reader, 0)->kind, FT_SEGMENT_FACTS);
	assert_int_equal(ft_reader_segment(reader, 1)->kind, FT_SEGMENT_SYMBOLS);
	assert_int_equal(ft_reader_segment(reader, 2)->cpu, FT_NO_CPU);
	ft_reader_close(reader);
	ft_encoder_destroy(encoder);
	ft_symbols_destroy(symbols);
	ft_facts_destroy(facts);
	segment_ring_destroy(slots);
	ring_map_close(ringmap, true);
	expect_ring(rig->path, slot_count, slot_count + 4);
}

/* A recorder in another process; back when it has put @count segments. */
static pid_t start_recorder(struct rig *rig, uint64_t count, int *ret_pipe)
{
	int ready[2];
	char byte;
	pid_t pid;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct ring_map *ringmap;
		struct segment_ring *slots;
		close(ready[0]);
		if (open_ring(rig, &ringmap) || ring_map_slots(ringmap, &slots))
			_exit(1);
		for (uint64_t i = 0; i < count; i++)
			put_segment(slots, i);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(2);
	}
	close(ready[1]);
	*ret_pipe = ready[0];
	assert_int_equal(read(ready[0], &byte, 1), 1);
	return pid;
}

static void kill_recorder(pid_t pid, int pipe_fd)
{
	int status;
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	close(pipe_fd);
}

static void ring_of_a_recorder_that_lives_is_refused(void **state)
{
	struct rig *rig = *state;
	struct ring_map *ringmap = NULL;
	struct ft_reader *reader;
	struct ft_ring_state ring;
	char holder[32];
	int pipe_fd;
	pid_t pid = start_recorder(rig, 3, &pipe_fd);
	assert_int_equal(open_ring(rig, &ringmap), -EBUSY);
	assert_null(ringmap);
	snprintf(holder, sizeof(holder), "process %d", (int)pid);
	assert_non_null(strstr(rig->refusal.text, holder));
	assert_non_null(strstr(rig->refusal.text, rig->path));
	assert_int_equal(ft_reader_open(rig->path, &reader, NULL), 0);
	assert_true(ft_reader_is_ring(reader, &ring));
	assert_true(ring.running);
	ft_reader_close(reader);
	expect_ring(rig->path, 3, 2);
	kill_recorder(pid, pipe_fd);
	ring_map_close(must_open(rig), true);
}

/* Also while a child that it forked lives on, as one that hangs in the kernel does. */
static void lock_does_not_outlive_the_recorder_in_its_children(void **state)
{
	struct rig *rig = *state;
	int done[2];
	char byte;
	pid_t pid;
	int status;
	assert_int_equal(pipe(done), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct ring_map *ringmap;
		if (open_ring(rig, &ringmap))
			_exit(1);
		if (fork() == 0) {
			close(done[1]);
			_exit(read(done[0], &byte, 1) != 0);
		}
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	ring_map_close(must_open(rig), true);
	close(done[0]);
	close(done[1]);
}

static void first_ring_of_dead_recorders_is_kept_for_a_day_beside_the_last(void **state)
{
	char path[128];
	struct rig *rig = *state;
	struct ring_map *ringmap;
	bool told = false;
	for (uint64_t count = 1; count <= 3; count++) {
		int pipe_fd;
		pid_t pid = start_recorder(rig, count, &pipe_fd);
		kill_recorder(pid, pipe_fd);
		expect_ring(rig->path, count, count - 1);
		if (count > 1)
			expect_ring(rig->old, 1, 0);
		if (count > 2)
			expect_ring(rig->old2, count - 1, count - 2);
	}
	ringmap = must_open(rig);
	expect_ring(rig->old, 1, 0);
	expect_ring(rig->old2, 3, 2);
	expect_ring(rig->path, 0, 0);
	assert_true(ring_map_kept(ringmap, 0, path, sizeof(path)));
	assert_string_equal(path, rig->old);
	assert_true(ring_map_kept(ringmap, 1, path, sizeof(path)));
	assert_string_equal(path, rig->old2);
	unlink(rig->old2);
	assert_false(ring_map_kept(ringmap, 1, path, sizeof(path)));
	for (size_t i = 0; ring_map_note(ringmap, i); i++)
		told |= strstr(ring_map_note(ringmap, i), "was killed") != NULL;
	assert_true(told);
	ring_map_close(ringmap, false);
}

static void ring_that_was_kept_for_a_day_makes_way(void **state)
{
	struct rig *rig = *state;
	struct timespec times[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = 0 } };
	int pipe_fd;
	for (uint64_t count = 1; count <= 3; count++) {
		pid_t pid = start_recorder(rig, count, &pipe_fd);
		kill_recorder(pid, pipe_fd);
	}
	expect_ring(rig->old, 1, 0);
	clock_gettime(CLOCK_REALTIME, &times[1]);
	times[1].tv_sec -= 25 * 3600;
	assert_int_equal(utimensat(AT_FDCWD, rig->old, times, 0), 0);
	ring_map_close(must_open(rig), false);
	expect_ring(rig->old, 3, 2);
	expect_ring(rig->old2, 2, 1);
}

/* Killed where it makes the file long, by the limit of a file's size. */
static void recorder_killed_while_it_arms_leaves_an_empty_ring(void **state)
{
	const struct rlimit limit = { 2 * FT_RINGFILE_PAGE_BYTES, 2 * FT_RINGFILE_PAGE_BYTES };
	const struct rlimit no_core = { 0, 0 };
	struct rig *rig = *state;
	struct ring_map *ringmap;
	int pipe_fd, status;
	pid_t pid = start_recorder(rig, 3, &pipe_fd);
	kill_recorder(pid, pipe_fd);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGXFSZ, SIG_DFL);
		setrlimit(RLIMIT_CORE, &no_core);
		setrlimit(RLIMIT_FSIZE, &limit);
		open_ring(rig, &ringmap);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGXFSZ);
	struct ft_reader *reader;
	assert_int_equal(ft_reader_open(rig->path, &reader, NULL), 0);
	assert_true(ft_reader_is_ring(reader, NULL));
	assert_int_equal(ft_reader_count(reader), 0);
	ft_reader_close(reader);
	/* What is kept is the one before it, which has something in it. */
	ringmap = must_open(rig);
	expect_ring(rig->old, 3, 2);
	ring_map_close(ringmap, false);
}

static void write_file(const char *path, const void *bytes, size_t count)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, count), count);
	close(fd);
}

static void other_files_are_left_alone(void **state)
{
	static const char text[] = "precious\n";
	struct rig *rig = *state;
	struct ring_map *ringmap = NULL;
	char back[sizeof(text)] = "";
	int fd;
	write_file(rig->path, text, sizeof(text));
	assert_int_equal(open_ring(rig, &ringmap), -EEXIST);
	assert_int_equal(rig->refusal.status, EXIT_USAGE);
	fd = open(rig->path, O_RDONLY);
	assert_int_equal(read(fd, back, sizeof(back)), sizeof(text));
	close(fd);
	assert_string_equal(back, text);

	assert_int_equal(rename(rig->path, rig->old), 0);
	assert_int_equal(symlink(rig->old, rig->path), 0);
	assert_int_equal(open_ring(rig, &ringmap), -ELOOP);
	unlink(rig->path);
	assert_int_equal(link(rig->old, rig->path), 0);
	assert_int_equal(open_ring(rig, &ringmap), -EPERM);
	unlink(rig->path);
	assert_int_equal(mkfifo(rig->path, 0600), 0);
	assert_int_equal(open_ring(rig, &ringmap), -EINVAL);
	unlink(rig->path);
	snprintf(rig->path, sizeof(rig->path), "%s/nowhere/ring", rig->dir);
	assert_int_equal(open_ring(rig, &ringmap), -ENOENT);
	assert_null(ringmap);
	snprintf(rig->path, sizeof(rig->path), "%s/ring", rig->dir);
}

static void file_that_was_never_finished_is_taken_over(void **state)
{
	static const uint8_t zeros[100000];
	struct rig *rig = *state;
	struct stat status;
	write_file(rig->path, zeros, sizeof(zeros));
	ring_map_close(must_open(rig), true);
	assert_int_equal(stat(rig->path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(stat(rig->old, &status), -1);
}

static void ring_of_an_impossible_size_is_refused(void **state)
{
	struct rig *rig = *state;
	struct ring_map *ringmap = NULL;
	struct ring_map_options options = { .path = rig->path, .bytes = 100000 };
	assert_int_equal(ring_map_open(&options, &ringmap, &rig->refusal), -EINVAL);
	options.bytes = 1ull << 60;
	assert_int_equal(ring_map_open(&options, &ringmap, &rig->refusal), -EINVAL);
	assert_null(ringmap);
	assert_int_equal(access(rig->path, F_OK), -1);
}

/* What others can do. */

static size_t drain_segments(struct segment_ring *slots, struct segment_ring_cursor *cursor)
{
	uint8_t buffer[SLOT_BYTES];
	size_t bytes, count = 0;
	while (segment_ring_get(slots, cursor, buffer, &bytes)) {
		struct ft_segment segment;
		size_t used;
		assert_int_equal(ft_segment_decode(buffer, bytes, &segment, &used), 0);
		count++;
	}
	return count;
}

static void truncated_file_is_gone_on_with_in_memory(void **state)
{
	struct rig *rig = *state;
	struct ring_map *ringmap = must_open(rig);
	const struct ft_ringfile *layout = ring_map_layout(ringmap);
	struct segment_ring_cursor cursor = { 0 };
	struct ft_facts *facts;
	struct segment_ring *slots;
	assert_int_equal(ring_map_slots(ringmap, &slots), 0);
	assert_int_equal(ft_facts_create(&facts), 0);
	for (uint64_t i = 0; i < 10; i++)
		put_segment(slots, i);
	/* in the middle of the sixth */
	assert_int_equal(truncate(rig->path, (off_t)(layout->events_at + 5 * SLOT_BYTES + 50)), 0);
	assert_int_equal(ring_map_state(ringmap), RING_MAP_CUT);
	put_segment(slots, 10);
	/* What is left of a page stays, with zeros up to its end. */
	assert_int_equal(drain_segments(slots, &cursor), 6);
	assert_int_equal(cursor.lost_segments, 5);
	assert_int_equal(cursor.lost_events, 5);
	assert_int_equal(truncate(rig->path, 0), 0);
	assert_int_equal(ring_map_put_facts(ringmap, facts), 0);
	for (uint64_t i = 0; i < 3 * layout->event_slots; i++) {
		put_segment(slots, 11 + i);
		assert_int_equal(drain_segments(slots, &cursor), 1);
	}
	assert_int_equal(cursor.lost_segments, 5);
	assert_int_equal(ring_map_state(ringmap), RING_MAP_CUT);
	ft_facts_destroy(facts);
	segment_ring_destroy(slots);
	ring_map_close(ringmap, false);
	assert_int_equal(access(rig->path, F_OK), -1);
}

static struct ft_damage damage_of(const char *path)
{
	struct ft_reader *reader;
	struct ft_damage damage;
	assert_int_equal(ft_reader_open(path, &reader, NULL), 0);
	ft_reader_damage(reader, &damage);
	ft_reader_close(reader);
	return damage;
}

static void cut_to(const struct rig *rig, uint64_t bytes, uint64_t and_to)
{
	assert_int_equal(truncate(rig->path, (off_t)bytes), 0);
	assert_int_equal(truncate(rig->path, (off_t)and_to), 0);
}

/* To the length that it had: nothing but the zeros tells. */
static void truncated_and_extended_file_has_lost_what_is_zeros(void **state)
{
	struct rig *rig = *state;
	struct ring_map *ringmap = must_open(rig);
	const struct ft_ringfile *layout = ring_map_layout(ringmap);
	uint64_t count = layout->event_slots, number = 0;
	struct ft_damage damage;
	struct segment_ring *slots;
	assert_int_equal(ring_map_slots(ringmap, &slots), 0);
	while (number < 10)
		put_segment(slots, number++);
	/* young: the slots behind the tenth never had anything */
	cut_to(rig, layout->events_at + 6 * SLOT_BYTES, layout->bytes);
	damage = damage_of(rig->path);
	assert_int_equal(damage.zeroed_segments, 4);
	assert_int_equal(damage.bad_segments, 4);
	assert_int_equal(damage.segments, 6);
	assert_int_equal(damage.skipped_bytes, 4 * SLOT_BYTES);
	assert_int_equal(damage.first_error, -ENODATA);
	assert_int_equal(damage.first_bad_offset, layout->events_at + 6 * SLOT_BYTES);
	/* once round, it is whole again; while the hole is overwritten it shrinks */
	while (number < count + 7)
		put_segment(slots, number++);
	/* the eighth slot could be empty because it is being put */
	assert_int_equal(damage_of(rig->path).zeroed_segments, 2);
	while (number < 2 * count)
		put_segment(slots, number++);
	expect_ring(rig->path, count, number - 1);
	/* its end, which is not the newest part of it */
	put_segment(slots, number++);
	cut_to(rig, layout->bytes - 3 * SLOT_BYTES, layout->bytes);
	damage = damage_of(rig->path);
	assert_int_equal(damage.zeroed_segments, 3);
	assert_int_equal(damage.segments, count - 3);
	assert_int_equal(ring_map_state(ringmap), RING_MAP_WHOLE);
	/* the header too: the recorder sees it */
	cut_to(rig, 0, layout->bytes);
	assert_int_equal(ring_map_state(ringmap), RING_MAP_CUT);
	segment_ring_destroy(slots);
	ring_map_close(ringmap, false);
}

static void changed_memory_is_counted_as_lost(void **state)
{
	struct rig *rig = *state;
	struct ring_map *ringmap = must_open(rig);
	const struct ft_ringfile *layout = ring_map_layout(ringmap);
	struct segment_ring_cursor cursor = { 0 };
	struct segment_ring *slots;
	int fd = open(rig->path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(ring_map_slots(ringmap, &slots), 0);
	for (uint64_t i = 0; i < 4; i++)
		put_segment(slots, i);
	assert_int_equal(pwrite(fd, "scribble", 8, (off_t)(layout->events_at + SLOT_BYTES + 60)), 8);
	assert_int_equal(drain_segments(slots, &cursor), 3);
	assert_int_equal(cursor.lost_segments, 1);
	assert_int_equal(cursor.lost_events, 1);
	assert_int_equal(cursor.events, 4);
	segment_ring_destroy(slots);
	ring_map_close(ringmap, false);
	close(fd);
}

static void removed_file_is_noticed_and_another_ones_name_is_left(void **state)
{
	struct rig *rig = *state;
	struct ring_map *ringmap = must_open(rig);
	assert_int_equal(unlink(rig->path), 0);
	assert_int_equal(ring_map_state(ringmap), RING_MAP_REMOVED);
	write_file(rig->path, "other", 5);
	ring_map_close(ringmap, false);
	assert_int_equal(access(rig->path, F_OK), 0);
}

/* A bus error that is not the ring's still kills. */
static void other_bus_errors_kill_as_ever(void **state)
{
	struct rig *rig = *state;
	int status;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct ring_map *ringmap;
		signal(SIGBUS, SIG_DFL); /* not a sanitizer's */
		if (open_ring(rig, &ringmap) == 0)
			raise(SIGBUS);
		raise(SIGBUS); /* the handler gave way at the first */
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
}

/* Where. */

static bool is_tmpfs(const char *path)
{
	struct statfs status;
	return statfs(path, &status) == 0 && status.f_type == TMPFS_MAGIC;
}

static void place_is_the_first_private_directory_on_a_tmpfs(void **state)
{
	struct rig *rig = *state;
	char open_dir[80], link_dir[80], made_dir[80], path[128], expected[128];
	snprintf(open_dir, sizeof(open_dir), "%s/open", rig->dir);
	snprintf(link_dir, sizeof(link_dir), "%s/link", rig->dir);
	snprintf(made_dir, sizeof(made_dir), "%s/made", rig->dir);
	const char *const dirs[] = { "/proc/self", "", "/does/not/exist", "relative-nowhere/x",
				     open_dir, link_dir, made_dir };
	assert_int_equal(mkdir(open_dir, 0700), 0);
	assert_int_equal(chmod(open_dir, 0777), 0);
	assert_int_equal(symlink(open_dir, link_dir), 0);
	assert_int_equal(ring_path_choose(dirs, 6, path, sizeof(path)), -ENOENT);
	/* Without a tmpfs to test on, none may be chosen. */
	assert_int_equal(ring_path_choose(dirs, 7, path, sizeof(path)),
			 is_tmpfs(rig->dir) ? 0 : -ENOENT);
	if (is_tmpfs(rig->dir)) {
		struct stat status;
		snprintf(expected, sizeof(expected), "%s/ring", made_dir);
		assert_string_equal(path, expected);
		assert_int_equal(stat(made_dir, &status), 0);
		assert_int_equal(status.st_mode & 0777, 0700);
		assert_int_equal(ring_path_choose(dirs, 7, path, 10), -ENAMETOOLONG);
	}
	unlink(link_dir);
	rmdir(open_dir);
	rmdir(made_dir);
}

UNIT_TESTS(ring_map)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(ring_is_private_and_has_all_its_memory),
		TEST(all_that_was_put_is_in_the_file),
		TEST(ring_of_a_recorder_that_lives_is_refused),
		TEST(lock_does_not_outlive_the_recorder_in_its_children),
		TEST(first_ring_of_dead_recorders_is_kept_for_a_day_beside_the_last),
		TEST(ring_that_was_kept_for_a_day_makes_way),
		TEST(recorder_killed_while_it_arms_leaves_an_empty_ring),
		TEST(other_files_are_left_alone),
		TEST(file_that_was_never_finished_is_taken_over),
		TEST(ring_of_an_impossible_size_is_refused),
		TEST(truncated_file_is_gone_on_with_in_memory),
		TEST(truncated_and_extended_file_has_lost_what_is_zeros),
		TEST(changed_memory_is_counted_as_lost),
		TEST(removed_file_is_noticed_and_another_ones_name_is_left),
		TEST(other_bus_errors_kill_as_ever),
		TEST(place_is_the_first_private_directory_on_a_tmpfs),
	};
	return run_unit_tests(tests, NULL, NULL);
}
