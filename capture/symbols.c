/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of addresses: a set in memory, written to payloads and read from them; doc/FORMAT.md,
 * "Symbols".
 */
#include "capture/symbols.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Out of memory, uthash leaves the element out and marks it instead of ending the program. */
#define HASH_NONFATAL_OOM	     1
#define uthash_nonfatal_oom(element) ((element)->left_out = true)
#include <stdbool.h>
#include <uthash.h>

#include "capture/bytes.h"
#include "capture/format.h"
#include "capture/segment.h"

#define PAYLOAD_BYTES \
	(256u << 10) /* about; damage costs less of a small payload than of a large one */
#define TEXTS_OF_SYMBOL 4
#define SYMBOL_BYTES_MAX           \
	(4 * FT_VARINT_BYTES_MAX + \
	 TEXTS_OF_SYMBOL * (2 * FT_VARINT_BYTES_MAX + FT_SYMBOL_TEXT_BYTES_MAX))

struct text {
	UT_hash_handle hh;
	bool left_out;
	uint32_t payload, place; /* in the dictionary of the payload that is being written */
	char bytes[];
};

struct key {
	uint64_t address;
	int64_t tgid;
};

struct entry {
	UT_hash_handle hh;
	bool left_out;
	struct key key;
	struct ft_symbol symbol;
	const struct text *texts[TEXTS_OF_SYMBOL]; /* name, module, build_id, file; or NULL */
};

struct ft_symbols {
	struct entry *entries;
	struct text *texts;
	size_t texts_bytes;
};

int ft_symbols_create(struct ft_symbols **ret_symbols)
{
	struct ft_symbols *symbols = calloc(1, sizeof(*symbols));

	if (!symbols)
		return -ENOMEM;
	*ret_symbols = symbols;
	return 0;
}

void ft_symbols_destroy(struct ft_symbols *symbols)
{
	struct entry *entry, *next_entry;
	struct text *text, *next_text;

	if (!symbols)
		return;
	HASH_ITER(hh, symbols->entries, entry, next_entry)
	{
		HASH_DEL(symbols->entries, entry);
		free(entry);
	}
	HASH_ITER(hh, symbols->texts, text, next_text)
	{
		HASH_DEL(symbols->texts, text);
		free(text);
	}
	free(symbols);
}

/* Finds or makes the only copy of @bytes; *ret_text is NULL for NULL. */
static int intern_text(struct ft_symbols *symbols, const char *bytes, const struct text **ret_text)
{
	struct text *text;
	size_t count;

	if (!bytes) {
		*ret_text = NULL;
		return 0;
	}
	count = strnlen(bytes, FT_SYMBOL_TEXT_BYTES_MAX - 1);
	HASH_FIND(hh, symbols->texts, bytes, count, text);
	if (!text) {
		if (symbols->texts_bytes + count + 1 > FT_SYMBOLS_TEXT_BYTES_MAX)
			return -ENOMEM;
		text = calloc(1, sizeof(*text) + count + 1);
		if (!text)
			return -ENOMEM;
		memcpy(text->bytes, bytes, count);
		HASH_ADD_KEYPTR(hh, symbols->texts, text->bytes, count, text);
		if (text->left_out) {
			free(text);
			return -ENOMEM;
		}
		symbols->texts_bytes += count + 1;
	}
	*ret_text = text;
	return 0;
}

static struct entry *find_entry(const struct ft_symbols *symbols, int32_t tgid, uint64_t address)
{
	struct key key = { .address = address, .tgid = tgid };
	struct entry *entry;

	HASH_FIND(hh, symbols->entries, &key, sizeof(key), entry);
	return entry;
}

static int add_new_entry(struct ft_symbols *symbols, int32_t tgid, uint64_t address,
			 struct entry **ret_entry)
{
	struct entry *entry;

	if (HASH_COUNT(symbols->entries) >= FT_SYMBOLS_MAX)
		return -ENOMEM;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->key = (struct key){ .address = address, .tgid = tgid };
	HASH_ADD(hh, symbols->entries, key, sizeof(entry->key), entry);
	if (entry->left_out) {
		free(entry);
		return -ENOMEM;
	}
	*ret_entry = entry;
	return 0;
}

static const char *text_or_null(const struct text *text)
{
	return text ? text->bytes : NULL;
}

