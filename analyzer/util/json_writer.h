/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON writer: values go to a file as they come, indented for reading.
 *
 * Misuse (a key outside an object, a value without its key, an unclosed array)
 * is a programmer's error and asserts.
 */
#ifndef ANALYZER_UTIL_JSON_WRITER_H
#define ANALYZER_UTIL_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH_MAX 16

struct json {
	FILE *out; /* borrowed */
	unsigned int depth; /* open objects and arrays */
	bool object[JSON_DEPTH_MAX]; /* each an object, else an array */
	bool has_members[JSON_DEPTH_MAX];
	bool has_key, has_value;
	int error; /* the caller could not make a value, -ENOMEM; json_finish() returns it */
};

/* Initialises all of @json. */
void json_start(struct json *json, FILE *out);

void json_open_object(struct json *json);
void json_close_object(struct json *json);
void json_open_array(struct json *json);
void json_close_array(struct json *json);

/* @key: plain ASCII, from the code. */
void json_put_key(struct json *json, const char *key);

/* @text: any bytes; each that is not valid UTF-8 becomes U+FFFD. NULL: null. */
void json_put_string(struct json *json, const char *text);
void json_put_int(struct json *json, int64_t value);
void json_put_uint(struct json *json, uint64_t value);
void json_put_bool(struct json *json, bool value);
void json_put_null(struct json *json);

/* Members of the innermost object, a key with its value. */
void json_field_text(struct json *json, const char *key, const char *text);
void json_field_number(struct json *json, const char *key, uint64_t value);
void json_field_id(struct json *json, const char *key, int32_t value);
void json_field_flag(struct json *json, const char *key, bool value);
void json_field_null(struct json *json, const char *key);
void json_field_object(struct json *json, const char *key);	/* left open */
void json_field_array(struct json *json, const char *key);	/* left open */

/* As text, because many JSON readers cannot hold 64 bits in a number. 0: null. */
void json_field_address(struct json *json, const char *key, uint64_t address);

/* End the document. Return: 0, @json->error, or -EIO where the file did not take everything. */
int json_finish(struct json *json);

#endif
