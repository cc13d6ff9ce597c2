/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names for the addresses that a capture's stacks hold, found when the capture
 * is sealed: the kernel's from kallsyms, user frames with libdw from
 * .symtab, .dynsym and line tables of the mapped files.
 */
#ifndef RECORDER_SYMBOLS_SYMBOLIZE_H
#define RECORDER_SYMBOLS_SYMBOLIZE_H

#include <stddef.h>
#include <stdint.h>

#include "capture/symbols.h"
#include "recorder/symbols/kallsyms.h"
#include "recorder/symbols/mappings.h"

struct names_address {
	int32_t tgid;		/* FT_KERNEL_TGID for kernel addresses */
	uint64_t address;
};

/**
 * symbolize_resolve() - add a symbol for each of @addresses that can be named (name,
 * or at least module and offset) to @symbols.
 *
 * Return addresses in a stack point behind the call: all user addresses but the leaf are looked up
 * at address - 1 (is_leaf is not known here, so: look up address - 1 unless address is a symbol's start)
 * and kept under the address as it is in the stack.
 *
 * Files are read in a disposable child with @deadline_ms; what it found in time is kept.
 *
 * Return: 0, -ETIMEDOUT or -ECHILD (died on a file; as with the deadline, kernel names and a part of
 * the user names were added), -ENOMEM, or errno of fork or pipe.
 */
int symbolize_resolve(struct ft_symbols *symbols, const struct names_address *addresses, size_t count,
		  const struct kallsyms *kallsyms, const struct mappings *mappings, int deadline_ms);

#endif
