/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symbols of the addresses in the stacks of a capture, found when the capture is finished: those of
 * the kernel from kallsyms, those of user frames with libdw from .symtab, .dynsym and line tables
 * of the mapped files.
 */
#ifndef RECORDER_SYMBOLS_SYMBOLIZE_H
#define RECORDER_SYMBOLS_SYMBOLIZE_H

#include <stddef.h>
#include <stdint.h>

struct ft_symbols;
struct kallsyms;
struct mappings;

struct symbolize_address {
	int32_t tgid;		/* FT_KERNEL_TGID for kernel addresses */
	uint64_t address;
};

/**
 * symbolize_resolve() - add a symbol for each of @addresses that can be named (name,
 * or at least module and offset) to @symbols.
 *
 * Return addresses in a stack point behind the call. So an address is looked up at address - 1,
 * unless a symbol starts at the address, and the symbol is kept under the address in the stack.
 *
 * A disposable child with @deadline_ms reads the files. What it found in time is kept.
 *
 * Return: 0, -ETIMEDOUT or -ECHILD (died on a file; as with the deadline, kernel names and a part
 * of the user names were added), -ENOMEM, or errno of fork or pipe.
 */
int symbolize_resolve(struct ft_symbols *symbols, const struct symbolize_address *addresses,
		      size_t count, const struct kallsyms *kallsyms,
		      const struct mappings *mappings, int deadline_ms);

#endif
