/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The encoder's dictionaries: hash tables with open addressing and linear probing.
 */
#include "capture/dictionary.h"

#include <errno.h>
#include <string.h>

/* A lookup gives up after so many places: a task that renames itself all the time puts all its
 * entries on one chain. The segment is then sealed, and the next one begins with an empty
 * dictionary. */
#define PROBES_MAX 32

static uint64_t next_splitmix(uint64_t *state)
{
	uint64_t mixed = *state += 0x9e3779b97f4a7c15;

	mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
	mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
	return mixed ^ (mixed >> 31);
}

void dictionary_init(struct dictionary *dictionary)
{
	uint64_t seed = 0;

	memset(dictionary, 0, sizeof(*dictionary));
	for (size_t i = 0; i < DICTIONARY_STACK_KEYS; i++)
		dictionary->stack_keys[i] = next_splitmix(&seed);
	dictionary_clear(dictionary);
}

void dictionary_clear(struct dictionary *dictionary)
{
	dictionary->tasks_count = 0;
	dictionary->stacks_count = 0;
	dictionary->frames_count = 0;
	dictionary->names_count = 0;
	dictionary->generation++;
	if (dictionary->generation == 0) {
		memset(dictionary->task_slots, 0, sizeof(dictionary->task_slots));
		memset(dictionary->stack_slots, 0, sizeof(dictionary->stack_slots));
		memset(dictionary->name_slots, 0, sizeof(dictionary->name_slots));
		dictionary->generation = 1;
	}
}

/*
 * An index beyond the count was left by an event that was not appended in the end: its slot is
 * free. A slot whose index has come to name another entry is passed over, for the content differs.
 */
static bool slot_in_use(const struct dictionary *dictionary, const struct dictionary_slot *slot,
			uint32_t count)
{
	return slot->generation == dictionary->generation && slot->index < count;
}

static int add_task(struct dictionary *dictionary, struct dictionary_slot *slot,
		    const struct ft_task *task, uint32_t *ret_index)
{
	uint32_t index = dictionary->tasks_count;

	if (index == FT_DICTIONARY_MAX)
		return -ENOBUFS;
	dictionary->tasks[index] = *task;
	for (int sort = 0; sort < FT_STACK_SORTS; sort++)
		dictionary->last_stacks[index][sort] = DICTIONARY_NONE;
	dictionary->tasks_count++;
	slot->generation = dictionary->generation;
	slot->index = (uint16_t)index;
	*ret_index = index;
	return 0;
}

int dictionary_task(struct dictionary *dictionary, const struct ft_task *task, uint32_t *ret_index)
{
	/* The tid alone is hashed: entries with the same tid are a few names of one thread. */
	uint32_t place = ((uint32_t)task->tid * 2654435769u) >> (32 - DICTIONARY_SLOTS_LOG2);

	for (int probes = 0; probes < PROBES_MAX; probes++) {
		struct dictionary_slot *slot = &dictionary->task_slots[place];

		if (!slot_in_use(dictionary, slot, dictionary->tasks_count))
			return add_task(dictionary, slot, task, ret_index);
		if (dictionary_task_is(dictionary, slot->index, task)) {
			*ret_index = slot->index;
			return 0;
		}
		place = (place + 1) % DICTIONARY_SLOTS;
	}
	return -ENOBUFS;
}

/* Multiplies and adds pairs of frames with a key for each place: no multiplication waits for
 * another. */
static uint32_t hash_stack(const struct dictionary *dictionary, const struct ft_stack *stack)
{
	const uint64_t *keys = dictionary->stack_keys, *frames = stack->frames;
	uint32_t count = (uint32_t)stack->kernel_count + stack->user_count, i;
	uint64_t sum = count * keys[FT_STACK_FRAMES_MAX];

	for (i = 0; i + 1 < count; i += 2) {
		uint64_t left = frames[i] + keys[i], right = frames[i + 1] + keys[i + 1];

		sum += (left ^ (left >> 32)) * (right ^ (right >> 29));
	}
	if (i < count)
		sum += (frames[i] ^ (frames[i] >> 32)) * (keys[i] | 1);
	sum ^= sum >> 32;
	sum *= 0x9e3779b97f4a7c15;
	return (uint32_t)(sum >> 32);
}

