/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/arm/ring_metadata.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "capture/symbols.h"
#include "recorder/base/clock.h"
#include "recorder/record/drain.h"
#include "recorder/symbols/symbolize.h"

#define FACTS_EVERY_NS 1000000000ull
#define ADDRESSES_MAX  65536 /* all stacks of a kernel have some thousands */
#define INDEX_SIZE     (2 * ADDRESSES_MAX)

struct ring_metadata {
	struct ring_map *ringmap;
	const struct engine *engine;
	struct target_finder *finder;
	struct recorder_events *own_events;
	struct ft_facts *facts;
	uint64_t facts_ns;
	/* Addresses are in the order of their first use; index is a hash table of their numbers plus 1. */
	struct symbolize_address *addresses;
	uint32_t *index;
	size_t count, written;
	bool full; /* the area for names in the ring file is full */
};

int ring_metadata_create(struct ring_map *ringmap, const struct engine *engine,
			 struct target_finder *finder, struct ring_metadata **ret_metadata)
{
	struct ring_metadata *metadata = calloc(1, sizeof(*metadata));
	if (!metadata)
		return -ENOMEM;
	metadata->ringmap = ringmap;
	metadata->engine = engine;
	metadata->finder = finder;
	metadata->addresses = calloc(ADDRESSES_MAX, sizeof(*metadata->addresses));
	metadata->index = calloc(INDEX_SIZE, sizeof(*metadata->index));
	if (!metadata->addresses || !metadata->index ||
	    recorder_events_create(&metadata->own_events) || ft_facts_create(&metadata->facts)) {
		ring_metadata_destroy(metadata);
		return -ENOMEM;
	}
	engine_set_facts(engine, metadata->facts);
	ft_facts_set(metadata->facts, FT_FACT_HISTORY, "ring");
	*ret_metadata = metadata;
	return 0;
}

void ring_metadata_destroy(struct ring_metadata *metadata)
{
	if (!metadata)
		return;
	ft_facts_destroy(metadata->facts);
	recorder_events_destroy(metadata->own_events);
	free(metadata->index);
	free(metadata->addresses);
	free(metadata);
}

struct recorder_events *ring_metadata_own_events(struct ring_metadata *metadata)
{
	return metadata->own_events;
}

static void add_address(struct ring_metadata *metadata, uint64_t address)
{
	size_t at = (size_t)(address * 0x9e3779b97f4a7c15u >> 32) % INDEX_SIZE;
	while (metadata->index[at]) {
		if (metadata->addresses[metadata->index[at] - 1].address == address)
			return;
		at = (at + 1) % INDEX_SIZE;
	}
	if (metadata->count == ADDRESSES_MAX)
		return;
	metadata->addresses[metadata->count++] =
		(struct symbolize_address){ .tgid = FT_KERNEL_TGID, .address = address };
	metadata->index[at] = (uint32_t)metadata->count;
}

void ring_metadata_add_stack(struct ring_metadata *metadata, const struct ft_stack *stack)
{
	for (size_t i = 0; i < stack->kernel_count; i++)
		add_address(metadata, stack->frames[i]);
}

static void write_names(struct ring_metadata *metadata)
{
	struct ft_symbols *symbols;
	size_t count = metadata->count - metadata->written;

	if (!count || metadata->full || ft_symbols_create(&symbols))
		return;
	/* All addresses are the kernel's, so no file is read. */
	if (!symbolize_resolve(symbols, metadata->addresses + metadata->written, count,
			       metadata->engine->kallsyms, NULL, 0))
		metadata->full =
			ft_symbols_write(symbols, ring_map_put_names, metadata->ringmap) == -ENOSPC;
	metadata->written = metadata->count;
	ft_symbols_destroy(symbols);
}

static void write_facts(struct ring_metadata *metadata)
{
	const struct drain_counts *counts = drain_counts(metadata->engine->drain);
	uint64_t start_ns = metadata->engine->start_ns;
	struct ft_facts *facts = metadata->facts;
	struct target target;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	target_finder_targets_since(metadata->finder,
				    segment_ring_since_ns(metadata->engine->slots), &target);
	target_set_facts(&target, facts);
	ft_facts_set_number(facts, FT_FACT_START_NS, (int64_t)start_ns);
	ft_facts_set_number(facts, FT_FACT_START_REALTIME_NS,
			    (int64_t)now.tv_sec * 1000000000 + now.tv_nsec -
				    (int64_t)(clock_now_ns() - start_ns));
	engine_set_stack_facts(metadata->engine, facts);
	ft_facts_set_number(facts, FT_FACT_DELAY_MAX_NS, (int64_t)counts->delay_max_ns);
	ft_facts_set_number(facts, FT_FACT_LOST_COUNT, (int64_t)counts->lost);
	ring_map_put_facts(metadata->ringmap, facts);
}

void ring_metadata_write(struct ring_metadata *metadata, uint64_t now_ns)
{
	write_names(metadata);
	recorder_events_take(metadata->own_events, ring_map_put_own, metadata->ringmap);
	if (now_ns - metadata->facts_ns < FACTS_EVERY_NS)
		return;
	metadata->facts_ns = now_ns;
	write_facts(metadata);
}
