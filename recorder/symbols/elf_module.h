/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mapped file: the names and source lines of its addresses, from .symtab,
 * .dynsym and DWARF, its own or installed beside it (.gnu_debuglink, build-id).
 */
#ifndef RECORDER_SYMBOLS_ELF_MODULE_H
#define RECORDER_SYMBOLS_ELF_MODULE_H

#include <stdint.h>

#include "capture/symbols.h"

struct elf_module;

/**
 * elf_module_open() - read the symbols of an ELF program or library.
 *
 * @fd:   of the file; closed with the module, or on failure.
 * @path: to find separate debugging files.
 *
 * Return: 0, -ENOEXEC (not such a file), -ENOMEM.
 */
int elf_module_open(int fd, const char *path, struct elf_module **ret_file);
void elf_module_close(struct elf_module *file);

/* Where the byte at @offset_bytes of the file's code is before relocation. Return: 0, -ENOENT. */
int elf_module_address(const struct elf_module *file, uint64_t offset_bytes, uint64_t *ret_address);

/**
 * elf_module_find() - name, offset_bytes and build_id (borrowed from @file) of a return address.
 *
 * A return address points behind the call: it belongs to the function of the byte before it,
 * unless a function starts there. Without a name, the offset is from the lowest load address.
 */
void elf_module_find(struct elf_module *file, uint64_t address, struct ft_symbol *ret_symbol);

/* Source file and line (borrowed from @file). Reads DWARF at the first call. Return: 0, -ENOENT,
 * -ENOMEM. */
int elf_module_line(struct elf_module *file, uint64_t address, struct ft_symbol *ret_symbol);

#endif
