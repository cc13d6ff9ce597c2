/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ring files that are torn, damaged, of recorders that were killed, or being put into: what is
 * read was put all the same, and what is not whole is not read.
 */
#include "config.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/bytes.h"
#include "capture/ringfile.h"
#include "capture/ringindex.h"
#include "tests/unit/support/ring_rig.h"
#include "tests/unit/support/unit_test.h"

#define SLOT_BYTES RIG_SLOT_BYTES
#define CPUS RIG_CPUS

/* Torn. */

static sigjmp_buf killed;

static void on_fault(int number)
{
	siglongjmp(killed, number);
}

/* Put @rig's segment to where it ends, after @bytes of it, at a page that cannot be written. Returns
 * whether that ended the putting. */
static bool put_up_to(struct rig *rig, uint8_t *pages, size_t bytes)
{
	long page_bytes = sysconf(_SC_PAGESIZE);
	struct sigaction action = { .sa_handler = on_fault }, former;
	volatile bool done = false;

	assert_int_equal(mprotect(pages + page_bytes, (size_t)page_bytes, PROT_NONE), 0);
	sigaction(SIGSEGV, &action, &former);
	if (sigsetjmp(killed, 1) == 0) {
		ft_ringfile_put(pages + page_bytes - bytes, rig->segment, rig->segment_bytes);
		done = true;
	}
	sigaction(SIGSEGV, &former, NULL);
	assert_int_equal(mprotect(pages + page_bytes, (size_t)page_bytes, PROT_READ | PROT_WRITE),
			 0);
	return !done;
}

