/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ring files, whole, wrapped, torn, damaged and of writers that were killed: what is read was put,
 * and what was put and not overwritten is read.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/bytes.h"
#include "capture/decoder.h"
#include "capture/encoder.h"
#include "capture/facts.h"
#include "capture/reader.h"
#include "capture/ringfile.h"
#include "capture/ringindex.h"
#include "capture/symbols.h"
#include "tests/unit/support/sample_capture.h"
#include "tests/unit/support/unit_test.h"

#define SLOT_BYTES    4096
#define SEGMENT_COUNT 40 /* events of a segment */
#define CPUS	      3

/* A ring file in memory, and what was put into it. Event number n of a CPU has the number n as the
 * address of a lock, and a time that follows from it. */
struct rig {
	int fd;
	struct ft_ringfile ring;
	uint8_t *memory;
	struct ft_encoder *encoder;
	struct ft_decoder *decoder;
	_Alignas(8) uint8_t segment[SLOT_BYTES];
	size_t segment_bytes;
	uint64_t put, own_put, facts_put;
	uint64_t sequences[CPUS];
	uint32_t names_bytes;
};

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	rig->ring = (struct ft_ringfile){ .slot_bytes = SLOT_BYTES, .facts_bytes = 4096,
					  .names_bytes = 4096, .own_slots = 2, .event_slots = 8 };
	assert_int_equal(ft_ringfile_place(&rig->ring), 0);
	rig->fd = memory_file();
	assert_int_equal(ftruncate(rig->fd, (off_t)rig->ring.bytes), 0);
	rig->memory = mmap(NULL, rig->ring.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, rig->fd, 0);
	assert_true(rig->memory != MAP_FAILED);
	ft_ringfile_begin(&rig->ring, rig->memory);
	assert_int_equal(ft_encoder_create(&rig->encoder), 0);
	assert_int_equal(ft_decoder_create(&rig->decoder), 0);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	ft_decoder_destroy(rig->decoder);
	ft_encoder_destroy(rig->encoder);
	munmap(rig->memory, rig->ring.bytes);
	close(rig->fd);
	free(rig);
	return 0;
}

static uint64_t time_of(uint32_t cpu, uint64_t number)
{
	return 1000 + number * 10 + cpu;
}

/* Seals into rig->segment. */
static void make_segment(struct rig *rig, uint32_t cpu, uint64_t sequence)
{
	const struct ft_task task = { 7, 7, "counter" };

	ft_encoder_begin(rig->encoder, rig->segment, sizeof(rig->segment), cpu, sequence);
	for (uint64_t i = 0; i < SEGMENT_COUNT; i++) {
		uint64_t number = sequence * SEGMENT_COUNT + i;

		assert_int_equal(ft_encoder_add(rig->encoder, &(struct ft_event){
			.kind = FT_EVENT_LOCK_BEGIN, .cpu = cpu,
			.time_ns = time_of(cpu == FT_NO_CPU ? 0 : cpu, number), .task = &task,
			.lock_begin = { .address = number } }), 0);
	}
	rig->segment_bytes = ft_encoder_seal(rig->encoder);
}

static uint8_t *event_slot(struct rig *rig, uint64_t number)
{
	return rig->memory + rig->ring.events_at +
	       number % rig->ring.event_slots * rig->ring.slot_bytes;
}

/* The next segment of @cpu, over the oldest one. */
static void put_segment(struct rig *rig, uint32_t cpu)
{
	make_segment(rig, cpu, rig->sequences[cpu]++);
	ft_ringfile_put(event_slot(rig, rig->put++), rig->segment, rig->segment_bytes);
}

static void put_facts(struct rig *rig, const char *host)
{
	struct ft_facts *facts;
	const void *payload;
	size_t bytes;

	assert_int_equal(ft_facts_create(&facts), 0);
	assert_int_equal(ft_facts_set(facts, FT_FACT_HOST, host), 0);
	payload = ft_facts_payload(facts, &bytes);
	assert_int_equal(ft_ringfile_put_facts(&rig->ring, rig->memory, rig->facts_put++, payload,
					       bytes), 0);
	ft_facts_destroy(facts);
}

