/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/cli/status_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define TEXT_BYTES 32

static json_int_t get_number(const json_t *object, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(object, name));
	return value > 0 ? value : 0;
}

/* @text is valid UTF-8, as all of JSON is. Control characters become "?". */
static void put_safe(const char *text, FILE *stream)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c < 0x20 || *c == 0x7f) {
			fputc('?', stream);
		} else if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) {
			fputc('?', stream); /* C1 controls */
			c++;
		} else {
			fputc(*c, stream);
		}
	}
}

static void put_text(const json_t *object, const char *name, FILE *stream)
{
	const char *text = json_string_value(json_object_get(object, name));
	put_safe(text ? text : "unknown", stream);
}

static const char *format_duration(json_int_t ns, char text[TEXT_BYTES])
{
	double s = (double)ns / 1e9;
	long long whole = ns / 1000000000;

	if (ns < 1000000)
		snprintf(text, TEXT_BYTES, ns ? "%.3g ms" : "0", (double)ns / 1e6);
	else if (s < 1)
		snprintf(text, TEXT_BYTES, "%.1f ms", s * 1e3);
	else if (s < 600)
		snprintf(text, TEXT_BYTES, "%.1f s", s);
	else if (whole < 48 * 3600)
		snprintf(text, TEXT_BYTES, "%lld h %02lld min", whole / 3600, whole / 60 % 60);
	else
		snprintf(text, TEXT_BYTES, "%lld days", whole / 86400);
	return text;
}

static const char *format_size(json_int_t bytes, char text[TEXT_BYTES])
{
	if (bytes < 1 << 20)
		snprintf(text, TEXT_BYTES, "%.1f KiB", (double)bytes / 1024);
	else
		snprintf(text, TEXT_BYTES, "%.1f MiB", (double)bytes / (1 << 20));
	return text;
}

static void draw_recorder(const json_t *status, FILE *stream)
{
	char text[TEXT_BYTES];

	fprintf(stream, "recorder    %lld, version ", (long long)get_number(status, "pid"));
	put_text(status, "version", stream);
	fprintf(stream, ", armed for %s, since ",
		format_duration(get_number(status, "uptime_ns"), text));
	put_text(status, "armed_since", stream);
	fprintf(stream, "\ntarget      ");
	put_text(status, "target", stream);
	if (json_is_string(json_object_get(status, "target_missing"))) {
		fputs(": ", stream);
		put_text(status, "target_missing", stream);
	}
	fprintf(stream, "\ntier        ");
	put_text(status, "tier", stream);
	fputc('\n', stream);
}

static void draw_history(const json_t *status, FILE *stream)
{
	const json_t *ring = json_object_get(status, "ring");
	json_int_t lost = get_number(status, "lost");
	char text[TEXT_BYTES];
	size_t i;
	json_t *kept;

	fprintf(stream, "history     %s in ",
		format_duration(get_number(status, "history_ns"), text));
	put_text(ring, "path", stream);
	fprintf(stream, ": %s, %lld slots, %.0f %% full\n",
		format_size(get_number(ring, "bytes"), text), (long long)get_number(ring, "slots"),
		json_number_value(json_object_get(ring, "fill_percent")));
	json_array_foreach(json_object_get(ring, "kept"), i, kept)
	{
		fprintf(stream, "            ");
		put_safe(json_is_string(kept) ? json_string_value(kept) : "unknown", stream);
		fprintf(stream, " is of a recorder that was killed: analyze reads it\n");
	}
	fprintf(stream, "events      %.0f a second, %lld in all, ",
		json_number_value(json_object_get(status, "events_per_s")),
		(long long)get_number(status, "events"));
	if (lost)
		fprintf(stream, "%lld LOST\n", (long long)lost);
	else
		fprintf(stream, "none lost\n");
}

static void draw_cost(const json_t *status, FILE *stream)
{
	const json_t *recorder = json_object_get(status, "recorder");
	const json_t *governor = json_object_get(status, "governor");
	char cpu[TEXT_BYTES], memory[TEXT_BYTES], delay[TEXT_BYTES], since[TEXT_BYTES];

	fprintf(stream, "own cost    %.2f %% of a CPU (%s), %s of memory, run delay <= %s\n",
		json_number_value(json_object_get(recorder, "cpu_share_percent")),
		format_duration(get_number(recorder, "cpu_ns"), cpu),
		format_size(get_number(recorder, "rss_bytes"), memory),
		format_duration(get_number(recorder, "delay_max_ns"), delay));
	fprintf(stream, "governor    ");
	put_text(governor, "step", stream);
	fprintf(stream, " for %s; %lld step%s taken\n",
		format_duration(get_number(governor, "since_ns"), since),
		(long long)get_number(governor, "steps_taken"),
		get_number(governor, "steps_taken") == 1 ? "" : "s");
}

