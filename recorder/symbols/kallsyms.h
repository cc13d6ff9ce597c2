/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running kernel's symbols, from /proc/kallsyms.
 */
#ifndef RECORDER_SYMBOLS_KALLSYMS_H
#define RECORDER_SYMBOLS_KALLSYMS_H

#include <stdint.h>

struct kallsyms;

/**
 * kallsyms_read() - text symbols, sorted by address.
 *
 * @path: "/proc/kallsyms"; another file in tests.
 *
 * Return: 0, -EACCES (the kernel shows zero addresses: needs CAP_SYSLOG or
 * kernel.kptr_restrict 0), -ENODATA (no symbols at all), -ENOMEM, or the errno of reading.
 */
int kallsyms_read(const char *path, struct kallsyms **ret_kallsyms);
void kallsyms_free(struct kallsyms *kallsyms);

/* Return: the name that holds @address, borrowed, or NULL. @ret_module is NULL for the kernel. */
const char *kallsyms_find(const struct kallsyms *kallsyms, uint64_t address,
			  uint64_t *ret_offset_bytes, const char **ret_module);

/* Address of the symbol @name, 0 where there is none. */
uint64_t kallsyms_address(const struct kallsyms *kallsyms, const char *name);

#endif
