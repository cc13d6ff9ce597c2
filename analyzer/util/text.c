/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts that are made by printf's rules, as long as they need to be.
 */
#include "config.h"

#include "analyzer/util/text.h"

#include <stdarg.h>
#include <stdio.h>

char *text_printf(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	return text;
}
