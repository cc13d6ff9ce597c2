/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/facts.h"
#include "capture/symbols.h"
#include "tests/unit/support/ring_rig.h"
#include "tests/unit/support/sample_capture.h"
#include "tests/unit/support/unit_test.h"

#define SEGMENT_COUNT 40 /* events of a segment */

int rig_set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	rig->ring = (struct ft_ringfile){ .slot_bytes = RIG_SLOT_BYTES, .facts_bytes = 4096,
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

int rig_tear_down(void **state)
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

void rig_make_segment(struct rig *rig, uint32_t cpu, uint64_t sequence)
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

uint8_t *rig_event_slot(struct rig *rig, uint64_t number)
{
	return rig->memory + rig->ring.events_at +
	       number % rig->ring.event_slots * rig->ring.slot_bytes;
}

void rig_put(struct rig *rig, uint32_t cpu)
{
	rig_make_segment(rig, cpu, rig->sequences[cpu]++);
	ft_ringfile_put(rig_event_slot(rig, rig->put++), rig->segment, rig->segment_bytes);
}

void rig_put_facts(struct rig *rig, const char *host)
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

static int put_names(void *context, const void *payload, size_t payload_bytes)
{
	struct rig *rig = context;

	return ft_ringfile_put_names(&rig->ring, rig->memory, &rig->names_bytes, payload,
				     payload_bytes);
}

int rig_put_name(struct rig *rig, uint64_t address)
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
	assert_true(segment->cpu < RIG_CPUS);
	if (found->next[segment->cpu] == 0)
		found->first[segment->cpu] = segment->sequence;
	else
		found->holes |= segment->sequence != found->next[segment->cpu];
	assert_true(segment->sequence >= found->next[segment->cpu]); /* none twice, all in order */
	found->next[segment->cpu] = segment->sequence + 1;
	found->segments++;
}

void rig_read(struct rig *rig, struct found *ret_found)
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
