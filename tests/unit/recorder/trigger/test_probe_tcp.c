/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "recorder/trigger/probe_tcp.h"
#include "tests/unit/support/unit_test.h"

static void target_takes_hosts_ports_and_text(void **state)
{
	static const struct {
		const char *what, *host, *port, *send;
		size_t send_bytes;
		bool is_ipv6;
	} CASES[] = {
		{ "127.0.0.1:6379", "127.0.0.1", "6379", "", 0, false },
		{ "db-1.example:1", "db-1.example", "1", "", 0, false },
		{ "[::1]:65535", "::1", "65535", "", 0, true },
		{ "[fe80::1%lo]:80", "fe80::1%lo", "80", "", 0, true },
		{ "h:5,send=PING\\r\\n", "h", "5", "PING\r\n", 6, false },
		{ "h:5,send=a,b:c=[d]", "h", "5", "a,b:c=[d]", 9, false },
		{ "h:5,send=\\x00\\xfF\\\\n", "h", "5", "\0\xff\\n", 4, false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct probe_tcp_target target;
		const char *problem = NULL;
		assert_int_equal(probe_tcp_parse(CASES[i].what, &target, &problem), 0);
		assert_null(problem);
		assert_string_equal(target.host, CASES[i].host);
		assert_string_equal(target.port, CASES[i].port);
		assert_int_equal(target.is_ipv6, CASES[i].is_ipv6);
		assert_int_equal(target.send_bytes, CASES[i].send_bytes);
		assert_memory_equal(target.send, CASES[i].send, CASES[i].send_bytes);
	}
}

static void target_refuses_what_is_none_says_why_and_leaves_the_output(void **state)
{
	static const struct {
		const char *what, *word; /* of the problem */
	} CASES[] = {
		{ "", "HOST:PORT" },
		{ ":80", "HOST:PORT" },
		{ "host", "HOST:PORT" },
		{ "host,send=x", "HOST:PORT" },
		{ "[::1", "HOST:PORT" },
		{ "[]:80", "HOST:PORT" },
		{ "[::1]80", "HOST:PORT" },
		{ "::1", "HOST:PORT" },
		{ "fe80:1:80", "brackets" },
		{ "host:", "port" },
		{ "host:0", "port" },
		{ "host:65536", "port" },
		{ "host:000080", "port" },
		{ "host:http", "port" },
		{ "host:80 ", "send=" },
		{ "host:80,", "send=" },
		{ "host:80,expect=x", "send=" },
		{ "host:80,send=", "no text" },
		{ "host:80,send=\\", "backslash" },
		{ "host:80,send=\\t", "backslash" },
		{ "host:80,send=\\x", "backslash" },
		{ "host:80,send=\\x1", "backslash" },
		{ "host:80,send=\\x1g", "backslash" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct probe_tcp_target target = { .port = "same" };
		const char *problem = NULL;
		assert_int_equal(probe_tcp_parse(CASES[i].what, &target, &problem), -EINVAL);
		if (!problem || !strstr(problem, CASES[i].word))
			fail_msg("%s: %s", CASES[i].what, problem ? problem : "no problem");
		assert_string_equal(target.port, "same");
	}
}

static void target_bounds_host_and_text(void **state)
{
	char what[3 * PROBE_TCP_SEND_BYTES];
	struct probe_tcp_target target;
	const char *problem;

	(void)state;
	memset(what, 'h', sizeof(what));
	strcpy(what + PROBE_TCP_HOST_BYTES - 1, ":80");
	assert_int_equal(probe_tcp_parse(what, &target, &problem), 0);
	assert_int_equal(strlen(target.host), PROBE_TCP_HOST_BYTES - 1);
	memset(what, 'h', sizeof(what));
	strcpy(what + PROBE_TCP_HOST_BYTES, ":80");
	assert_int_equal(probe_tcp_parse(what, &target, &problem), -EINVAL);

	memset(what, 's', sizeof(what));
	memcpy(what, "h:80,send=", 10);
	what[10 + PROBE_TCP_SEND_BYTES] = '\0';
	assert_int_equal(probe_tcp_parse(what, &target, &problem), 0);
	assert_int_equal(target.send_bytes, PROBE_TCP_SEND_BYTES);
	strcpy(what + 10 + PROBE_TCP_SEND_BYTES, "s");
	assert_int_equal(probe_tcp_parse(what, &target, &problem), -EINVAL);
}

UNIT_TESTS(probe_tcp)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(target_takes_hosts_ports_and_text),
		cmocka_unit_test(target_refuses_what_is_none_says_why_and_leaves_the_output),
		cmocka_unit_test(target_bounds_host_and_text),
	};
	return run_unit_tests(tests, NULL, NULL);
}
