/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Off-CPU time of the target by stack, for flame graph tools, idle waits too:
 * "target comm;wait class;outermost;...;leaf microseconds".
 */
#include "analyzer/report/report_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "analyzer/trace/frame_name.h"
#include "analyzer/util/terminal.h"

/* A ";" in a name would end the frame. */
static int put_name(const char *name, FILE *out)
{
	char *safe = terminal_safe(name);

	if (!safe)
		return -ENOMEM;
	for (const char *at = safe; *at; at++)
		fputc(*at == ';' ? ':' : *at, out);
	free(safe);
	return 0;
}

static int put_frame(const struct frame *frame, FILE *out)
{
	char *name = frame_name_of(frame);
	int error = -ENOMEM;

	if (name) {
		fputc(';', out);
		error = put_name(name, out);
	}
	free(name);
	return error;
}

static int put_wait(const struct model *model, const struct model_wait *wait, FILE *out)
{
	const char *comm = model->capture.target_comm;
	const uint64_t time_us = (wait->blocked_ns + wait->runnable_ns) / 1000;
	int error;

	if (time_us == 0)
		return 0;
	error = put_name(comm && *comm ? comm : "host", out);
	fprintf(out, ";%s", wait_class_name(wait->class));
	for (size_t i = wait->stack.count; !error && i-- > 0;)
		error = put_frame(&wait->stack.frames[i], out);
	fprintf(out, " %" PRIu64 "\n", time_us);
	return error;
}

int report_folded(const struct model *model, const struct report_options *options, FILE *out)
{
	int error = 0;

	(void)options;
	for (size_t i = 0; !error && i < model->wait_count; i++)
		error = put_wait(model, &model->waits[i], out);
	if (!error && (fflush(out) || ferror(out)))
		error = -EIO;
	return error;
}