/* Which stacks the step takes. */
static void draw_stacks(const json_t *status, FILE *stream)
{
	const char *step = json_string_value(
		json_object_get(json_object_get(status, "governor"), "step"));
	const json_t *stacks = json_object_get(status, "stacks");
	bool sampled = step && !strcmp(step, "sampled");

	if (!step || !stacks)
		return;
	fprintf(stream, "stacks      ");
	if (!strcmp(step, "full"))
		fprintf(stream, "of every wait");
	else if (sampled || !strcmp(step, "lazy"))
		fprintf(stream, "of uninterruptible waits and of long ones (%lld read)",
			(long long)get_number(stacks, "kept"));
	else
		fprintf(stream, "of no wait");
	if (sampled)
		fprintf(stream, ",\n            and of one in %lld of the others",
			(long long)get_number(stacks, "period"));
	fprintf(stream, "; %lld waiter%s for kernel locks watched\n",
		(long long)get_number(stacks, "watched"),
		get_number(stacks, "watched") == 1 ? "" : "s");
}

static void draw_capture(const json_t *capture, FILE *stream)
{
	char text[TEXT_BYTES];

	fprintf(stream, "            ");
	put_text(capture, "at", stream);
	fprintf(stream, "  %9s  ", format_size(get_number(capture, "bytes"), text));
	put_text(capture, "file", stream);
	fprintf(stream, "\n              ");
	put_text(capture, "reason", stream);
	fputc('\n', stream);
}

static void draw_failure(const json_t *failure, FILE *stream)
{
	if (!json_is_object(failure))
		return;
	fprintf(stream, "            the last that failed: ");
	put_text(failure, "at", stream);
	fprintf(stream, "  ");
	put_text(failure, "file", stream);
	fprintf(stream, "\n              ");
	put_text(failure, "error", stream);
	fprintf(stream, "\n              ");
	put_text(failure, "reason", stream);
	fputc('\n', stream);
}

static void draw_captures(const json_t *status, FILE *stream)
{
	const json_t *triggers = json_object_get(status, "triggers");
	const json_t *capturing = json_object_get(status, "capturing");
	const json_t *captures = json_object_get(status, "captures");
	char text[TEXT_BYTES];
	size_t i;
	json_t *capture;

	fprintf(stream,
		"triggers    %lld seen, %lld captured, %lld joined to those, %lld suppressed",
		(long long)get_number(triggers, "seen"),
		(long long)get_number(triggers, "captured"),
		(long long)get_number(triggers, "joined"),
		(long long)get_number(triggers, "suppressed"));
	if (get_number(triggers, "failed"))
		fprintf(stream, ", %lld FAILED", (long long)get_number(triggers, "failed"));
	fputc('\n', stream);
	draw_failure(json_object_get(status, "last_failure"), stream);
	if (json_is_object(capturing)) {
		fprintf(stream, "capturing   for %s: ",
			format_duration(get_number(capturing, "since_ns"), text));
		put_text(capturing, "file", stream);
		fprintf(stream, "\n              ");
		put_text(capturing, "reason", stream);
		fputc('\n', stream);
	}
	if (!json_array_size(captures)) {
		fprintf(stream, "captures    none yet\n");
		return;
	}
	fprintf(stream, "captures    newest first\n");
	json_array_foreach(captures, i, capture)
	{
		draw_capture(capture, stream);
	}
}

static void draw_probe(const json_t *probe, FILE *stream)
{
	char text[TEXT_BYTES];

	fprintf(stream, "            ");
	put_text(probe, "what", stream);
	fprintf(stream, ": %lld asked, %lld failed, fired %lld time%s, ",
		(long long)get_number(probe, "asked"), (long long)get_number(probe, "failed"),
		(long long)get_number(probe, "fired"), get_number(probe, "fired") == 1 ? "" : "s");
	format_duration(get_number(probe, "last_ns"), text);
	if (json_is_true(json_object_get(probe, "stuck")))
		fprintf(stream, "STUCK for %s\n", text);
	else
		fprintf(stream, "last answer %s\n", text);
	if (json_is_string(json_object_get(probe, "last_failure"))) {
		fprintf(stream, "              last failure: ");
		put_text(probe, "last_failure", stream);
		fputc('\n', stream);
	}
	if (get_number(probe, "failed") && !get_number(probe, "answered"))
		fprintf(stream,
			"              NO GOOD ANSWER YET, so it triggers nothing: does it ask"
			" the right address?\n");
}

void status_text(const json_t *status, FILE *stream)
{
	const json_t *probes = json_object_get(status, "probes");
	size_t i;
	json_t *probe;

	draw_recorder(status, stream);
	draw_history(status, stream);
	draw_cost(status, stream);
	draw_stacks(status, stream);
	draw_captures(status, stream);
	if (json_array_size(probes))
		fprintf(stream, "probes\n");
	json_array_foreach(probes, i, probe)
	{
		draw_probe(probe, stream);
	}
}