static void put_that_is_killed_leaves_an_empty_place(void **state)
{
	struct rig *rig = *state;
	long page_bytes = sysconf(_SC_PAGESIZE);
	uint8_t *pages = mmap(NULL, 2 * (size_t)page_bytes, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct ft_segment segment;
	size_t used;

	assert_true(pages != MAP_FAILED);
	rig_make_segment(rig, 0, 0);
	for (size_t bytes = 0; bytes < rig->segment_bytes; bytes += 8) {
		uint8_t *place = pages + page_bytes - bytes;

		rig_make_segment(rig, 0, 1);
		memcpy(place, rig->segment, rig->segment_bytes);
		rig_make_segment(rig, 0, 2);
		assert_true(put_up_to(rig, pages, bytes));
		if (bytes == 0) {
			/* not even begun: the old one is whole */
			assert_int_equal(ft_segment_decode(place, SLOT_BYTES, &segment, &used), 0);
			assert_int_equal(segment.sequence, 1);
		} else {
			assert_int_equal(ft_get_le64(place), 0);
		}
	}
	munmap(pages, 2 * (size_t)page_bytes);
}

/* Also where the order of the bytes was not kept: a host that lost power, a copy of a running ring. */
static void slot_that_is_half_old_is_not_read(void **state)
{
	struct rig *rig = *state;
	uint8_t older[SLOT_BYTES], *slot = rig_event_slot(rig, 2);
	size_t older_bytes;
	struct found found;

	for (int i = 0; i < 8; i++)
		rig_put(rig, 0);
	memcpy(older, slot, SLOT_BYTES);
	rig_make_segment(rig, 0, 8);
	older_bytes = rig->segment_bytes;
	for (size_t bytes = 0; bytes <= older_bytes; bytes++) {
		bool like_old = memcmp(rig->segment, older, bytes) == 0;
		bool like_new = memcmp(rig->segment + bytes, older + bytes, older_bytes - bytes) == 0;

		memcpy(slot, older, SLOT_BYTES);
		memcpy(slot, rig->segment, bytes);
		rig_read(rig, &found);
		assert_int_equal(found.segments, like_old || like_new ? 8 : 7);
		assert_int_equal(found.damage.bad_segments, like_old || like_new ? 0 : 1);
	}
}

static void ring_with_any_flipped_bit_shows_it_or_does_not_suffer(void **state)
{
	struct rig *rig = *state;
	struct found whole, found;

	for (uint32_t i = 0; i < 10; i++)
		rig_put(rig, i % CPUS);
	rig_put_facts(rig, "one");
	rig_put_facts(rig, "two");
	assert_int_equal(rig_put_name(rig, 0xffffffff81000000), 0);
	rig_make_segment(rig, FT_NO_CPU, 0);
	assert_int_equal(ft_ringfile_put_own(&rig->ring, rig->memory, 0, rig->segment,
					     rig->segment_bytes), 0);
	ft_ringfile_set_since((uint64_t *)(rig->memory + FT_RINGFILE_SINCE_AT), 1234);
	rig_read(rig, &whole);
	assert_int_equal(whole.segments, 8);
	for (size_t at = FT_RINGFILE_HEADER_BYTES; at < rig->ring.bytes; at++) {
		uint8_t flip = (uint8_t)(1 << at % 8);

		if (at % 4096 >= 700 && at % 4096 < 4080 && at % 97)
			continue; /* behind the segments: samples will do */
		rig->memory[at] ^= flip;
		rig_read(rig, &found);
		rig->memory[at] ^= flip;
		if (at < FT_RINGFILE_PAGE_BYTES) {
			assert_true(found.state.since_ns ==
				    (at < FT_RINGFILE_SINCE_AT ? 1234 : FT_RINGFILE_SINCE_UNKNOWN));
		}
		if (found.damage.bad_segments == 0) {
			assert_int_equal(found.damage.segments, whole.damage.segments);
			assert_string_equal(found.host, "two");
		} else {
			assert_int_equal(found.damage.bad_segments, 1);
			assert_true(found.damage.segments + 1 >= whole.damage.segments);
		}
	}
}

static void ring_that_was_cut_is_read_up_to_there(void **state)
{
	struct rig *rig = *state;
	struct found found;

	for (int i = 0; i < 8; i++)
		rig_put(rig, 0);
	for (uint64_t slots = 8; slots-- > 0;) {
		off_t bytes = (off_t)(rig->ring.events_at + slots * SLOT_BYTES + 100);

		assert_int_equal(ftruncate(rig->fd, bytes), 0);
		rig_read(rig, &found);
		assert_int_equal(found.segments, slots);
		assert_true(found.damage.torn);
		assert_int_equal(found.damage.skipped_bytes, rig->ring.bytes - (uint64_t)bytes);
		assert_true(found.damage.first_error < 0);
	}
	assert_int_equal(ftruncate(rig->fd, 100), 0);
	rig_read(rig, &found);
	assert_int_equal(found.damage.segments, 0);
	assert_true(found.damage.torn);
}

/* Killed. */

#define TURNS 3

/* Where the recorder is killed while it puts a segment. */
enum step { BEFORE, SINCE_SET, HALF_PUT, PUT, COUNTED, STEPS };

/* Put @rig's segment, and be killed after half of it: the rest of it cannot be read. */
static void put_half(struct rig *rig, uint8_t *place)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE), half_bytes = rig->segment_bytes / 2;
	uint8_t *pages = mmap(NULL, 2 * page_bytes, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sigaction action = { .sa_handler = on_fault }, former;
	volatile bool done = false;

	assert_true(pages != MAP_FAILED);
	memcpy(pages + page_bytes - half_bytes, rig->segment, half_bytes);
	assert_int_equal(mprotect(pages + page_bytes, page_bytes, PROT_NONE), 0);
	sigaction(SIGSEGV, &action, &former);
	if (sigsetjmp(killed, 1) == 0) {
		ft_ringfile_put(place, pages + page_bytes - half_bytes, rig->segment_bytes);
		done = true;
	}
	sigaction(SIGSEGV, &former, NULL);
	assert_false(done);
	munmap(pages, 2 * page_bytes);
}

/* The next segment of @cpu as a recorder puts it, up to @step. */
static void put_up_to_step(struct rig *rig, uint32_t cpu, enum step step)
{
	uint64_t number = rig->put, sequence = rig->sequences[cpu];

	if (step >= SINCE_SET && number >= rig->ring.event_slots)
		ft_ringfile_set_since((uint64_t *)(rig->memory + FT_RINGFILE_SINCE_AT),
				      1 + number - rig->ring.event_slots);
	rig_make_segment(rig, cpu, sequence);
	if (step == HALF_PUT)
		put_half(rig, rig_event_slot(rig, number));
	if (step >= PUT)
		ft_ringfile_put(rig_event_slot(rig, number), rig->segment, rig->segment_bytes);
	if (step >= COUNTED)
		ft_ringfile_set_put_count((uint64_t *)(rig->memory + FT_RINGFILE_PUT_AT),
					  number + 1);
	if (step == COUNTED) {
		rig->put++;
		rig->sequences[cpu]++;
	}
}

