/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of JSON objects, a key with its value, as all our schemas write them.
 */
#ifndef ANALYZER_REPORT_JSON_FIELDS_H
#define ANALYZER_REPORT_JSON_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/util/json_writer.h"
#include "analyzer/model.h"

struct json_fields {
	struct json json;
	int error;	/* first failure: -ENOMEM */
};

void json_field_text(struct json_fields *fields, const char *key, const char *text);
void json_field_number(struct json_fields *fields, const char *key, uint64_t value);
void json_field_id(struct json_fields *fields, const char *key, int32_t value);
void json_field_flag(struct json_fields *fields, const char *key, bool value);
void json_field_null(struct json_fields *fields, const char *key);

/* As text: addresses do not fit into the numbers of many a JSON reader. 0: null. */
void json_field_address(struct json_fields *fields, const char *key, uint64_t address);

void json_field_object(struct json_fields *fields, const char *key);	/* left open */
void json_field_array(struct json_fields *fields, const char *key);	/* left open */
void json_field_stack(struct json_fields *fields, const char *key, const struct model_stack *stack);

#endif
