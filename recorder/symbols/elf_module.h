/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and source lines of the addresses of one mapped ELF file, from .symtab, .dynsym and DWARF:
 * its own, or installed beside it (.gnu_debuglink, build-id).
 */
#ifndef RECORDER_SYMBOLS_ELF_MODULE_H
#define RECORDER_SYMBOLS_ELF_MODULE_H

#include <stdint.h>

struct elf_module;
struct ft_symbol;

/**
 * elf_module_open() - read the symbols of an ELF program or library. It stays open: the helper
 * process that opens it ends.
 *
 * @fd:   of the file; the module keeps it; closed on failure.
 * @path: to find separate debugging files.
 *
 * Return: 0, -ENOEXEC (not such a file), -ENOMEM.
 */
int elf_module_open(int fd, const char *path, struct elf_module **ret_module);

/* The address, before relocation, of the code at @offset_bytes of the file. Return: 0, -ENOENT. */
int elf_module_address(const struct elf_module *module, uint64_t offset_bytes,
		       uint64_t *ret_address);

/**
 * elf_module_find() - name, offset_bytes and build_id (borrowed from @module) of a return address.
 *
 * A return address points behind the call, so it belongs to the function of the byte before it,
 * unless a function starts there. Without a name, the offset counts from the lowest load address.
 */
void elf_module_find(struct elf_module *module, uint64_t address, struct ft_symbol *ret_symbol);

/* Source file and line (borrowed from @module). Reads DWARF at the first call. Return: 0, -ENOENT,
 * -ENOMEM. */
int elf_module_line(struct elf_module *module, uint64_t address, struct ft_symbol *ret_symbol);

#endif