/* A ring as its recorder leaves it that is killed in @step of segment number @number. */
static void leave_ring(struct rig *rig, uint64_t number, enum step step)
{
	memset(rig->memory, 0, rig->ring.bytes);
	ft_ringfile_begin(&rig->ring, rig->memory);
	rig->put = 0;
	memset(rig->sequences, 0, sizeof(rig->sequences));
	while (rig->put < number)
		put_up_to_step(rig, (uint32_t)(rig->put * 7 / 3 % CPUS), COUNTED);
	put_up_to_step(rig, (uint32_t)(number * 7 / 3 % CPUS), step);
}

static void ring_is_readable_wherever_its_recorder_was_killed(void **state)
{
	struct rig *rig = *state;
	const uint64_t slots = rig->ring.event_slots;

	for (uint64_t number = 0; number < TURNS * slots; number++) {
		for (enum step step = BEFORE; step < STEPS; step++) {
			uint64_t put = number + (step >= PUT);
			bool over = number >= slots; /* is one overwritten? */
			struct found found;

			leave_ring(rig, number, step);
			rig_read(rig, &found);
			assert_int_equal(found.damage.bad_segments + found.damage.unknown_segments, 0);
			assert_int_equal(found.damage.first_error, 0);
			assert_false(found.holes);
			assert_int_equal(found.segments,
					 (put < slots ? put : slots) - (over && step == HALF_PUT));
			assert_int_equal(found.state.since_ns,
					 number + (step >= SINCE_SET) > slots
						 ? number + (step >= SINCE_SET) - slots
						 : 0);
		}
	}
}

/* In a child: puts for ever, as a recorder does. */
static void record_forever(struct rig *rig)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(rig->fd, F_SETLK, &lock))
		_exit(1);
	for (;;) {
		put_up_to_step(rig, (uint32_t)(rig->put * 7 / 3 % CPUS), COUNTED);
		if (rig->put % 5 == 0)
			rig_put_facts(rig, "recorder");
		if (rig->put % 7 == 0) {
			rig_make_segment(rig, FT_NO_CPU, rig->own_put);
			ft_ringfile_put_own(&rig->ring, rig->memory, rig->own_put++, rig->segment,
					    rig->segment_bytes);
		}
		if (rig->put % 50 == 0)
			rig_put_name(rig, 0xffffffff81000000 + rig->put);
	}
}

static void wait_for_put(struct rig *rig, uint64_t slot)
{
	while (__atomic_load_n((uint64_t *)rig_event_slot(rig, slot), __ATOMIC_ACQUIRE) == 0)
		sched_yield();
}

static pid_t start_recorder(struct rig *rig)
{
	pid_t pid;

	memset(rig->memory, 0, rig->ring.bytes);
	ft_ringfile_begin(&rig->ring, rig->memory);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		record_forever(rig);
	return pid;
}

static void kill_recorder(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status)); /* and not by itself */
}

/* Facts and names may be half put too. Where it is killed is the scheduler's choice. */
static void ring_of_a_killed_recorder_is_readable(void **state)
{
	struct rig *rig = *state;
	uint64_t seed = 4711;

	for (int round = 0; round < 100; round++) {
		struct found found;
		pid_t pid = start_recorder(rig);

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		wait_for_put(rig, seed >> 61); /* anywhere in the first turn ... */
		nanosleep(&(struct timespec){ .tv_nsec = (long)(seed >> 40) % 3000000 }, NULL);
		kill_recorder(pid); /* ... or many turns later */
		rig_read(rig, &found);
		assert_int_equal(found.damage.bad_segments + found.damage.unknown_segments, 0);
		assert_int_equal(found.damage.first_error, 0);
		assert_false(found.holes);
		assert_false(found.state.running);
		if (found.state.since_ns) /* a turn was complete: one place at most is not */
			assert_true(found.segments >= 7);
	}
}