int ft_symbols_add(struct ft_symbols *symbols, const struct ft_symbol *symbol)
{
	const char *const bytes[TEXTS_OF_SYMBOL] = { symbol->name, symbol->module, symbol->build_id,
						     symbol->file };
	const struct text *texts[TEXTS_OF_SYMBOL];
	struct entry *entry;
	int error;

	for (size_t i = 0; i < TEXTS_OF_SYMBOL; i++) {
		error = intern_text(symbols, bytes[i], &texts[i]);
		if (error)
			return error;
	}
	entry = find_entry(symbols, symbol->tgid, symbol->address);
	if (!entry) {
		error = add_new_entry(symbols, symbol->tgid, symbol->address, &entry);
		if (error)
			return error;
	}
	memcpy(entry->texts, texts, sizeof(texts));
	entry->symbol = (struct ft_symbol){
		.tgid = symbol->tgid,
		.address = symbol->address,
		.offset_bytes = symbol->offset_bytes,
		.name = text_or_null(texts[0]),
		.module = text_or_null(texts[1]),
		.build_id = text_or_null(texts[2]),
		.file = text_or_null(texts[3]),
		.line = symbol->line,
	};
	return 0;
}

const struct ft_symbol *ft_symbols_find(const struct ft_symbols *symbols, int32_t tgid,
					uint64_t address)
{
	const struct entry *entry = find_entry(symbols, tgid, address);

	return entry ? &entry->symbol : NULL;
}

size_t ft_symbols_count(const struct ft_symbols *symbols)
{
	return HASH_COUNT(symbols->entries);
}

size_t ft_symbols_kernel_names(const struct ft_symbols *symbols)
{
	const struct entry *entry;
	size_t count = 0;

	for (entry = symbols->entries; entry; entry = entry->hh.next)
		count += entry->symbol.tgid == FT_KERNEL_TGID && entry->symbol.name;
	return count;
}

static int compare_entries(const void *left, const void *right)
{
	const struct ft_symbol *a = &(*(struct entry *const *)left)->symbol;
	const struct ft_symbol *b = &(*(struct entry *const *)right)->symbol;

	if (a->tgid != b->tgid)
		return a->tgid < b->tgid ? -1 : 1;
	return (a->address > b->address) - (a->address < b->address);
}

/* Sorts entries by process and address: then distances are short, and the same set gives the same
 * bytes. */
static int sort_entries(const struct ft_symbols *symbols, const struct entry ***ret_sorted)
{
	size_t count = ft_symbols_count(symbols), i = 0;
	const struct entry **sorted = calloc(count, sizeof(*sorted));
	const struct entry *entry;

	if (!sorted)
		return -ENOMEM;
	for (entry = symbols->entries; entry; entry = entry->hh.next)
		sorted[i++] = entry;
	qsort(sorted, count, sizeof(*sorted), compare_entries);
	*ret_sorted = sorted;
	return 0;
}

/* One payload being written or read. */
struct payload {
	uint32_t number; /* from 1 */
	uint32_t texts_count;
	int32_t tgid;
	uint64_t address;
};

/* 0 stands for no text; else the place in the payload follows, from 1. The first place not taken
 * yet says that the text follows. */
static uint8_t *put_symbol_text(struct payload *payload, uint8_t *next, const struct text *borrowed)
{
	struct text *text = (struct text *)borrowed; /* place is not part of its value */
	size_t count;

	if (!text) {
		*next++ = 0;
		return next;
	}
	if (text->payload == payload->number)
		return ft_put_varint(next, text->place);
	text->payload = payload->number;
	text->place = ++payload->texts_count;
	count = strlen(text->bytes) + 1;
	next = ft_put_varint(next, text->place);
	next = ft_put_varint(next, count);
	memcpy(next, text->bytes, count);
	return next + count;
}

static uint8_t *put_entry(struct payload *payload, uint8_t *next, const struct entry *entry)
{
	const struct ft_symbol *symbol = &entry->symbol;

	next = ft_put_signed(next, (int64_t)symbol->tgid - payload->tgid);
	next = ft_put_signed(next, (int64_t)(symbol->address - payload->address));
	next = ft_put_varint(next, symbol->offset_bytes);
	for (size_t i = 0; i < TEXTS_OF_SYMBOL; i++)
		next = put_symbol_text(payload, next, entry->texts[i]);
	payload->tgid = symbol->tgid;
	payload->address = symbol->address;
	return ft_put_varint(next, symbol->line);
}

