/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/report/json_fields.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "analyzer/trace/frame_name.h"

void json_field_text(struct json_fields *fields, const char *key, const char *text)
{
	json_put_key(&fields->json, key);
	json_put_string(&fields->json, text);
}

void json_field_number(struct json_fields *fields, const char *key, uint64_t value)
{
	json_put_key(&fields->json, key);
	json_put_uint(&fields->json, value);
}

void json_field_id(struct json_fields *fields, const char *key, int32_t value)
{
	json_put_key(&fields->json, key);
	json_put_int(&fields->json, value);
}

void json_field_flag(struct json_fields *fields, const char *key, bool value)
{
	json_put_key(&fields->json, key);
	json_put_bool(&fields->json, value);
}

void json_field_null(struct json_fields *fields, const char *key)
{
	json_put_key(&fields->json, key);
	json_put_null(&fields->json);
}

void json_field_address(struct json_fields *fields, const char *key, uint64_t address)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, address);
	json_field_text(fields, key, address ? text : NULL);
}

void json_field_object(struct json_fields *fields, const char *key)
{
	json_put_key(&fields->json, key);
	json_open_object(&fields->json);
}

void json_field_array(struct json_fields *fields, const char *key)
{
	json_put_key(&fields->json, key);
	json_open_array(&fields->json);
}

void json_field_stack(struct json_fields *fields, const char *key, const struct model_stack *stack)
{
	json_field_array(fields, key);
	for (size_t i = 0; i < stack->count; i++) {
		char *text = frame_name_exact(&stack->frames[i]);

		if (!text)
			fields->error = -ENOMEM;
		json_put_string(&fields->json, text);
		free(text);
	}
	json_close_array(&fields->json);
}
