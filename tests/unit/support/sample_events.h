/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events to try the capture format with.
 */
#ifndef TESTS_UNIT_SUPPORT_SAMPLE_EVENTS_H
#define TESTS_UNIT_SUPPORT_SAMPLE_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"

#define SAMPLE_CPU 3

/* One or more of every kind, extreme values among them, for CPU SAMPLE_CPU. */
extern const struct ft_event sample_events[];
extern const size_t sample_events_count;
#define SAMPLE_EVENTS_0_1_0 29 /* the first ones, which version 0.1.0 had too */

/* Random ones: any kind, from a limited number of tasks, stacks and texts. */
struct sampler;
struct sampler *sampler_create(uint64_t seed);
void sampler_destroy(struct sampler *sampler);
void sampler_next(struct sampler *sampler, struct ft_event *ret_event); /* borrowed until destroy */
uint32_t sampler_below(struct sampler *sampler, uint32_t bound);

/* Fails the test unless both say the same, whatever the addresses of what they refer to. */
void assert_same_event(const struct ft_event *event, const struct ft_event *expected);

#endif