static void forget_places(const struct ft_symbols *symbols)
{
	for (struct text *text = symbols->texts; text; text = text->hh.next)
		text->payload = 0;
}

int ft_symbols_write(const struct ft_symbols *symbols,
		     int (*emit)(void *context, const void *payload, size_t payload_bytes),
		     void *context)
{
	struct payload payload = { .number = 1 };
	size_t count = ft_symbols_count(symbols);
	const struct entry **sorted = NULL;
	uint8_t *buffer, *next;
	int error;

	if (count == 0)
		return 0;
	buffer = malloc(PAYLOAD_BYTES + SYMBOL_BYTES_MAX);
	if (!buffer)
		return -ENOMEM;
	error = sort_entries(symbols, &sorted);
	if (error)
		goto out;

	forget_places(symbols);
	next = buffer;
	for (size_t i = 0; i < count; i++) {
		next = put_entry(&payload, next, sorted[i]);
		if (next - buffer < PAYLOAD_BYTES && i + 1 < count)
			continue;
		error = emit(context, buffer, (size_t)(next - buffer));
		if (error)
			goto out;
		payload = (struct payload){ .number = payload.number + 1 };
		next = buffer;
	}
out:
	free(sorted);
	free(buffer);
	return error;
}

/* The texts of a payload that is being read, borrowed from it. */
struct texts {
	const char **texts;
	size_t count, capacity;
};

static int get_symbol_text(struct ft_bytes *bytes, struct texts *texts, const char **ret_text)
{
	size_t capacity = texts->capacity ? texts->capacity * 2 : 256;
	const char **grown;
	uint32_t place, text_bytes;

	if (!ft_get_bounded(bytes, texts->count + 1, &place))
		return -EBADMSG;
	*ret_text = NULL;
	if (place == 0)
		return 0;
	if (place <= texts->count) {
		*ret_text = texts->texts[place - 1];
		return 0;
	}
	if (!ft_get_bounded(bytes, FT_SYMBOL_TEXT_BYTES_MAX, &text_bytes) ||
	    !ft_get_text(bytes, text_bytes, ret_text))
		return -EBADMSG;
	if (texts->count == texts->capacity) {
		grown = reallocarray(texts->texts, capacity, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		texts->texts = grown;
		texts->capacity = capacity;
	}
	texts->texts[texts->count++] = *ret_text;
	return 0;
}

static int get_symbol(struct ft_bytes *bytes, struct texts *texts, struct ft_symbol *symbol)
{
	const char **const fields[TEXTS_OF_SYMBOL] = { &symbol->name, &symbol->module,
						       &symbol->build_id, &symbol->file };
	int64_t tgid_delta, address_delta;
	int error;

	if (!ft_get_signed(bytes, &tgid_delta) || tgid_delta < (int64_t)INT32_MIN - symbol->tgid ||
	    tgid_delta > (int64_t)INT32_MAX - symbol->tgid ||
	    !ft_get_signed(bytes, &address_delta) || !ft_get_varint(bytes, &symbol->offset_bytes))
		return -EBADMSG;
	symbol->tgid = (int32_t)(symbol->tgid + tgid_delta);
	symbol->address += (uint64_t)address_delta;
	for (size_t i = 0; i < TEXTS_OF_SYMBOL; i++) {
		error = get_symbol_text(bytes, texts, fields[i]);
		if (error)
			return error;
	}
	return ft_get_bounded(bytes, UINT32_MAX, &symbol->line) ? 0 : -EBADMSG;
}

int ft_symbols_read(struct ft_symbols *symbols, const void *payload, size_t payload_bytes)
{
	struct ft_bytes bytes = { payload, (const uint8_t *)payload + payload_bytes };
	struct ft_symbol symbol = { 0 };
	struct texts texts = { 0 };
	int error = 0;

	while (!error && ft_bytes_left(&bytes) > 0) {
		error = get_symbol(&bytes, &texts, &symbol);
		if (!error)
			error = ft_symbols_add(symbols, &symbol);
	}
	free(texts.texts);
	return error;
}
