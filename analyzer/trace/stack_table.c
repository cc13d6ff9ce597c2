/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every distinct call stack of the capture, once, with its frames' names.
 */
#include "analyzer/trace/stack_table.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/util/array.h"

/* Keys are whole words, and hashed by the word: each segment of a capture names its stacks
 * again. */
static inline unsigned int hash_words(const void *key, size_t bytes)
{
	uint64_t hash = bytes, word;

	for (size_t at = 0; at + sizeof(word) <= bytes; at += sizeof(word)) {
		memcpy(&word, (const char *)key + at, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15;
		hash ^= hash >> 32;
	}
	return (unsigned int)hash;
}

#define HASH_NONFATAL_OOM		    1
#define HASH_FUNCTION(key, bytes, ret_hash) ((ret_hash) = hash_words(key, bytes))
#include <uthash.h>

/* Stacks are looked up often, added rarely: chains of three instead of ten. */
#undef HASH_BKT_CAPACITY_THRESH
#define HASH_BKT_CAPACITY_THRESH 3U

/* What makes two stacks the same: all bytes of it. */
struct key {
	int32_t tgid; /* of the user frames; FT_KERNEL_TGID where there are none */
	uint16_t kernel_count;
	uint16_t user_count;
	uint64_t frames[];
};

struct entry {
	uint32_t id;
	size_t count;
	struct frame *frames;
	struct key *key;
	UT_hash_handle hh;
};

/* The bare name of a symbol, where it is not the end of the full one. */
struct bare_name {
	const char *full; /* key, by address: ft_symbols has each text once */
	char *bare;
	UT_hash_handle hh;
};

struct stack_table {
	const struct ft_symbols *symbols;
	struct entry *by_key;
	struct entry **by_id; /* [0] is STACK_NONE */
	uint32_t count, capacity;
	struct bare_name *bare_names;
	struct key *scratch; /* memory for the key of the largest stack so far */
	size_t scratch_bytes;
};

int stack_table_create(const struct ft_symbols *symbols, struct stack_table **ret_stacks)
{
	struct stack_table *stacks = calloc(1, sizeof(*stacks));

	if (!stacks)
		return -ENOMEM;
	stacks->symbols = symbols;
	stacks->count = STACK_NONE + 1;
	*ret_stacks = stacks;
	return 0;
}

static void destroy_entry(struct entry *entry)
{
	if (!entry)
		return;
	free(entry->frames);
	free(entry->key);
	free(entry);
}

void stack_table_destroy(struct stack_table *stacks)
{
	struct bare_name *name, *next;

	if (!stacks)
		return;
	HASH_CLEAR(hh, stacks->by_key);
	for (uint32_t id = STACK_NONE + 1; id < stacks->count; id++)
		destroy_entry(stacks->by_id[id]);
	free(stacks->by_id);
	HASH_ITER(hh, stacks->bare_names, name, next)
	{
		HASH_DEL(stacks->bare_names, name);
		free(name->bare);
		free(name);
	}
	free(stacks->scratch);
	free(stacks);
}

/* The length of @name without what compilers append to the names of parts and clones. */
static size_t measure_bare_name(const char *name)
{
	static const char *const numbered[] = { ".isra.", ".constprop.", ".part.", ".llvm." };

	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
		if (dot == name)
			continue;
		if (strncmp(dot, ".cold", 5) == 0 && (dot[5] == '\0' || dot[5] == '.'))
			return dot - name;
		for (size_t i = 0; i < sizeof(numbered) / sizeof(numbered[0]); i++) {
			size_t length = strlen(numbered[i]);

			if (strncmp(dot, numbered[i], length) == 0 &&
			    isdigit((unsigned char)dot[length]))
				return dot - name;
		}
	}
	return strlen(name);
}

/* How many bytes stand before the function's own name: padding and type-check stubs are named
 * after it. */
static size_t measure_prefix(const char *name)
{
	static const char *const prefixes[] = { "__pfx_", "__cfi_" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t length = strlen(prefixes[i]);

		if (strncmp(name, prefixes[i], length) == 0 && name[length])
			return length;
	}
	return 0;
}

static int find_bare_name(struct stack_table *stacks, const char *full, bool kernel,
			  const char **ret_bare)
{
	const char *start = full + (kernel ? measure_prefix(full) : 0);
	size_t length = measure_bare_name(start);
	struct bare_name *name;

	if (start[length] == '\0') {
		*ret_bare = start;
		return 0;
	}
	HASH_FIND_PTR(stacks->bare_names, &full, name);
	if (name) {
		*ret_bare = name->bare;
		return 0;
	}
	name = calloc(1, sizeof(*name));
	if (!name)
		return -ENOMEM;
	name->full = full;
	name->bare = strndup(start, length);
	if (!name->bare) {
		free(name);
		return -ENOMEM;
	}
	HASH_ADD_PTR(stacks->bare_names, full, name);
	if (!name->hh.tbl) {
		free(name->bare);
		free(name);
		return -ENOMEM;
	}
	*ret_bare = name->bare;
	return 0;
}

