/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/util/json_writer.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "analyzer/util/utf8.h"

void json_start(struct json *json, FILE *out)
{
	memset(json, 0, sizeof(*json));
	json->out = out;
}

static void break_line(struct json *json)
{
	fprintf(json->out, "\n%*s", (int)(2 * json->depth), "");
}

/* Put a comma and a line break before a member of the innermost object or array. */
static void separate_member(struct json *json)
{
	if (json->has_members[json->depth - 1])
		fputc(',', json->out);
	json->has_members[json->depth - 1] = true;
	break_line(json);
}

static void begin_value(struct json *json)
{
	if (json->depth == 0) {
		assert(!json->has_value);
		json->has_value = true;
	} else if (json->object[json->depth - 1]) {
		assert(json->has_key);
		json->has_key = false;
	} else {
		separate_member(json);
	}
}

static void open_level(struct json *json, bool object)
{
	begin_value(json);
	assert(json->depth < JSON_DEPTH_MAX);
	json->object[json->depth] = object;
	json->has_members[json->depth] = false;
	json->depth++;
	fputc(object ? '{' : '[', json->out);
}

static void close_level(struct json *json, bool object)
{
	assert(json->depth && json->object[json->depth - 1] == object && !json->has_key);
	json->depth--;
	if (json->has_members[json->depth])
		break_line(json);
	fputc(object ? '}' : ']', json->out);
}

void json_open_object(struct json *json)
{
	open_level(json, true);
}

void json_close_object(struct json *json)
{
	close_level(json, true);
}

void json_open_array(struct json *json)
{
	open_level(json, false);
}

void json_close_array(struct json *json)
{
	close_level(json, false);
}

/* C1 controls and invisible characters are escaped too: people look at JSON on terminals. */
static void put_escaped(struct json *json, uint32_t character)
{
	static const char *const shorts[] = {
		['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r"
	};

	if (character < sizeof(shorts) / sizeof(shorts[0]) && shorts[character])
		fputs(shorts[character], json->out);
	else if (character < 0x10000)
		fprintf(json->out, "\\u%04" PRIx32, character);
	else
		fprintf(json->out, "\\u%04" PRIx32 "\\u%04" PRIx32,
			0xd800 + ((character - 0x10000) >> 10), 0xdc00 + (character & 0x3ff));
}

static void put_quoted(struct json *json, const char *text)
{
	fputc('"', json->out);
	while (*text) {
		uint32_t character;
		size_t bytes = utf8_decode(text, &character);

		if (bytes == 0)
			fputs("\xef\xbf\xbd", json->out);
		else if (character == '"' || character == '\\')
			fprintf(json->out, "\\%c", (int)character);
		else if (utf8_visible(character))
			fwrite(text, 1, bytes, json->out);
		else
			put_escaped(json, character);
		text += bytes ? bytes : 1;
	}
	fputc('"', json->out);
}

void json_put_key(struct json *json, const char *key)
{
	assert(json->depth && json->object[json->depth - 1] && !json->has_key);
	separate_member(json);
	put_quoted(json, key);
	fputs(": ", json->out);
	json->has_key = true;
}

void json_put_string(struct json *json, const char *text)
{
	if (!text) {
		json_put_null(json);
		return;
	}
	begin_value(json);
	put_quoted(json, text);
}

void json_put_int(struct json *json, int64_t value)
{
	begin_value(json);
	fprintf(json->out, "%" PRId64, value);
}

void json_put_uint(struct json *json, uint64_t value)
{
	begin_value(json);
	fprintf(json->out, "%" PRIu64, value);
}

void json_put_bool(struct json *json, bool value)
{
	begin_value(json);
	fputs(value ? "true" : "false", json->out);
}

void json_put_null(struct json *json)
{
	begin_value(json);
	fputs("null", json->out);
}

void json_field_text(struct json *json, const char *key, const char *text)
{
	json_put_key(json, key);
	json_put_string(json, text);
}

void json_field_number(struct json *json, const char *key, uint64_t value)
{
	json_put_key(json, key);
	json_put_uint(json, value);
}

void json_field_id(struct json *json, const char *key, int32_t value)
{
	json_put_key(json, key);
	json_put_int(json, value);
}

void json_field_flag(struct json *json, const char *key, bool value)
{
	json_put_key(json, key);
	json_put_bool(json, value);
}

void json_field_null(struct json *json, const char *key)
{
	json_put_key(json, key);
	json_put_null(json);
}

void json_field_address(struct json *json, const char *key, uint64_t address)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, address);
	json_field_text(json, key, address ? text : NULL);
}

void json_field_object(struct json *json, const char *key)
{
	json_put_key(json, key);
	json_open_object(json);
}

void json_field_array(struct json *json, const char *key)
{
	json_put_key(json, key);
	json_open_array(json);
}

int json_finish(struct json *json)
{
	assert(json->depth == 0 && json->has_value);
	fputc('\n', json->out);
	if ((fflush(json->out) || ferror(json->out)) && !json->error)
		json->error = -EIO;
	return json->error;
}