/* A reader that is held up: once it has taken @at segments, @count more are put. */
struct held_up {
	struct rig *rig;
	uint64_t at, count;
	uint64_t taken, sum, least, greatest;
};

static int take_held_up(void *context, const struct ft_segment *segment, uint64_t offset,
			uint32_t payload_crc)
{
	struct held_up *reader = context;

	(void)offset;
	(void)payload_crc;
	if (reader->taken++ == reader->at)
		for (uint64_t i = 0; i < reader->count; i++)
			put_up_to_step(reader->rig, 0, COUNTED);
	reader->sum += segment->sequence;
	if (segment->sequence < reader->least)
		reader->least = segment->sequence;
	if (segment->sequence > reader->greatest)
		reader->greatest = segment->sequence;
	return 0;
}

/* Numbers least to greatest, each once? */
static bool is_gapless(const struct held_up *reader)
{
	return reader->greatest - reader->least + 1 == reader->taken &&
	       reader->sum == (reader->least + reader->greatest) * reader->taken / 2;
}

/* One CPU's segments, from each place of the ring on, put at each moment of the reading. */
static void ring_that_is_put_into_is_read_as_of_one_moment(void **state)
{
	struct rig *rig = *state;
	const uint64_t slots = rig->ring.event_slots;
	unsigned int gapless = 0;

	for (uint64_t before = slots; before < 2 * slots; before++) {
		for (uint64_t at = 0; at < slots; at++) {
			for (uint64_t count = 0; count <= slots; count++) {
				struct ft_damage damage = { .segments = 0 };
				struct held_up reader = { .rig = rig, .at = at, .count = count,
							  .least = UINT64_MAX };
				const struct ft_ringindex index = { .fd = rig->fd, .copy_fd = -1,
								    .ring = rig->ring,
								    .take = take_held_up,
								    .context = &reader,
								    .damage = &damage };
				uint64_t since_ns;

				memset(rig->memory, 0, rig->ring.bytes);
				ft_ringfile_begin(&rig->ring, rig->memory);
				rig->put = rig->sequences[0] = 0;
				while (rig->put < before)
					put_up_to_step(rig, 0, COUNTED);
				assert_int_equal(ft_ringindex_run(&index, &since_ns), 0);
				assert_int_equal(reader.taken, slots);
				assert_int_equal(damage.bad_segments + damage.unknown_segments, 0);
				/* Rightly there is one where the recorder comes to the end of the ring
				 * and begins anew before the reader is through. */
				bool overtaken = count > 2 * slots - before && at < slots - 1;
				assert_int_equal(is_gapless(&reader), !overtaken);
				gapless += !overtaken;
			}
		}
	}
	assert_int_equal(gapless, 380); /* of 8 * 8 * 9 */
}

static void ring_of_a_running_recorder_is_readable(void **state)
{
	struct rig *rig = *state;
	pid_t pid = start_recorder(rig);

	wait_for_put(rig, 7);
	for (int i = 0; i < 100; i++) {
		struct found found;

		rig_read(rig, &found); /* loads all of it after it was opened */
		assert_true(found.state.running);
		assert_int_equal(found.damage.unknown_segments, 0);
		assert_int_equal(found.damage.zeroed_segments, 0); /* being put is no loss */
	}
	kill_recorder(pid);
}

UNIT_TESTS(ringfile_torn)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(put_that_is_killed_leaves_an_empty_place),
		TEST(slot_that_is_half_old_is_not_read),
		TEST(ring_with_any_flipped_bit_shows_it_or_does_not_suffer),
		TEST(ring_that_was_cut_is_read_up_to_there),
		TEST(ring_is_readable_wherever_its_recorder_was_killed),
		TEST(ring_of_a_killed_recorder_is_readable),
		TEST(ring_that_is_put_into_is_read_as_of_one_moment),
		TEST(ring_of_a_running_recorder_is_readable),
	};

	return run_unit_tests(tests, NULL, NULL);
}