/* The path without its directories; a path that ends in a slash stays as it is. */
static const char *find_base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash && slash[1] ? slash + 1 : path;
}

static int describe_frame(struct stack_table *stacks, int32_t tgid, uint64_t address,
			  struct frame *ret_frame)
{
	struct frame frame = { .address = address, .kernel = tgid == FT_KERNEL_TGID };
	const struct ft_symbol *symbol = ft_symbols_find(stacks->symbols, tgid, address);

	if (symbol) {
		frame.offset_bytes = symbol->offset_bytes;
		frame.module = find_base_name(symbol->module);
		frame.file = find_base_name(symbol->file);
		frame.line = symbol->line;
		if (symbol->name && symbol->name[0]) {
			int error =
				find_bare_name(stacks, symbol->name, frame.kernel, &frame.symbol);

			if (error)
				return error;
		}
	}
	*ret_frame = frame;
	return 0;
}

/* Make the key of @stack in the scratch memory. Every byte of it is set. NULL on lack of memory. */
static struct key *make_key(struct stack_table *stacks, int32_t tgid, const struct ft_stack *stack,
			    size_t *ret_bytes)
{
	size_t frames_bytes =
		((size_t)stack->kernel_count + stack->user_count) * sizeof(stack->frames[0]);
	size_t bytes = sizeof(struct key) + frames_bytes;

	if (bytes > stacks->scratch_bytes) {
		struct key *scratch = realloc(stacks->scratch, bytes);

		if (!scratch)
			return NULL;
		stacks->scratch = scratch;
		stacks->scratch_bytes = bytes;
	}
	/* With tgid 0, user frames would get the names of the kernel's symbols. */
	stacks->scratch->tgid = stack->user_count ? (tgid > 0 ? tgid : -1) : FT_KERNEL_TGID;
	stacks->scratch->kernel_count = stack->kernel_count;
	stacks->scratch->user_count = stack->user_count;
	if (frames_bytes)
		memcpy(stacks->scratch->frames, stack->frames, frames_bytes);
	*ret_bytes = bytes;
	return stacks->scratch;
}

static int create_entry(struct stack_table *stacks, const struct key *key, size_t key_bytes,
			struct entry **ret_entry)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	int error = -ENOMEM;

	if (!entry)
		return -ENOMEM;
	entry->count = (size_t)key->kernel_count + key->user_count;
	entry->frames = calloc(entry->count ? entry->count : 1, sizeof(*entry->frames));
	entry->key = malloc(key_bytes);
	if (!entry->frames || !entry->key)
		goto out;
	memcpy(entry->key, key, key_bytes);
	for (size_t i = 0; i < entry->count; i++) {
		error = describe_frame(stacks, i < key->kernel_count ? FT_KERNEL_TGID : key->tgid,
				       key->frames[i], &entry->frames[i]);
		if (error)
			goto out;
	}
	*ret_entry = entry;
	return 0;
out:
	destroy_entry(entry);
	return error;
}

int stack_table_intern(struct stack_table *stacks, int32_t tgid, const struct ft_stack *stack,
		       uint32_t *ret_id)
{
	size_t key_bytes;
	struct key *key = make_key(stacks, tgid, stack, &key_bytes);
	struct entry *entry;
	int error;

	if (!key)
		return -ENOMEM;
	HASH_FIND(hh, stacks->by_key, key, key_bytes, entry);
	if (entry) {
		*ret_id = entry->id;
		return 0;
	}
	error = array_grow(stacks->by_id, stacks->count, stacks->capacity);
	if (error)
		return error;
	error = create_entry(stacks, key, key_bytes, &entry);
	if (error)
		return error;
	entry->id = stacks->count;
	HASH_ADD_KEYPTR(hh, stacks->by_key, entry->key, key_bytes, entry);
	if (!entry->hh.tbl) {
		destroy_entry(entry);
		return -ENOMEM;
	}
	stacks->by_id[stacks->count++] = entry;
	*ret_id = entry->id;
	return 0;
}

size_t stack_table_frames(const struct stack_table *stacks, uint32_t id,
			  const struct frame **ret_frames)
{
	if (id == STACK_NONE || id >= stacks->count)
		return 0;
	*ret_frames = stacks->by_id[id]->frames;
	return stacks->by_id[id]->count;
}