/* What a reader found. */
struct found {
	size_t segments, own;
	uint64_t first[CPUS], next[CPUS]; /* sequences */
	bool holes;
	char host[32];
	size_t names;
	struct ft_damage damage;
	struct ft_ring_state state;
};

static void check_events(struct rig *rig, const struct ft_segment *segment, const void *payload)
{
	uint64_t number = segment->sequence * SEGMENT_COUNT;
	struct ft_event event;

	ft_decoder_begin(rig->decoder, payload, segment->inflated_bytes, segment->cpu,
			 segment->first_ns);
	assert_int_equal(segment->events, SEGMENT_COUNT);
	for (size_t i = 0; i < SEGMENT_COUNT; i++, number++) {
		assert_int_equal(ft_decoder_next(rig->decoder, &event), 1);
		assert_int_equal(event.kind, FT_EVENT_LOCK_BEGIN);
		assert_int_equal(event.lock_begin.address, number);
		assert_int_equal(event.time_ns,
				 time_of(segment->cpu == FT_NO_CPU ? 0 : segment->cpu, number));
	}
	assert_int_equal(ft_decoder_next(rig->decoder, &event), 0);
}

static void take_names(struct found *found, const void *payload, size_t bytes)
{
	struct ft_symbols *symbols;

	assert_int_equal(ft_symbols_create(&symbols), 0);
	assert_int_equal(ft_symbols_read(symbols, payload, bytes), 0);
	found->names += ft_symbols_count(symbols);
	ft_symbols_destroy(symbols);
}

static void take_facts(struct found *found, const void *payload, size_t bytes)
{
	struct ft_facts *facts;

	assert_int_equal(found->host[0], '\0'); /* one copy only */
	assert_int_equal(ft_facts_create(&facts), 0);
	assert_int_equal(ft_facts_read(facts, payload, bytes), 0);
	snprintf(found->host, sizeof(found->host), "%s", ft_facts_get(facts, FT_FACT_HOST));
	ft_facts_destroy(facts);
}

static void take_segment(struct rig *rig, struct found *found, const struct ft_segment *segment,
			 const void *payload)
{
	if (segment->kind == FT_SEGMENT_SYMBOLS) {
		take_names(found, payload, segment->inflated_bytes);
		return;
	}
	if (segment->kind == FT_SEGMENT_FACTS) {
		take_facts(found, payload, segment->inflated_bytes);
		return;
	}
	check_events(rig, segment, payload);
	if (segment->cpu == FT_NO_CPU) {
		found->own++;
		return;
	}
	assert_true(segment->cpu < CPUS);
	if (found->next[segment->cpu] == 0)
		found->first[segment->cpu] = segment->sequence;
	else
		found->holes |= segment->sequence != found->next[segment->cpu];
	assert_true(segment->sequence >= found->next[segment->cpu]); /* none twice, all in order */
	found->next[segment->cpu] = segment->sequence + 1;
	found->segments++;
}

/* Whatever is found must have been put. */
static void read_ring(struct rig *rig, struct found *ret_found)
{
	struct found found = { .segments = 0 };
	size_t buffer_bytes = 0;
	struct ft_reader *reader;
	void *buffer = NULL;

	assert_int_equal(ft_reader_open(memory_file_path(rig->fd), &reader, NULL), 0);
	assert_true(ft_reader_is_ring(reader, &found.state));
	ft_reader_damage(reader, &found.damage);
	for (size_t i = 0; i < ft_reader_count(reader); i++) {
		assert_int_equal(ft_reader_load(reader, i, &buffer, &buffer_bytes), 0);
		take_segment(rig, &found, ft_reader_segment(reader, i), buffer);
	}
	free(buffer);
	ft_reader_close(reader);
	*ret_found = found;
}

/* Layout. */

