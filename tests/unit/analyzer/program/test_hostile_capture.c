/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Captures made to hurt: payloads with random bytes changed and checksums that
 * hold again. The analyzer must neither crash, hang, nor break its own law.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/analysis.h"
#include "analyzer/report/report.h"
#include "capture/reader.h"
#include "capture/ringfile.h"
#include "capture/segment.h"
#include "capture/writer.h"
#include "tests/unit/support/scene.h"
#include "tests/unit/support/unit_test.h"

#define ROUNDS 1500
#define MS     SCENE_MS

static uint64_t seed = 20260203;

static uint32_t random_below(uint32_t limit)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % limit;
}

static const struct ft_task holder = { 100, 100, "holder" };
static const struct ft_task waiter = { 101, 100, "waiter" };

#define WAIT                                                                                       \
	"__schedule < schedule < rwsem_down_write_slowpath < down_write_killable < "               \
	"__vm_munmap < __x64_sys_munmap < do_syscall_64 | munmap < main"
#define RELEASE                                                                                    \
	"try_to_wake_up < wake_up_q < rwsem_wake < up_read < __mm_populate < vm_mmap_pgoff < "     \
	"__x64_sys_mmap < do_syscall_64"

/* One of each kind of event that matters, in a freeze of half a second. */
static const char *write_template(struct scene *scene)
{
	scene_switch(scene, 0, 10 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	scene_call(scene, 0, 20 * MS, &holder, FT_CALL_MMAP, 1ull << 30,
		   "vm_mmap_pgoff < __x64_sys_mmap | mmap < main");
	scene_switch(scene, 1, 30 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
	scene_lock_begin(scene, 1, 31 * MS, &waiter, 0xffff888000001000, FT_LOCK_WRITE);
	scene_switch(scene, 1, 32 * MS, &waiter, FT_STATE_DISK, WAIT, &scene_idle);
	for (uint64_t at_ms = 50; at_ms < 500; at_ms += 20)
		scene_sample(scene, 0, at_ms * MS, &holder, RELEASE);
	scene_span(scene, 0, 550 * MS, &holder, "direct reclaim", true, 32);
	scene_counter(scene, 0, 551 * MS, "memory.stat:anon", "/system.slice", 1 << 20);
	scene_lost(scene, 1, 100 * MS, 200 * MS, 3);
	scene_waking(scene, 0, 600 * MS, &holder, RELEASE, &waiter);
	scene_switch(scene, 1, 601 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &waiter);
	scene_switch(scene, 1, 700 * MS, &waiter, FT_STATE_DEAD, NULL, &scene_idle);
	return scene_write(scene, "100", 800 * MS);
}

static void load_changed(struct ft_reader *reader, size_t index, void **payload,
			 size_t *payload_bytes, bool change)
{
	uint32_t count = ft_reader_segment(reader, index)->inflated_bytes;

	assert_int_equal(ft_reader_load(reader, index, payload, payload_bytes), 0);
	for (uint32_t i = 0; change && count && i <= random_below(4); i++)
		((uint8_t *)*payload)[random_below(count)] = (uint8_t)random_below(256);
}

/* Copy a segment with some bytes of its payload changed; checksums are made anew. */
static void copy_changed(struct ft_reader *reader, size_t index, struct ft_writer *writer,
			 void **payload, size_t *payload_bytes, bool change)
{
	struct ft_segment segment = *ft_reader_segment(reader, index);
	uint8_t *bytes;
	long length;

	load_changed(reader, index, payload, payload_bytes, change);
	bytes = *payload;
	if (segment.kind == FT_SEGMENT_END) {
		assert_int_equal(ft_writer_end(writer), 0);
	} else if (segment.kind != FT_SEGMENT_EVENTS) {
		assert_int_equal(ft_writer_payload(writer, segment.kind, bytes,
						   segment.inflated_bytes), 0);
	} else {
		size_t room = FT_SEGMENT_HEADER_BYTES + segment.inflated_bytes + 8;
		uint8_t *sealed = malloc(room);

		assert_non_null(sealed);
		memcpy(sealed + FT_SEGMENT_HEADER_BYTES, bytes, segment.inflated_bytes);
		segment.flags = 0;
		segment.payload_bytes = segment.inflated_bytes;
		length = ft_segment_encode(&segment, sealed, room);
		assert_true(length > 0);
		assert_int_equal(ft_writer_segment(writer, sealed, (size_t)length), 0);
		free(sealed);
	}
}

static void write_changed(const char *from, char *path)
{
	struct ft_reader *reader = NULL;
	struct ft_writer *writer = NULL;
	void *payload = NULL;
	size_t payload_bytes = 0, victim;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(ft_reader_open(from, &reader, NULL), 0);
	assert_int_equal(ft_writer_create(fd, &writer), 0);
	victim = random_below((uint32_t)ft_reader_count(reader));
	for (size_t i = 0; i < ft_reader_count(reader); i++)
		copy_changed(reader, i, writer, &payload, &payload_bytes, i == victim);
	free(payload);
	ft_writer_destroy(writer);
	ft_reader_close(reader);
	close(fd);
}

/* The same as a ring file: whose sequences start anywhere, and whose word for when is hostile too. */
static void write_changed_ring(const char *from, char *path)
{
	struct ft_ringfile ring = { .slot_bytes = 65536, .facts_bytes = 65536,
				    .names_bytes = 65536, .own_slots = 4, .event_slots = 16 };
	uint64_t own = 0, facts = 0, slot = random_below(16), since[2];
	struct ft_reader *reader = NULL;
	uint32_t names_bytes = 0, base = random_below(3);
	void *payload = NULL;
	size_t payload_bytes = 0, victim;
	int fd = mkstemp(path);
	uint8_t *memory;

	assert_true(fd >= 0);
	assert_int_equal(ft_ringfile_place(&ring), 0);
	memory = calloc(1, ring.bytes);
	assert_non_null(memory);
	ft_ringfile_begin(&ring, memory);
	assert_int_equal(ft_reader_open(from, &reader, NULL), 0);
	victim = random_below((uint32_t)ft_reader_count(reader));
	for (size_t i = 0; i < ft_reader_count(reader); i++) {
		struct ft_segment segment = *ft_reader_segment(reader, i);
		_Alignas(8) static uint8_t sealed[65536];
		long length;

		load_changed(reader, i, &payload, &payload_bytes, i == victim);
		if (segment.kind == FT_SEGMENT_FACTS) {
			ft_ringfile_put_facts(&ring, memory, facts++, payload,
					      segment.inflated_bytes);
			continue;
		}
		if (segment.kind == FT_SEGMENT_SYMBOLS) {
			ft_ringfile_put_names(&ring, memory, &names_bytes, payload,
					      segment.inflated_bytes);
			continue;
		}
		memcpy(sealed + FT_SEGMENT_HEADER_BYTES, payload, segment.inflated_bytes);
		segment.flags = 0;
		segment.payload_bytes = segment.inflated_bytes;
		segment.sequence += base;
		length = ft_segment_encode(&segment, sealed, sizeof(sealed));
		assert_true(length > 0);
		if (segment.cpu == FT_NO_CPU)
			ft_ringfile_put_own(&ring, memory, own++, sealed, (size_t)length);
		else
			ft_ringfile_put(memory + ring.events_at + slot++ % 16 * 65536, sealed,
					(size_t)length);
	}
	since[0] = SCENE_START_NS + random_below(900) * MS;
	ft_ringfile_set_since(since, since[0]);
	memcpy(memory + FT_RINGFILE_SINCE_AT, since, sizeof(since));
	if (random_below(2))
		memory[random_below((uint32_t)ring.bytes)] ^= 1 << random_below(8);
	assert_int_equal(write(fd, memory, ring.bytes), ring.bytes);
	free(memory);
	free(payload);
	ft_reader_close(reader);
	close(fd);
}

static void check_model(const struct model *model, FILE *out)
{
	const struct report_options options = { .all_threads = true, .width = 80 };

	for (size_t i = 0; i < model->thread_count; i++)
		assert_int_equal(model->threads[i].running_ns + model->threads[i].runnable_ns +
					 model->threads[i].blocked_ns + model->threads[i].unknown_ns,
				 model->threads[i].observed_ns);
	assert_int_equal(report_renderer("text")->report(model, &options, out), 0);
	assert_int_equal(report_renderer("json")->report(model, &options, out), 0);
	assert_int_equal(report_renderer("folded")->report(model, &options, out), 0);
}

static void read_hostile(void (*write_hostile)(const char *from, char *path), int rounds)
{
	const struct analysis_options options = { 0 };
	struct scene *scene = scene_create(2);
	const char *original = write_template(scene);
	FILE *out = fopen("/dev/null", "w");
	int analysed = 0;

	assert_non_null(out);
	for (int round = 0; round < rounds; round++) {
		char path[] = "/tmp/freezetrap-hostile-XXXXXX";
		struct source *source = NULL;
		struct model *model = NULL;
		char *message = NULL;

		write_hostile(original, path);
		if (source_open(path, &source, &message) == 0) {
			assert_int_equal(analysis_run(source, path, &options, &model, NULL), 0);
			check_model(model, out);
			analysed++;
		}
		model_free(model);
		source_close(source);
		free(message);
		unlink(path);
	}
	assert_true(analysed > rounds / 2);
	fclose(out);
	scene_destroy(scene);
}

static void hostile_payloads_are_read_without_harm(void **state)
{
	(void)state;
	read_hostile(write_changed, ROUNDS);
}

static void hostile_rings_are_read_without_harm(void **state)
{
	(void)state;
	read_hostile(write_changed_ring, ROUNDS / 3);
}

UNIT_TESTS(hostile_capture)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_payloads_are_read_without_harm),
		cmocka_unit_test(hostile_rings_are_read_without_harm),
	};

	return run_unit_tests(tests, NULL, NULL);
}
