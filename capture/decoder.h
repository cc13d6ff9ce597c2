/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload of one segment of events -> events. Input is hostile.
 */
#ifndef FT_CAPTURE_DECODER_H
#define FT_CAPTURE_DECODER_H

#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"

struct ft_decoder;

int ft_decoder_create(struct ft_decoder **ret_decoder);	/* 0 or -ENOMEM */
void ft_decoder_destroy(struct ft_decoder *decoder);

/**
 * ft_decoder_begin() - decode from @payload (already inflated and checked).
 *
 * @payload: borrowed until the next begin or destroy. Nothing is allocated per event.
 * @cpu, @first_ns: from the segment's header.
 */
void ft_decoder_begin(struct ft_decoder *decoder, const void *payload, size_t payload_bytes,
		      uint32_t cpu, uint64_t first_ns);

/**
 * ft_decoder_next() - the next event. One of an extended kind that this version does not know is
 * passed over and counted.
 *
 * @ret_event: undefined unless 1 is returned; tasks, stacks and texts are
 *             borrowed until the next begin; the same task or stack of the segment has the same address each time.
 *
 * Return: 1 an event, 0 end of the segment, -EBADMSG damage (the events before
 * it are good), -ENOMEM.
 */
int ft_decoder_next(struct ft_decoder *decoder, struct ft_event *ret_event);

/* Events of unknown kinds passed over since begin. */
uint32_t ft_decoder_unknown_events(const struct ft_decoder *decoder);

/* Place of a borrowed task or stack in the segment's dictionary, 0 up to
 * FT_DICTIONARY_MAX - 1: what a caller needs to keep its own table beside it. */
#define FT_DICTIONARY_MAX 8192
#define FT_DICTIONARY_FRAMES_MAX 32768	/* of all stacks of a segment together */
#define FT_DICTIONARY_NAMES_MAX 1024
uint32_t ft_decoder_task_index(const struct ft_decoder *decoder, const struct ft_task *task);
uint32_t ft_decoder_stack_index(const struct ft_decoder *decoder, const struct ft_stack *stack);

#endif