static void layout_fills_the_file_without_overlap(void **state)
{
	struct ft_ringfile ring;
	int planned = 0;

	(void)state;
	for (uint64_t bytes = 1 << 16; bytes <= FT_RINGFILE_BYTES_MAX; bytes += bytes / 3) {
		if (ft_ringfile_plan(bytes, 65536, &ring)) {
			assert_true(bytes < 1 << 20);
			continue;
		}
		planned++;
		assert_true(ring.bytes <= bytes && ring.bytes + 65536 > bytes);
		assert_int_equal(ring.facts_at, FT_RINGFILE_PAGE_BYTES);
		assert_int_equal(ring.names_at, ring.facts_at + 2 * ring.facts_bytes);
		assert_int_equal(ring.own_at, ring.names_at + ring.names_bytes);
		assert_int_equal(ring.events_at, ring.own_at + ring.own_slots * 65536ull);
		assert_int_equal(ring.bytes, ring.events_at + ring.event_slots * 65536ull);
		assert_int_equal(ring.own_at % 4096, 0);
	}
	assert_true(planned > 20);
	/* nearly all of the default is for events */
	assert_int_equal(ft_ringfile_plan(64 << 20, 65536, &ring), 0);
	assert_true(ring.event_slots >= 900);
}

static void layout_refuses_sizes_out_of_bounds(void **state)
{
	static const struct ft_ringfile bad[] = {
		{ 4095, 4096, 4096, 1, 1, 0, 0, 0, 0, 0 },
		{ 4097, 4096, 4096, 1, 1, 0, 0, 0, 0, 0 },
		{ 4096, 0, 4096, 1, 1, 0, 0, 0, 0, 0 },
		{ 4096, 4096, 16777224, 1, 1, 0, 0, 0, 0, 0 },
		{ 4096, 4096, 4096, 0, 1, 0, 0, 0, 0, 0 },
		{ 4096, 4096, 4096, 1, 0, 0, 0, 0, 0, 0 },
		{ 16777216, 4096, 4096, UINT32_MAX, UINT32_MAX, 0, 0, 0, 0, 0 },
	};
	struct ft_ringfile ring;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ring = bad[i];
		assert_int_equal(ft_ringfile_place(&ring), -EINVAL);
	}
	assert_int_equal(ft_ringfile_plan(64 << 20, 4100, &ring), -EINVAL);
	assert_int_equal(ft_ringfile_plan(UINT64_MAX, 65536, &ring), -EINVAL);
	assert_int_equal(ft_ringfile_plan(500000, 65536, &ring), -EINVAL);
}