static int add_stack(struct dictionary *dictionary, struct dictionary_slot *slot, uint32_t hash,
		     const struct ft_stack *stack, uint32_t *ret_index)
{
	uint32_t count = (uint32_t)stack->kernel_count + stack->user_count;
	uint32_t index = dictionary->stacks_count;

	if (index == FT_DICTIONARY_MAX ||
	    count > FT_DICTIONARY_FRAMES_MAX - dictionary->frames_count)
		return -ENOBUFS;
	dictionary->stacks[index] = (struct dictionary_stack){
		.hash = hash,
		.first = dictionary->frames_count,
		.kernel_count = stack->kernel_count,
		.user_count = stack->user_count,
	};
	if (count > 0)
		memcpy(&dictionary->frames[dictionary->frames_count], stack->frames,
		       count * sizeof(*stack->frames));
	dictionary->frames_count += count;
	dictionary->stacks_count++;
	slot->generation = dictionary->generation;
	slot->index = (uint16_t)index;
	*ret_index = index;
	return 0;
}

int dictionary_stack(struct dictionary *dictionary, const struct ft_stack *stack,
		     uint32_t *ret_index)
{
	uint32_t hash = hash_stack(dictionary, stack);
	uint32_t place = hash >> (32 - DICTIONARY_SLOTS_LOG2);

	for (int probes = 0; probes < PROBES_MAX; probes++) {
		struct dictionary_slot *slot = &dictionary->stack_slots[place];

		if (!slot_in_use(dictionary, slot, dictionary->stacks_count))
			return add_stack(dictionary, slot, hash, stack, ret_index);
		if (dictionary->stacks[slot->index].hash == hash &&
		    dictionary_stack_is(dictionary, slot->index, stack)) {
			*ret_index = slot->index;
			return 0;
		}
		place = (place + 1) % DICTIONARY_SLOTS;
	}
	return -ENOBUFS;
}

/* Eight bytes at a time; the last ones, padded with zeros, alone. */
static uint32_t hash_text(const char *text, uint32_t bytes)
{
	uint64_t hash = bytes, word;

	for (; bytes >= sizeof(word); bytes -= sizeof(word), text += sizeof(word)) {
		memcpy(&word, text, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15;
		hash ^= hash >> 32;
	}
	word = 0;
	memcpy(&word, text, bytes);
	hash = (hash ^ word) * 0x9e3779b97f4a7c15;
	return (uint32_t)(hash >> 32);
}

static int add_name(struct dictionary *dictionary, struct dictionary_slot *slot,
		    const struct dictionary_name *name, uint32_t *ret_index)
{
	if (dictionary->names_count == FT_DICTIONARY_NAMES_MAX)
		return -ENOBUFS;
	slot->generation = dictionary->generation;
	slot->index = (uint16_t)dictionary->names_count;
	*ret_index = dictionary->names_count;
	dictionary->names[dictionary->names_count++] = *name;
	return 0;
}

int dictionary_name(struct dictionary *dictionary, const char *text, uint32_t bytes,
		    uint32_t *ret_index)
{
	const struct dictionary_name name = { text, hash_text(text, bytes), bytes };
	uint32_t place = name.hash >> (32 - DICTIONARY_NAME_SLOTS_LOG2);

	for (int probes = 0; probes < PROBES_MAX; probes++) {
		struct dictionary_slot *slot = &dictionary->name_slots[place];
		const struct dictionary_name *entry = &dictionary->names[slot->index];

		if (!slot_in_use(dictionary, slot, dictionary->names_count))
			return add_name(dictionary, slot, &name, ret_index);
		if (entry->hash == name.hash && entry->bytes == bytes &&
		    memcmp(entry->text, text, bytes) == 0) {
			*ret_index = slot->index;
			return 0;
		}
		place = (place + 1) % DICTIONARY_NAME_SLOTS;
	}
	return -ENOBUFS;
}

void dictionary_keep_name(struct dictionary *dictionary, uint32_t index, const char *text)
{
	dictionary->names[index].text = text;
}
