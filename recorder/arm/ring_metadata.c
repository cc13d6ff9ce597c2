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
#define ADDRESSES_MAX  65536 /* a kernel's stacks have some thousands */
#define PLACES	       (2 * ADDRESSES_MAX)

struct ring_metadata {
	struct ring_map *ringmap;
	const struct engine *engine;
	struct target_finder *finder;
	struct recorder_events *ownlog;
	struct ft_facts *facts;
	uint64_t facts_ns;
	/* Addresses in the order they were first seen; the places are a hash table of them, plus 1. */
	struct symbolize_address *addresses;
	uint32_t *places;
	size_t count, written;
	bool full; /* the area of names */
};

int ring_metadata_create(struct ring_map *ringmap, const struct engine *engine,
			 struct target_finder *finder, struct ring_metadata **ret_keeper)
{
	struct ring_metadata *keeper = calloc(1, sizeof(*keeper));
	if (!keeper)
		return -ENOMEM;
	keeper->ringmap = ringmap;
	keeper->engine = engine;
	keeper->finder = finder;
	keeper->addresses = calloc(ADDRESSES_MAX, sizeof(*keeper->addresses));
	keeper->places = calloc(PLACES, sizeof(*keeper->places));
	if (!keeper->addresses || !keeper->places || recorder_events_create(&keeper->ownlog) ||
	    ft_facts_create(&keeper->facts)) {
		ring_metadata_destroy(keeper);
		return -ENOMEM;
	}
	engine_set_facts(engine, keeper->facts);
	ft_facts_set(keeper->facts, FT_FACT_HISTORY, "ring");
	*ret_keeper = keeper;
	return 0;
}

void ring_metadata_destroy(struct ring_metadata *keeper)
{
	if (!keeper)
		return;
	ft_facts_destroy(keeper->facts);
	recorder_events_destroy(keeper->ownlog);
	free(keeper->places);
	free(keeper->addresses);
	free(keeper);
}

struct recorder_events *ring_metadata_ownlog(struct ring_metadata *keeper)
{
	return keeper->ownlog;
}

static void add_address(struct ring_metadata *keeper, uint64_t address)
{
	size_t at = (size_t)(address * 0x9e3779b97f4a7c15u >> 32) % PLACES;
	while (keeper->places[at]) {
		if (keeper->addresses[keeper->places[at] - 1].address == address)
			return;
		at = (at + 1) % PLACES;
	}
	if (keeper->count == ADDRESSES_MAX)
		return;
	keeper->addresses[keeper->count++] =
		(struct symbolize_address){ .tgid = FT_KERNEL_TGID, .address = address };
	keeper->places[at] = (uint32_t)keeper->count;
}

void ring_metadata_add_stack(struct ring_metadata *keeper, const struct ft_stack *stack)
{
	for (size_t i = 0; i < stack->kernel_count; i++)
		add_address(keeper, stack->frames[i]);
}

static void write_names(struct ring_metadata *keeper)
{
	struct ft_symbols *symbols;
	size_t count = keeper->count - keeper->written;

	if (!count || keeper->full || ft_symbols_create(&symbols))
		return;
	/* Of the kernel's addresses only: nothing is looked up in files. */
	if (!symbolize_resolve(symbols, keeper->addresses + keeper->written, count,
			       keeper->engine->kallsyms, NULL, 0))
		keeper->full =
			ft_symbols_write(symbols, ring_map_put_names, keeper->ringmap) == -ENOSPC;
	keeper->written = keeper->count;
	ft_symbols_destroy(symbols);
}

static void write_facts(struct ring_metadata *keeper)
{
	const struct drain_counts *counts = drain_counts(keeper->engine->drain);
	uint64_t start_ns = keeper->engine->start_ns;
	struct ft_facts *facts = keeper->facts;
	struct target target;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	target_finder_targets_since(keeper->finder, segment_ring_since_ns(keeper->engine->slots),
				    &target);
	target_set_facts(&target, facts);
	ft_facts_set_number(facts, FT_FACT_START_NS, (int64_t)start_ns);
	ft_facts_set_number(facts, FT_FACT_START_REALTIME_NS,
			    (int64_t)now.tv_sec * 1000000000 + now.tv_nsec -
				    (int64_t)(clock_now_ns() - start_ns));
	ft_facts_set_number(facts, FT_FACT_DELAY_MAX_NS, (int64_t)counts->delay_max_ns);
	ft_facts_set_number(facts, FT_FACT_LOST_COUNT, (int64_t)counts->lost);
	ring_map_put_facts(keeper->ringmap, facts);
}

void ring_metadata_write(struct ring_metadata *keeper, uint64_t now_ns)
{
	write_names(keeper);
	recorder_events_take(keeper->ownlog, ring_map_put_own, keeper->ringmap);
	if (now_ns - keeper->facts_ns < FACTS_EVERY_NS)
		return;
	keeper->facts_ns = now_ns;
	write_facts(keeper);
}
