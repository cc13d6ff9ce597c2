/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/seal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/symbols.h"
#include "recorder/hostfacts.h"
#include "recorder/names.h"
#include "recorder/unwound.h"

#define NAMES_DEADLINE_MS 20000
#define UNWIND_DEADLINE_MS 5000
#define SPARE_BYTES	  (64u << 10)
#define ATTEMPTS	  8

/* One thing to write, and what it takes to write it again after making room. */
struct sealing {
	const struct seal *seal;
	struct ft_symbols *symbols;
	uint32_t cut_segments;
	size_t bytes; /* counted by count_*() */
};

bool seal_is_full(int error)
{
	return error == -ENOSPC || error == -EDQUOT || error == -EFBIG;
}

static int look_at_segment(void *context, const void *segment, size_t segment_bytes)
{
	struct sealing *sealing = context;
	sealing->bytes += segment_bytes;
	int error = seen_segment(sealing->seal->seen, segment, segment_bytes);
	return error == -ENOMEM ? error : 0;
}

static int count_payload(void *context, const void *payload, size_t payload_bytes)
{
	struct sealing *sealing = context;
	(void)payload;
	sealing->bytes += payload_bytes + SPARE_BYTES;
	return 0;
}

/* Names of all addresses; those that cannot be found are left out, with a note. */
static int find_names(struct sealing *sealing)
{
	const struct seal *seal = sealing->seal;
	struct names_address *addresses = NULL;
	size_t count;
	int error = seen_addresses(seal->seen, &addresses, &count);
	if (!error)
		error = names_resolve(sealing->symbols, addresses, count, seal->kallsyms,
				      seal->mappings, NAMES_DEADLINE_MS);
	free(addresses);
	if (error && error != -ENOMEM) {
		ownlog_note(seal->ownlog, "not all user frames have names: %s", strerror(-error));
		error = 0;
	}
	return error;
}

static int set_last_facts(const struct seal *seal)
{
	int64_t *numbers = NULL;
	size_t count;
	int error = seen_syscalls(seal->seen, &numbers, &count);
	if (!error)
		error = hostfacts_set_syscalls(seal->facts, numbers, count);
	free(numbers);
	if (!error)
		error = ft_facts_set_number(seal->facts, FT_FACT_EVENT_COUNT,
					    (int64_t)(seal->events + ownlog_events(seal->ownlog)));
	return error;
}

static int make_room(struct sealing *sealing, size_t bytes)
{
	uint32_t cut = 0;
	int error = ft_writer_make_room(sealing->seal->writer, bytes, &cut);
	if (!error)
		sealing->cut_segments += cut;
	return error;
}

static int write_own_segment(void *context, const void *segment, size_t segment_bytes)
{
	struct sealing *sealing = context;
	return ft_writer_segment(sealing->seal->writer, segment, segment_bytes);
}

static int write_payload(struct sealing *sealing, enum ft_segment_kind kind, const void *payload,
			 size_t payload_bytes)
{
	int error = 0;
	for (int i = 0; i < ATTEMPTS; i++) {
		error = ft_writer_payload(sealing->seal->writer, kind, payload, payload_bytes);
		if (!seal_is_full(error) || make_room(sealing, payload_bytes + SPARE_BYTES))
			break;
	}
	return error;
}

static int write_symbols(void *context, const void *payload, size_t payload_bytes)
{
	return write_payload(context, FT_SEGMENT_SYMBOLS, payload, payload_bytes);
}

static int write_end(struct sealing *sealing)
{
	int error = 0;
	for (int i = 0; i < ATTEMPTS; i++) {
		error = ft_writer_end(sealing->seal->writer);
		if (!seal_is_full(error) || make_room(sealing, SPARE_BYTES))
			break;
	}
	return error;
}

static int write_all(struct sealing *sealing)
{
	const struct seal *seal = sealing->seal;

	/* Room for everything at once (deflated to half at least): what is cut later could be the
	 * states written just before. */
	if (seal->disk_full)
		make_room(sealing, sealing->bytes / 2);
	int error = ownlog_take(seal->ownlog, write_own_segment, sealing);
	if (seal_is_full(error) && !make_room(sealing, sealing->bytes / 2))
		error = ownlog_take(seal->ownlog, write_own_segment, sealing);
	/* Even without them the names are wanted. */
	int first_error = error;
	error = ft_symbols_write(sealing->symbols, write_symbols, sealing);
	first_error = first_error ? first_error : error;
	size_t facts_bytes;
	const void *facts = ft_facts_payload(seal->facts, &facts_bytes);
	error = write_payload(sealing, FT_SEGMENT_FACTS, facts, facts_bytes);
	first_error = first_error ? first_error : error;
	error = write_end(sealing);
	return first_error ? first_error : error;
}

int seal_capture(const struct seal *seal, uint32_t *ret_cut_segments)
{
	struct sealing sealing = { .seal = seal, .bytes = SPARE_BYTES };

	*ret_cut_segments = 0;
	int error = ft_symbols_create(&sealing.symbols);
	if (error)
		return error;
	error = seen_apply_mappings(seal->seen, seal->mappings);
	if (!error) {
		unwound_add(seal->dumps, seal->mappings, UNWIND_DEADLINE_MS, seal->ownlog);
		error = ownlog_each(seal->ownlog, look_at_segment, &sealing);
	}
	if (!error)
		error = find_names(&sealing);
	if (!error)
		error = set_last_facts(seal);
	if (!error)
		error = ft_symbols_write(sealing.symbols, count_payload, &sealing);
	/* Short of memory the capture is still completed, with what there is. */
	int write_error = write_all(&sealing);
	*ret_cut_segments = sealing.cut_segments;
	ft_symbols_destroy(sealing.symbols);
	return write_error ? write_error : error;
}