static void header_tells_the_layout_and_every_flipped_bit(void **state)
{
	struct rig *rig = *state;
	struct ft_ringfile ring;

	assert_int_equal(ft_ringfile_decode(rig->memory, 4096, &ring, NULL), 0);
	assert_memory_equal(&ring, &rig->ring, sizeof(ring));
	for (size_t bit = 0; bit < 8 * FT_RINGFILE_HEADER_BYTES; bit++) {
		int error;

		rig->memory[bit / 8] ^= (uint8_t)(1 << bit % 8);
		error = ft_ringfile_decode(rig->memory, 4096, &ring, NULL);
		assert_int_equal(error, bit / 8 < 8 ? -ENOMSG : -EBADMSG);
		rig->memory[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t bytes = 8; bytes < FT_RINGFILE_HEADER_BYTES; bytes++)
		assert_int_equal(ft_ringfile_decode(rig->memory, bytes, &ring, NULL), -ENODATA);
}

/* Reading. */

static void reader_finds_nothing_in_a_new_ring(void **state)
{
	struct found found;

	read_ring(*state, &found);
	assert_int_equal(found.segments + found.own + found.names, 0);
	assert_int_equal(found.damage.segments, 0);
	assert_int_equal(found.damage.bad_segments, 0);
	assert_false(found.damage.torn);
	assert_false(found.state.running);
	assert_int_equal(found.state.since_ns, 0);
}

static void reader_finds_what_was_not_overwritten(void **state)
{
	struct rig *rig = *state;
	uint64_t seed = 1;

	for (uint64_t i = 1; i <= 5 * rig->ring.event_slots; i++) {
		uint64_t slots = i < rig->ring.event_slots ? i : rig->ring.event_slots;
		struct found found;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		put_segment(rig, (uint32_t)(seed >> 60) % CPUS);
		read_ring(rig, &found);
		assert_int_equal(found.segments, slots);
		assert_false(found.holes);
		for (uint32_t cpu = 0; cpu < CPUS; cpu++)
			assert_true(found.next[cpu] == rig->sequences[cpu] || !found.next[cpu]);
		assert_int_equal(found.damage.bad_segments + found.damage.unknown_segments, 0);
	}
}

static void reader_passes_over_garbage_in_slots(void **state)
{
	struct rig *rig = *state;
	struct found found;

	for (int i = 0; i < 20; i++)
		put_segment(rig, 0);
	for (size_t victim = 0; victim < rig->ring.event_slots; victim += 3)
		memset(event_slot(rig, victim) + victim, 0xa5, 300);
	read_ring(rig, &found);
	assert_int_equal(found.segments, 5);
	assert_true(found.holes);
	assert_int_equal(found.damage.bad_segments, 3);
	assert_int_equal(found.damage.first_error, -EBADMSG);
	assert_int_equal(found.damage.first_bad_offset, rig->ring.events_at);
}

static void reader_takes_in_each_area_only_what_belongs_there(void **state)
{
	struct rig *rig = *state;
	struct found found;

	put_segment(rig, 0);
	make_segment(rig, FT_NO_CPU, 0);
	ft_ringfile_put(event_slot(rig, 3), rig->segment, rig->segment_bytes);
	make_segment(rig, 1, 0);
	ft_ringfile_put(rig->memory + rig->ring.own_at, rig->segment, rig->segment_bytes);
	ft_ringfile_put(rig->memory + rig->ring.names_at, rig->segment, rig->segment_bytes);
	read_ring(rig, &found);
	assert_int_equal(found.segments, 1);
	assert_int_equal(found.own + found.names, 0);
	assert_int_equal(found.damage.unknown_segments, 3);
	assert_int_equal(found.damage.bad_segments, 0);
}

static void own_segments_have_a_ring_of_their_own(void **state)
{
	struct rig *rig = *state;
	struct found found;

	for (uint64_t i = 0; i < 5; i++) {
		make_segment(rig, FT_NO_CPU, i);
		assert_int_equal(ft_ringfile_put_own(&rig->ring, rig->memory, i, rig->segment,
						     rig->segment_bytes), 0);
		put_segment(rig, 0);
		read_ring(rig, &found);
		assert_int_equal(found.own, i ? 2 : 1);
		assert_int_equal(found.segments, i + 1);
	}
	assert_int_equal(ft_ringfile_put_own(&rig->ring, rig->memory, 5, rig->memory,
					     SLOT_BYTES + 8), -EMSGSIZE);
}

static void newest_whole_facts_count(void **state)
{
	struct rig *rig = *state;
	uint8_t huge[4096 - 64 + 1] = { 0 };
	struct found found;

	for (int i = 0; i < 5; i++) {
		char host[8];

		snprintf(host, sizeof(host), "host%d", i);
		put_facts(rig, host);
		read_ring(rig, &found);
		assert_string_equal(found.host, host);
	}
	/* the fifth is in the first copy */
	rig->memory[rig->ring.facts_at + 70] ^= 1;
	read_ring(rig, &found);
	assert_string_equal(found.host, "host3");
	assert_int_equal(found.damage.bad_segments, 1);
	memset(rig->memory + rig->ring.facts_at, 0, 8); /* as while it is written */
	read_ring(rig, &found);
	assert_string_equal(found.host, "host3");
	assert_int_equal(found.damage.bad_segments, 0);
	assert_int_equal(ft_ringfile_put_facts(&rig->ring, rig->memory, 1, huge, sizeof(huge)),
			 -EMSGSIZE);
	assert_int_equal(ft_ringfile_put_facts(&rig->ring, rig->memory, 0, huge, sizeof(huge) - 1),
			 0);
}

static int put_names(void *context, const void *payload, size_t payload_bytes)
{
	struct rig *rig = context;

	return ft_ringfile_put_names(&rig->ring, rig->memory, &rig->names_bytes, payload,
				     payload_bytes);
}

static int put_name(struct rig *rig, uint64_t address)
{
	struct ft_symbols *symbols;
	int error;

	assert_int_equal(ft_symbols_create(&symbols), 0);
	assert_int_equal(ft_symbols_add(symbols, &(struct ft_symbol){ .address = address,
								      .name = "rwsem_wake" }), 0);
	error = ft_symbols_write(symbols, put_names, rig);
	ft_symbols_destroy(symbols);
	return error;
}

static void names_are_appended_until_the_area_is_full(void **state)
{
	struct rig *rig = *state;
	struct found found;
	size_t count = 0;

	put_segment(rig, 0);
	while (put_name(rig, 0xffffffff81000000 + count) == 0) {
		read_ring(rig, &found);
		assert_int_equal(found.names, ++count);
	}
	assert_true(count > 30 && rig->names_bytes <= rig->ring.names_bytes);
	assert_int_equal(put_name(rig, 1), -ENOSPC);
	read_ring(rig, &found);
	assert_int_equal(found.names, count);
	assert_int_equal(found.segments, 1);
	assert_int_equal(found.damage.bad_segments, 0);
}

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
	make_segment(rig, 0, 0);
	for (size_t bytes = 0; bytes < rig->segment_bytes; bytes += 8) {
		uint8_t *place = pages + page_bytes - bytes;

		make_segment(rig, 0, 1);
		memcpy(place, rig->segment, rig->segment_bytes);
		make_segment(rig, 0, 2);
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
	uint8_t older[SLOT_BYTES], *slot = event_slot(rig, 2);
	size_t older_bytes;
	struct found found;

	for (int i = 0; i < 8; i++)
		put_segment(rig, 0);
	memcpy(older, slot, SLOT_BYTES);
	make_segment(rig, 0, 8);
	older_bytes = rig->segment_bytes;
	for (size_t bytes = 0; bytes <= older_bytes; bytes++) {
		bool like_old = memcmp(rig->segment, older, bytes) == 0;
		bool like_new = memcmp(rig->segment + bytes, older + bytes, older_bytes - bytes) == 0;

		memcpy(slot, older, SLOT_BYTES);
		memcpy(slot, rig->segment, bytes);
		read_ring(rig, &found);
		assert_int_equal(found.segments, like_old || like_new ? 8 : 7);
		assert_int_equal(found.damage.bad_segments, like_old || like_new ? 0 : 1);
	}
}

static void ring_with_any_flipped_bit_shows_it_or_does_not_suffer(void **state)
{
	struct rig *rig = *state;
	struct found whole, found;

	for (uint32_t i = 0; i < 10; i++)
		put_segment(rig, i % CPUS);
	put_facts(rig, "one");
	put_facts(rig, "two");
	assert_int_equal(put_name(rig, 0xffffffff81000000), 0);
	make_segment(rig, FT_NO_CPU, 0);
	assert_int_equal(ft_ringfile_put_own(&rig->ring, rig->memory, 0, rig->segment,
					     rig->segment_bytes), 0);
	ft_ringfile_set_since((uint64_t *)(rig->memory + FT_RINGFILE_SINCE_AT), 1234);
	read_ring(rig, &whole);
	assert_int_equal(whole.segments, 8);
	for (size_t at = FT_RINGFILE_HEADER_BYTES; at < rig->ring.bytes; at++) {
		uint8_t flip = (uint8_t)(1 << at % 8);

		if (at % 4096 >= 700 && at % 4096 < 4080 && at % 97)
			continue; /* behind the segments: samples will do */
		rig->memory[at] ^= flip;
		read_ring(rig, &found);
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
		put_segment(rig, 0);
	for (uint64_t slots = 8; slots-- > 0;) {
		off_t bytes = (off_t)(rig->ring.events_at + slots * SLOT_BYTES + 100);

		assert_int_equal(ftruncate(rig->fd, bytes), 0);
		read_ring(rig, &found);
		assert_int_equal(found.segments, slots);
		assert_true(found.damage.torn);
		assert_int_equal(found.damage.skipped_bytes, rig->ring.bytes - (uint64_t)bytes);
		assert_true(found.damage.first_error < 0);
	}
	assert_int_equal(ftruncate(rig->fd, 100), 0);
	read_ring(rig, &found);
	assert_int_equal(found.damage.segments, 0);
	assert_true(found.damage.torn);
}

/* 4 million slots in a file without any blocks: must not take long, nor much memory. */
static void reader_is_not_kept_busy_by_a_huge_empty_ring(void **state)
{
	struct rig *rig = *state;
	struct found found;

	rig->ring.event_slots = (uint32_t)(FT_RINGFILE_BYTES_MAX / SLOT_BYTES - 10);
	assert_int_equal(ft_ringfile_place(&rig->ring), 0);
	ft_ringfile_begin(&rig->ring, rig->memory);
	assert_int_equal(ftruncate(rig->fd, (off_t)rig->ring.bytes), 0);
	read_ring(rig, &found);
	assert_int_equal(found.segments, 0);
	rig->ring.event_slots = 8;
	assert_int_equal(ft_ringfile_place(&rig->ring), 0);
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
	make_segment(rig, cpu, sequence);
	if (step == HALF_PUT)
		put_half(rig, event_slot(rig, number));
	if (step >= PUT)
		ft_ringfile_put(event_slot(rig, number), rig->segment, rig->segment_bytes);
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
			read_ring(rig, &found);
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
			put_facts(rig, "recorder");
		if (rig->put % 7 == 0) {
			make_segment(rig, FT_NO_CPU, rig->own_put);
			ft_ringfile_put_own(&rig->ring, rig->memory, rig->own_put++, rig->segment,
					    rig->segment_bytes);
		}
		if (rig->put % 50 == 0)
			put_name(rig, 0xffffffff81000000 + rig->put);
	}
}

static void wait_for_put(struct rig *rig, uint64_t slot)
{
	while (__atomic_load_n((uint64_t *)event_slot(rig, slot), __ATOMIC_ACQUIRE) == 0)
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
		read_ring(rig, &found);
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

		read_ring(rig, &found); /* loads all of it after it was opened */
		assert_true(found.state.running);
		assert_int_equal(found.damage.unknown_segments, 0);
		assert_int_equal(found.damage.zeroed_segments, 0); /* being put is no loss */
	}
	kill_recorder(pid);
}

