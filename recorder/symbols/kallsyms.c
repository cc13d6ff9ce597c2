/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/symbols/kallsyms.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/base/read_file.h"

#define FILE_BYTES_MAX	   (1u << 30) /* texts are kept by 32-bit offset */
#define FUNCTION_BYTES_MAX (1u << 20) /* an address farther from a symbol is not in it */
#define NO_TEXT		   UINT32_MAX

struct symbol {
	uint64_t address;
	uint32_t name, module; /* offsets in the text */
	uint32_t place; /* in the file */
	bool global;
};

struct kallsyms {
	char *text; /* the file; names and modules end with a zero */
	size_t text_bytes;
	struct symbol *symbols; /* by address; at one address the best first */
	size_t count, capacity;
	uint32_t *by_name; /* open addressing; place in @symbols + 1, 0 is free */
	size_t by_name_slots;
};

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

static bool ends_with(const char *text, size_t bytes, const char *end)
{
	size_t end_bytes = strlen(end);

	return bytes >= end_bytes && memcmp(text + bytes - end_bytes, end, end_bytes) == 0;
}

/*
 * Names that are no function: the padding before one, bounds of sections, and mapping symbols of
 * the assembler. A return address in the padding belongs to the function before, whose last call
 * does not return.
 */
static bool is_no_function(const char *name, size_t bytes)
{
	return starts_with(name, "__pfx_") || starts_with(name, "__cfi_") || name[0] == '$' ||
	       strcmp(name, "_text") == 0 || strcmp(name, "_stext") == 0 ||
	       strcmp(name, "__pi__text") == 0 || ends_with(name, bytes, "_text_start") ||
	       ends_with(name, bytes, "_text_end");
}

static int add_symbol(struct kallsyms *kallsyms, const struct symbol *symbol)
{
	if (kallsyms->count == kallsyms->capacity) {
		size_t capacity = kallsyms->capacity ? kallsyms->capacity * 2 : 1u << 17;
		struct symbol *symbols = realloc(kallsyms->symbols, capacity * sizeof(symbols[0]));

		if (!symbols)
			return -ENOMEM;
		kallsyms->symbols = symbols;
		kallsyms->capacity = capacity;
	}
	kallsyms->symbols[kallsyms->count++] = *symbol;
	return 0;
}

/* @line: "address type name", then, for a module, a tab and "[module]". Zero-terminated. */
static int add_line(struct kallsyms *kallsyms, char *line, bool *address_seen)
{
	struct symbol symbol = { .module = NO_TEXT, .place = (uint32_t)kallsyms->count };
	char *end, *name, *module, type;

	symbol.address = strtoull(line, &end, 16);
	if (end == line || end[0] != ' ' || end[1] == '\0' || end[2] != ' ')
		return 0;
	*address_seen |= symbol.address != 0;
	type = end[1];
	if (!strchr("tTwW", type))
		return 0;
	name = end + 3;
	end = name + strcspn(name, "\t ");
	module = strchr(end, '[');
	*end = '\0';
	if (name == end || is_no_function(name, (size_t)(end - name)))
		return 0;
	if (module) {
		module[1 + strcspn(module + 1, "]")] = '\0';
		symbol.module = (uint32_t)(module + 1 - kallsyms->text);
	}
	symbol.name = (uint32_t)(name - kallsyms->text);
	symbol.global = type == 'T';
	return add_symbol(kallsyms, &symbol);
}

static int add_lines(struct kallsyms *kallsyms)
{
	char *line = kallsyms->text, *text_end = line + kallsyms->text_bytes;
	bool address_seen = false;

	while (line < text_end) {
		char *end = memchr(line, '\n', (size_t)(text_end - line));
		int err;

		if (!end)
			end = text_end;
		*end = '\0';
		err = add_line(kallsyms, line, &address_seen);
		if (err < 0)
			return err;
		line = end + 1;
	}
	if (kallsyms->count == 0)
		return -ENODATA;
	return address_seen ? 0 : -EACCES;
}

