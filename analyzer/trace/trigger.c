/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time span that a capture's trigger is about.
 */
#include "analyzer/trace/trigger.h"

#include <ctype.h>
#include <string.h>

#include "analyzer/util/human.h"
#include "capture/format.h"

#define LEAST_NS   200000000ull /* a stall is at least so long */
/* A watchdog or a person that does not say since when notices a freeze so late at most. */
#define NOTICED_NS 15000000000ull
#define EARLIER_NS 1000000000ull /* a freeze begins before it is noticed */
#define HALF_AS_NEAR_NS 1000000000u
#define LONGEST_NS 3600000000000ull /* more than any recorder keeps */

static bool has_prefix(const char *text, const char *beginning)
{
	return !strncmp(text, beginning, strlen(beginning));
}

/* Read "2.0 s" or "2s" at the start of @text. 0: there is none. @ret_end: behind it. */
static uint64_t read_duration(const char *text, const char **ret_end)
{
	size_t digits = strspn(text, "0123456789."), bytes = digits;
	char copy[32];
	uint64_t ns;

	if (!digits)
		return 0;
	if (text[bytes] == ' ')
		bytes++;
	while (isalpha((unsigned char)text[bytes]))
		bytes++;
	if (bytes >= sizeof(copy))
		return 0;
	memcpy(copy, text, bytes);
	copy[bytes] = '\0';
	*ret_end = text + bytes;
	return human_parse_duration(copy, &ns) ? 0 : ns;
}

/*
 * Read the duration that a reason gives. A probe writes "NAME slower than 200 ms for 2.0 s: ERROR",
 * where the rest may hold a duration too. Of other reasons the last duration counts. 0: there is
 * none.
 */
static uint64_t find_duration(const char *reason)
{
	uint64_t last_ns = 0;

	for (const char *at = strstr(reason, "for "); at; at = strstr(at + 1, "for ")) {
		const char *end = "";
		uint64_t ns;

		if (at > reason && at[-1] != ' ')
			continue;
		ns = read_duration(at + strlen("for "), &end);
		if (ns)
			last_ns = ns;
		if (ns && *end == ':')
			break;
	}
	return last_ns;
}

double trigger_nearness(const struct trigger_window *window, uint64_t start_ns, uint64_t end_ns)
{
	uint64_t apart_ns = 0;

	if (!window->about_ns)
		return 1;
	if (end_ns < window->since_ns)
		apart_ns = window->since_ns - end_ns;
	else if (start_ns > window->until_ns)
		apart_ns = start_ns - window->until_ns;
	return (double)HALF_AS_NEAR_NS / (double)(HALF_AS_NEAR_NS + apart_ns);
}

/* "probe: 1.234 s without ...". 0: it is none. @ret_over: the answer came. */
static uint64_t read_probe_note(const char *text, bool *ret_over)
{
	const char *digits = text + strlen(FT_NOTE_PROBE), *end = digits;
	uint64_t ns;

	if (!has_prefix(text, FT_NOTE_PROBE))
		return 0;
	ns = read_duration(digits, &end);
	*ret_over = has_prefix(end, FT_NOTE_PROBE_OVER);
	if (!*ret_over && !has_prefix(end, FT_NOTE_PROBE_OPEN))
		return 0;
	return ns <= LONGEST_NS ? ns : 0;
}

void trigger_window_note(struct trigger_window *window, uint64_t at_ns, const char *text)
{
	bool over = false;
	uint64_t ns = read_probe_note(text, &over);

	if (!ns || ns >= at_ns || !window->about_ns || (window->since_said && !window->noted))
		return;
	if (at_ns - ns >= window->trigger_ns || (over && at_ns < window->about_ns))
		return;
	window->noted = window->since_said = window->proves = true;
	window->failed_at_once = false;
	window->since_ns = at_ns - ns;
	window->until_ns = over && at_ns < window->trigger_ns ? at_ns : window->trigger_ns;
	window->about_ns = window->since_ns > EARLIER_NS ? window->since_ns - EARLIER_NS : 1;
}

struct trigger_window trigger_window_read(const struct ft_facts *facts)
{
	const char *source = ft_facts_get(facts, FT_FACT_TRIGGER_SOURCE);
	const char *reason = ft_facts_get(facts, FT_FACT_TRIGGER_REASON);
	int64_t until_ns = ft_facts_number(facts, FT_FACT_TRIGGER_NS, 0);
	struct trigger_window window = { .proves = false };
	uint64_t length_ns;

	if (!source || !reason || !*reason || until_ns <= 0)
		return window;
	window.probed = has_prefix(source, "probe-");
	window.failed_at_once = window.probed && strstr(reason, "failing for ");
	window.proves = !window.failed_at_once && (window.probed || !strcmp(source, "socket"));
	length_ns = find_duration(reason);
	window.since_said = length_ns >= LEAST_NS && length_ns <= LONGEST_NS;
	uint64_t about_ns = window.since_said ? length_ns + EARLIER_NS : NOTICED_NS;
	window.about_ns = (uint64_t)until_ns > about_ns ? (uint64_t)until_ns - about_ns : 1;
	if (!strcmp(source, "capture"))
		window.about_ns = 0;
	if (!window.since_said)
		length_ns = LEAST_NS;
	window.trigger_ns = window.until_ns = (uint64_t)until_ns;
	window.since_ns = window.until_ns > length_ns ? window.until_ns - length_ns : 0;
	return window;
}
