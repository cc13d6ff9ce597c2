/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/base/diagnostic.h"

#include <stdarg.h>
#include <stdio.h>

#include "recorder/base/exit_status.h"

int refuse(struct diagnostic *diagnostic, int status, const char *advice, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(diagnostic->text, sizeof(diagnostic->text), format, arguments);
	va_end(arguments);
	snprintf(diagnostic->advice, sizeof(diagnostic->advice), "%s%sNothing was recorded.",
		 advice, advice[0] ? " " : "");
	diagnostic->status = status;
	return -1;
}

int refusal_for_memory(struct diagnostic *diagnostic)
{
	return refuse(diagnostic, EXIT_FAILED, "A smaller --kernel-buffer needs less.",
		      "not enough memory.");
}
