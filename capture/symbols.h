/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of the addresses that occur in a capture's stacks.
 *
 * Payload of FT_SEGMENT_SYMBOLS; doc/FORMAT.md, "Symbols".
 */
#ifndef FT_CAPTURE_SYMBOLS_H
#define FT_CAPTURE_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

#define FT_KERNEL_TGID 0	/* the kernel's addresses */

struct ft_symbol {
	int32_t tgid;		/* whose address, FT_KERNEL_TGID for the kernel's */
	uint64_t address;
	uint64_t offset_bytes;	/* from the symbol's start, or from the module's load address if name is NULL */
	const char *name;	/* demangled; NULL: not known */
	const char *module;	/* kernel module, or path of the mapped file; NULL: the kernel itself or not known */
	const char *build_id;	/* of the mapped file, hexadecimal; or NULL */
	const char *file;	/* source file; or NULL */
	uint32_t line;		/* 0: not known */
};

struct ft_symbols;	/* a set, by (tgid, address); keeps its own copies of texts, each once */

int ft_symbols_create(struct ft_symbols **ret_symbols);
void ft_symbols_destroy(struct ft_symbols *symbols);

/* 0 (an existing entry is replaced) or -ENOMEM (also above the limits of doc/FORMAT.md). Texts
 * of 4096 bytes and more are cut. */
int ft_symbols_add(struct ft_symbols *symbols, const struct ft_symbol *symbol);

/* Borrowed; NULL where there is none. */
const struct ft_symbol *ft_symbols_find(const struct ft_symbols *symbols, int32_t tgid,
					uint64_t address);

size_t ft_symbols_count(const struct ft_symbols *symbols);

/* How many functions of the kernel have a name. */
size_t ft_symbols_kernel_names(const struct ft_symbols *symbols);

/**
 * ft_symbols_write() - as one or more payloads, none above FT_SEGMENT_PAYLOAD_BYTES_MAX.
 *
 * @emit: called for each; what it returns other than 0 ends the writing and is returned.
 *
 * Return: 0, -ENOMEM, or what @emit returned.
 */
int ft_symbols_write(const struct ft_symbols *symbols,
		     int (*emit)(void *context, const void *payload, size_t payload_bytes),
		     void *context);

/* Add what @payload says. Return: 0, -EBADMSG (damage; what came before it was added), -ENOMEM. */
int ft_symbols_read(struct ft_symbols *symbols, const void *payload, size_t payload_bytes);

#endif
