/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with an input file, and what to do, as text for a person.
 */
#ifndef ANALYZER_TRACE_SOURCE_ERROR_H
#define ANALYZER_TRACE_SOURCE_ERROR_H

#include <stdint.h>

#include "capture/reader.h"

/**
 * source_refusal_text() - why a file could not be opened.
 *
 * @error:           negative errno of ft_reader_open().
 * @missing_feature: of ft_reader_open(), where @error is -EOPNOTSUPP.
 *
 * Return: malloc'ed text, NULL on lack of memory.
 */
char *source_refusal_text(const char *path, int error, int missing_feature);

/**
 * source_damage_text_of() - what is missing from a damaged file that was read.
 *
 * @damage:      torn or with bad segments.
 * @unreadable:  segments among damage->bad_segments that looked whole and could not be decoded.
 * @used_ns:     length of what was read.
 *
 * Return: malloc'ed text, NULL on lack of memory.
 */
char *source_damage_text_of(const char *path, const struct ft_damage *damage, uint32_t unreadable,
			    uint64_t used_ns);

/* A ring file that somebody cut to @bytes. Return: as source_damage_text_of(). */
char *source_cut_ring_text(const char *path, uint64_t bytes);

/* A ring file that somebody cut and made longer again. Return: as source_damage_text_of(). */
char *source_zeroed_ring_text(const char *path, uint32_t segments);

/* A ring file with nothing in it. Return: as source_damage_text_of(). */
char *source_empty_ring_text(const char *path);

#endif
