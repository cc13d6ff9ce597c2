/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/base/text.h"

#include <stdlib.h>
#include <string.h>

json_t *json_text(const char *text)
{
	if (!text)
		return json_null();

	json_t *string = json_string(text);
	if (string)
		return string;

	char *ascii = strdup(text);
	if (!ascii)
		return NULL;
	for (char *c = ascii; *c; c++)
		if ((unsigned char)*c > 0x7f)
			*c = '?';
	string = json_string(ascii);
	free(ascii);
	return string;
}

void text_cut(const char *text, char *ret_copy, size_t copy_bytes)
{
	size_t bytes = strlen(text);

	if (bytes >= copy_bytes) {
		bytes = copy_bytes - 1;
		while (bytes && ((unsigned char)text[bytes] & 0xc0) == 0x80)
			bytes--;
	}
	memcpy(ret_copy, text, bytes);
	ret_copy[bytes] = '\0';
}
