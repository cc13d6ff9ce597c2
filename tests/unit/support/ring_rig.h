/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring file in memory, what was put into it, and what a reader finds there. Every failure ends
 * the test.
 */
#ifndef TESTS_UNIT_SUPPORT_RING_RIG_H
#define TESTS_UNIT_SUPPORT_RING_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/decoder.h"
#include "capture/encoder.h"
#include "capture/reader.h"
#include "capture/ringfile.h"

#define RIG_SLOT_BYTES 4096
#define RIG_CPUS       3

/* Event number n of a CPU has the number n as the address of a lock, and a time that follows from
 * it. */
struct rig {
	int fd;
	struct ft_ringfile ring; /* of 8 slots of events, and 2 of the recorder's own */
	uint8_t *memory;
	struct ft_encoder *encoder;
	struct ft_decoder *decoder;
	_Alignas(8) uint8_t segment[RIG_SLOT_BYTES];
	size_t segment_bytes;
	uint64_t put, own_put, facts_put;
	uint64_t sequences[RIG_CPUS];
	uint32_t names_bytes;
};

/* Of each test. */
int rig_set_up(void **state);
int rig_tear_down(void **state);

/* Seals into rig->segment. */
void rig_make_segment(struct rig *rig, uint32_t cpu, uint64_t sequence);
uint8_t *rig_event_slot(struct rig *rig, uint64_t number);

/* The next segment of @cpu, over the oldest one. */
void rig_put(struct rig *rig, uint32_t cpu);
void rig_put_facts(struct rig *rig, const char *host);
/* Returns the error of ft_ringfile_put_names(). */
int rig_put_name(struct rig *rig, uint64_t address);

/* What a reader found. */
struct found {
	size_t segments, own;
	uint64_t first[RIG_CPUS], next[RIG_CPUS]; /* sequences */
	bool holes;
	char host[32];
	size_t names;
	struct ft_damage damage;
	struct ft_ring_state state;
};

/* Whatever is found must have been put. */
void rig_read(struct rig *rig, struct found *ret_found);

#endif