/* Orders by address; at one address global names first, then as in the file. */
static int compare_symbols(const void *left, const void *right)
{
	const struct symbol *a = left, *b = right;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	if (a->global != b->global)
		return a->global ? -1 : 1;
	return a->place < b->place ? -1 : a->place > b->place;
}

static size_t hash_name(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3;
	return (size_t)(hash ^ hash >> 32);
}

/* Return: the slot of @name, or the free slot where it belongs. */
static uint32_t *find_name_slot(const struct kallsyms *kallsyms, const char *name)
{
	size_t mask = kallsyms->by_name_slots - 1;

	for (size_t slot = hash_name(name) & mask;; slot = (slot + 1) & mask) {
		uint32_t place = kallsyms->by_name[slot];

		if (place == 0 ||
		    strcmp(kallsyms->text + kallsyms->symbols[place - 1].name, name) == 0)
			return &kallsyms->by_name[slot];
	}
}

/* Of symbols with one name, the first global one is found, else the first. */
static int index_names(struct kallsyms *kallsyms)
{
	for (kallsyms->by_name_slots = 1024; kallsyms->by_name_slots < 2 * kallsyms->count;)
		kallsyms->by_name_slots *= 2;
	kallsyms->by_name = calloc(kallsyms->by_name_slots, sizeof(kallsyms->by_name[0]));
	if (!kallsyms->by_name)
		return -ENOMEM;
	for (size_t i = 0; i < kallsyms->count; i++) {
		const struct symbol *symbol = &kallsyms->symbols[i];
		uint32_t *slot = find_name_slot(kallsyms, kallsyms->text + symbol->name);

		if (*slot == 0 || (symbol->global && !kallsyms->symbols[*slot - 1].global))
			*slot = (uint32_t)i + 1;
	}
	return 0;
}

int kallsyms_read(const char *path, struct kallsyms **ret_kallsyms)
{
	struct kallsyms *kallsyms = calloc(1, sizeof(*kallsyms));
	int err;

	if (!kallsyms)
		return -ENOMEM;
	err = read_file(AT_FDCWD, path, FILE_BYTES_MAX, &kallsyms->text, &kallsyms->text_bytes);
	if (err < 0)
		goto out;
	err = add_lines(kallsyms);
	if (err < 0)
		goto out;
	qsort(kallsyms->symbols, kallsyms->count, sizeof(kallsyms->symbols[0]), compare_symbols);
	err = index_names(kallsyms);
	if (err < 0)
		goto out;
	*ret_kallsyms = kallsyms;
	kallsyms = NULL;
out:
	kallsyms_free(kallsyms);
	return err;
}

void kallsyms_free(struct kallsyms *kallsyms)
{
	if (!kallsyms)
		return;
	free(kallsyms->text);
	free(kallsyms->symbols);
	free(kallsyms->by_name);
	free(kallsyms);
}

const char *kallsyms_find(const struct kallsyms *kallsyms, uint64_t address,
			  uint64_t *ret_offset_bytes, const char **ret_module)
{
	const struct symbol *symbols = kallsyms->symbols;
	size_t low = 0, high = kallsyms->count;

	/* Find the first symbol behind @address. The one before it is wanted. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || address - symbols[low - 1].address > FUNCTION_BYTES_MAX)
		return NULL;
	low--;
	while (low > 0 && symbols[low - 1].address == symbols[low].address)
		low--;
	*ret_offset_bytes = address - symbols[low].address;
	*ret_module = symbols[low].module == NO_TEXT ? NULL : kallsyms->text + symbols[low].module;
	return kallsyms->text + symbols[low].name;
}

uint64_t kallsyms_address(const struct kallsyms *kallsyms, const char *name)
{
	uint32_t place = *find_name_slot(kallsyms, name);

	return place == 0 ? 0 : kallsyms->symbols[place - 1].address;
}