UNIT_TESTS(ringfile)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_fills_the_file_without_overlap),
		cmocka_unit_test(layout_refuses_sizes_out_of_bounds),
		TEST(header_tells_the_layout_and_every_flipped_bit),
		TEST(reader_finds_nothing_in_a_new_ring),
		TEST(reader_finds_what_was_not_overwritten),
		TEST(reader_passes_over_garbage_in_slots),
		TEST(reader_takes_in_each_area_only_what_belongs_there),
		TEST(own_segments_have_a_ring_of_their_own),
		TEST(newest_whole_facts_count),
		TEST(names_are_appended_until_the_area_is_full),
		TEST(put_that_is_killed_leaves_an_empty_place),
		TEST(slot_that_is_half_old_is_not_read),
		TEST(ring_with_any_flipped_bit_shows_it_or_does_not_suffer),
		TEST(ring_that_was_cut_is_read_up_to_there),
		TEST(reader_is_not_kept_busy_by_a_huge_empty_ring),
		TEST(ring_is_readable_wherever_its_recorder_was_killed),
		TEST(ring_of_a_killed_recorder_is_readable),
		TEST(ring_that_is_put_into_is_read_as_of_one_moment),
		TEST(ring_of_a_running_recorder_is_readable),
	};

	return run_unit_tests(tests, NULL, NULL);
}
