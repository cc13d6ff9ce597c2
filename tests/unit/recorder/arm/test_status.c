/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/arm/status.h"
#include "tests/unit/support/unit_test.h"

static void arm_status_names_every_member(void **state)
{
	struct status status = {
		.pid = 1,
		.tier = "tracepoint",
		.target = "whole host",
		.target_missing = "nobody",
		.armed_since_ns = 1770116673999999999,
		.uptime_ns = 2,
		.history_ns = 3,
		.ring = { .path = "/r", .bytes = 4, .slots = 5, .fill_percent = 6.25, .kept = { "/k" }, .kept_count = 1 },
		.events = 7,
		.events_per_s = 8.123,
		.lost = 9,
		.recorder = { .cpu_ns = 10,
			      .cpu_share_percent = 0.11,
			      .delay_max_ns = 12,
			      .rss_bytes = 13 },
		.governor = { .step = "lazy", .since_ns = 14, .steps_taken = 15 },
		.stacks = { .kept = 28, .watched = 29 },
		.triggers = { .seen = 16, .captured = 17, .suppressed = 18, .joined = 26, .failed = 27 },
		.last_failure = { .file = "f", .reason = "r", .error = "e", .at_ns = 0 },
		.capturing = { .file = "c", .reason = "why", .since_ns = 19 },
		.captures = { { .file = "a", .reason = "b", .bytes = 20, .at_ns = 0 } },
		.capture_count = 1,
		.probes = { { .what = "p",
			      .asked = 21,
			      .answered = 25,
			      .last_why = "w",
			      .failed = 22,
			      .fired = 23,
			      .last_ns = 24,
			      .stuck = true } },
		.probe_count = 1,
	};
	char *line = status_to_json(&status);

	assert_string_equal(
		line, "{\"schema\":\"freezetrap.status/1\",\"version\":\"" PACKAGE_VERSION
		      "\",\"pid\":1,\"tier\":\"tracepoint\",\"target\":\"whole host\",\"target_missing\":\"nobody\","
		      "\"armed_since\":\"2026-02-03T11:04:33Z\",\"uptime_ns\":2,\"history_ns\":3,"
		      "\"ring\":{\"path\":\"/r\",\"bytes\":4,\"slots\":5,\"fill_percent\":6.25,\"kept\":[\"/k\"]},"
		      "\"events\":7,\"events_per_s\":8.12,\"lost\":9,"
		      "\"recorder\":{\"cpu_ns\":10,\"cpu_share_percent\":0.11,\"delay_max_ns\":12,"
		      "\"rss_bytes\":13},"
		      "\"governor\":{\"step\":\"lazy\",\"since_ns\":14,\"steps_taken\":15},"
		      "\"stacks\":{\"period\":17,\"kept\":28,\"watched\":29},"
		      "\"triggers\":{\"seen\":16,\"captured\":17,\"suppressed\":18,\"joined\":26,\"failed\":27},"
		      "\"last_failure\":{\"file\":\"f\",\"reason\":\"r\",\"error\":\"e\","
		      "\"at\":\"1970-01-01T00:00:00Z\"},"
		      "\"capturing\":{\"file\":\"c\",\"reason\":\"why\",\"since_ns\":19},"
		      "\"captures\":[{\"file\":\"a\",\"reason\":\"b\",\"bytes\":20,"
		      "\"at\":\"1970-01-01T00:00:00Z\"}],"
		      "\"probes\":[{\"what\":\"p\",\"asked\":21,\"answered\":25,\"failed\":22,\"last_failure\":\"w\",\"fired\":23,\"last_"
		      "ns\":24,"
		      "\"stuck\":true}]}");
	free(line);
	(void)state;
}

static void arm_status_says_null_for_what_is_not_there(void **state)
{
	struct status status = { .pid = 1 };
	char *line = status_to_json(&status);
	json_t *object = json_loads(line, 0, NULL);

	assert_true(json_is_null(json_object_get(object, "capturing")));
	assert_true(json_is_null(json_object_get(object, "tier")));
	assert_int_equal(json_array_size(json_object_get(object, "captures")), 0);
	assert_true(json_is_array(json_object_get(object, "probes")));
	json_decref(object);
	free(line);
	(void)state;
}

static void arm_status_is_one_line_of_json_whatever_is_in_it(void **state)
{
	struct status status = {
		.tier = "line\nend\x1b",
		.target = "no \xff UTF-8 \xc3\xa4",
		.events = UINT64_MAX,
		.armed_since_ns = INT64_MAX,
		.events_per_s = NAN,
		.recorder = { .cpu_share_percent = INFINITY },
		.ring = { .fill_percent = -1 },
		.capture_count = 1000,
		.probe_count = 1000,
	};
	char *line = status_to_json(&status);
	json_t *object = json_loads(line, 0, NULL);

	assert_null(strchr(line, '\n'));
	assert_string_equal(json_string_value(json_object_get(object, "tier")), "line\nend\x1b");
	assert_string_equal(json_string_value(json_object_get(object, "target")), "no ? UTF-8 ??");
	assert_true(json_integer_value(json_object_get(object, "events")) == INT64_MAX);
	assert_true(json_real_value(json_object_get(object, "events_per_s")) == 0);
	assert_int_equal(json_array_size(json_object_get(object, "captures")),
			 STATUS_CAPTURES_MAX);
	assert_int_equal(json_array_size(json_object_get(object, "probes")), STATUS_PROBES_MAX);
	json_decref(object);
	free(line);
	(void)state;
}

UNIT_TESTS(status)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arm_status_names_every_member),
		cmocka_unit_test(arm_status_says_null_for_what_is_not_there),
		cmocka_unit_test(arm_status_is_one_line_of_json_whatever_is_in_it),
	};
	return run_unit_tests(tests, NULL, NULL);
}
