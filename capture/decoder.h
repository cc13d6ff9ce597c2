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
 * it are good).
 */
int ft_decoder_next(struct ft_decoder *decoder, struct ft_event *ret_event);

/**
 * ft_decoder_some() - the next events, at most @most.
 *
 * @first: where the first one goes; each of the others lies @distance_bytes behind the one before.
 *
 * Return: how many, else as ft_decoder_next().
 */
int ft_decoder_some(struct ft_decoder *decoder, struct ft_event *first, size_t distance_bytes,
		    int most);

/* Events of unknown kinds passed over since begin. */
uint32_t ft_decoder_unknown_events(const struct ft_decoder *decoder);

/* The segment's dictionary: borrowed tasks and stacks are elements of these arrays, of
 * FT_DICTIONARY_MAX each. So a caller can keep its own tables beside them. */
#define FT_DICTIONARY_MAX 8192
#define FT_DICTIONARY_FRAMES_MAX 32768	/* of all stacks of a segment together */
#define FT_DICTIONARY_NAMES_MAX 1024
const struct ft_task *ft_decoder_tasks(const struct ft_decoder *decoder);
const struct ft_stack *ft_decoder_stacks(const struct ft_decoder *decoder);

#endif
