/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/dumps.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

int dumps_create(struct dumps **ret_dumps)
{
	/* Shared: a fork() while recording must not make the recording path copy pages. */
	struct dumps *dumps = mmap(NULL, sizeof(*dumps), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (dumps == MAP_FAILED)
		return -ENOMEM;
	*ret_dumps = dumps;
	return 0;
}

void dumps_destroy(struct dumps *dumps)
{
	if (!dumps)
		return;
	explicit_bzero(dumps, sizeof(*dumps));
	munmap(dumps, sizeof(*dumps));
}

static uint64_t call_length(const struct ft_event *call)
{
	uint64_t length = call->call.args[1];
	if (call->call.call == FT_CALL_MREMAP && call->call.args[2] > length)
		length = call->call.args[2];
	return length;
}

static struct dump *find_room(struct dumps *dumps, uint64_t length_bytes)
{
	if (dumps->count < DUMPS_MAX)
		return &dumps->dumps[dumps->count++];
	dumps->dropped++;
	struct dump *least = &dumps->dumps[0];
	for (size_t i = 1; i < DUMPS_MAX; i++) {
		struct dump *dump = &dumps->dumps[i];
		if (dump->length_bytes < least->length_bytes ||
		    (dump->length_bytes == least->length_bytes && dump->time_ns < least->time_ns))
			least = dump;
	}
	return length_bytes >= least->length_bytes ? least : NULL;
}

void dumps_add(struct dumps *dumps, const struct ft_event *call, const struct translate_dump *dump)
{
	if (!dump->registers || dump->register_count > DUMP_REGISTERS_MAX ||
	    dump->stack_bytes > TIER_DUMP_BYTES)
		return;
	struct dump *kept = find_room(dumps, call_length(call));
	if (!kept)
		return;
	kept->task = *call->task;
	kept->time_ns = call->time_ns;
	kept->length_bytes = call_length(call);
	memcpy(kept->registers, dump->registers, dump->register_count * sizeof(uint64_t));
	kept->stack_bytes = dump->stack_bytes;
	memcpy(kept->stack, dump->stack, dump->stack_bytes);
}
