/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events -> the payload of one segment. Runs on the recording path: after
 * creation it allocates nothing and its cost for one event is bounded.
 */
#ifndef FT_CAPTURE_ENCODER_H
#define FT_CAPTURE_ENCODER_H

#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"

struct ft_encoder;

/**
 * ft_encoder_create() - an encoder with its dictionaries (about 0.7 MB).
 *
 * Return: 0 or -ENOMEM.
 */
int ft_encoder_create(struct ft_encoder **ret_encoder);
void ft_encoder_destroy(struct ft_encoder *encoder);

/**
 * ft_encoder_begin() - start a segment of events in @buf.
 *
 * @buf:       borrowed until ft_encoder_seal(); holds the segment header and
 *             the payload.
 * @buf_bytes: at least FT_SEGMENT_BYTES_MIN, at most UINT32_MAX.
 * @cpu:       whose events these are, or FT_NO_CPU.
 * @sequence:  counts the segments of this CPU without holes: a hole in a
 *             file is a gap.
 */
void ft_encoder_begin(struct ft_encoder *encoder, void *buf, size_t buf_bytes,
		      uint32_t cpu, uint64_t sequence);

/**
 * ft_encoder_add() - append one event (any kind; event->cpu is that of begin).
 *
 * Times may step back a little within a CPU; they are kept as they come.
 *
 * Return: 0, -ENOBUFS (does not fit, nothing was appended: seal, begin the
 * next segment, add again), -EINVAL (event with a kind, stack or text outside
 * the limits of event.h).
 */
int ft_encoder_add(struct ft_encoder *encoder, const struct ft_event *event);

/* Number of events added since begin. */
uint32_t ft_encoder_events(const struct ft_encoder *encoder);

/* Bytes that sealing now would give, header included. */
size_t ft_encoder_bytes(const struct ft_encoder *encoder);

/**
 * ft_encoder_seal() - write header and checksum; @buf of begin is a segment.
 *
 * Return: length of the segment in bytes, multiple of 8.
 */
size_t ft_encoder_seal(struct ft_encoder *encoder);

#endif
