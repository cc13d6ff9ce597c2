/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unwinds user stacks of programs without frame pointers, with libunwind: from the registers and
 * the piece of stack that the kernel copied at the event, and .eh_frame of the mapped files. This
 * is done when the capture is finished.
 */
#ifndef RECORDER_SYMBOLS_UNWIND_H
#define RECORDER_SYMBOLS_UNWIND_H

#include <stddef.h>
#include <stdint.h>

struct mappings;

/* The attr.sample_regs_user mask whose registers unwind_stack() takes, 0 where this
 * architecture is not supported. Registers come in ascending order of bits. */
uint64_t unwind_registers_mask(void);

/**
 * unwind_stack() - return addresses, leaf first.
 *
 * Opens mapped files, which may block, and reads their unwind tables, which may be hostile: call it
 * in helper_process_run(). Files stay open for the next stack. From one thread only.
 *
 * @registers: one value a bit of unwind_registers_mask().
 * @stack:     @stack_bytes of the thread's memory, from its stack pointer up.
 *
 * Return: number of frames written to @ret_frames (at least the leaf), or -ENOMEM, -EOPNOTSUPP.
 */
int unwind_stack(const struct mappings *mappings, int32_t tgid, const uint64_t *registers,
		 const void *stack, size_t stack_bytes, uint64_t *ret_frames, size_t frames_max);

#endif
