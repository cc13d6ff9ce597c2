/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts, kept as they are written: names and values one after another. The
 * last value of a name counts.
 */
#include "capture/facts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/segment.h"

struct ft_facts {
	char *texts;
	size_t bytes, capacity_bytes;
};

int ft_facts_create(struct ft_facts **ret_facts)
{
	struct ft_facts *facts = calloc(1, sizeof(*facts));

	if (!facts)
		return -ENOMEM;
	*ret_facts = facts;
	return 0;
}

void ft_facts_destroy(struct ft_facts *facts)
{
	if (!facts)
		return;
	free(facts->texts);
	free(facts);
}

/* The value of the name at @at. Return: where the next fact begins. */
static size_t find_next_fact(const struct ft_facts *facts, size_t at, const char **ret_value)
{
	size_t value = at + strlen(facts->texts + at) + 1;

	*ret_value = facts->texts + value;
	return value + strlen(*ret_value) + 1;
}

static int make_room(struct ft_facts *facts, size_t more_bytes)
{
	size_t capacity_bytes = facts->capacity_bytes ? facts->capacity_bytes : 1024;
	char *texts;

	if (more_bytes > FT_SEGMENT_PAYLOAD_BYTES_MAX - facts->bytes)
		return -ENOMEM;
	while (capacity_bytes - facts->bytes < more_bytes)
		capacity_bytes *= 2;
	if (capacity_bytes == facts->capacity_bytes)
		return 0;
	texts = realloc(facts->texts, capacity_bytes);
	if (!texts)
		return -ENOMEM;
	facts->texts = texts;
	facts->capacity_bytes = capacity_bytes;
	return 0;
}

static void append_texts(struct ft_facts *facts, const void *texts, size_t bytes)
{
	memcpy(facts->texts + facts->bytes, texts, bytes);
	facts->bytes += bytes;
}

static void remove_fact(struct ft_facts *facts, const char *name)
{
	size_t at = 0, next;
	const char *value;

	while (at < facts->bytes) {
		next = find_next_fact(facts, at, &value);
		if (strcmp(facts->texts + at, name) == 0) {
			memmove(facts->texts + at, facts->texts + next, facts->bytes - next);
			facts->bytes -= next - at;
		} else {
			at = next;
		}
	}
}

int ft_facts_set(struct ft_facts *facts, const char *name, const char *value)
{
	size_t name_bytes = strlen(name) + 1, value_bytes = strlen(value) + 1;
	int error;

	error = make_room(facts, name_bytes + value_bytes);
	if (error)
		return error;
	remove_fact(facts, name);
	append_texts(facts, name, name_bytes);
	append_texts(facts, value, value_bytes);
	return 0;
}

int ft_facts_set_number(struct ft_facts *facts, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	return ft_facts_set(facts, name, text);
}

const char *ft_facts_get(const struct ft_facts *facts, const char *name)
{
	const char *value, *found = NULL;
	size_t at = 0, next;

	for (; at < facts->bytes; at = next) {
		next = find_next_fact(facts, at, &value);
		if (strcmp(facts->texts + at, name) == 0)
			found = value;
	}
	return found;
}

int64_t ft_facts_number(const struct ft_facts *facts, const char *name, int64_t fallback)
{
	const char *value = ft_facts_get(facts, name);
	int64_t number;
	char *end;

	/* strtoll() would accept leading blanks and a plus sign. */
	if (!value || (*value != '-' && (*value < '0' || *value > '9')))
		return fallback;
	errno = 0;
	number = strtoll(value, &end, 10);
	return errno || *end != '\0' || end == value ? fallback : number;
}

const void *ft_facts_payload(const struct ft_facts *facts, size_t *ret_bytes)
{
	*ret_bytes = facts->bytes;
	return facts->texts;
}

/* Earlier facts of the same name are not removed: that would take quadratic time for a hostile
 * file. */
int ft_facts_read(struct ft_facts *facts, const void *payload, size_t payload_bytes)
{
	const uint8_t *start = payload, *end = start + payload_bytes;

	while (start < end) {
		size_t left = (size_t)(end - start), name_bytes, bytes;
		int error;

		name_bytes = strnlen((const char *)start, left) + 1;
		if (name_bytes == 1 || name_bytes >= left)
			return -EBADMSG;
		bytes = name_bytes + 1 +
			strnlen((const char *)start + name_bytes, left - name_bytes);
		if (bytes > left || bytes > FT_SEGMENT_PAYLOAD_BYTES_MAX - facts->bytes)
			return -EBADMSG;
		error = make_room(facts, bytes);
		if (error)
			return error;
		append_texts(facts, start, bytes);
		start += bytes;
	}
	return 0;
}
