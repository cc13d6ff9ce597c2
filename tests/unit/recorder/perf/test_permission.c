/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "recorder/perf/permission.h"
#include "tests/unit/support/unit_test.h"

static const char *names_text(const struct permission *permission, int error)
{
	static char text[512];

	permission_explain_names(permission, error, text, sizeof(text));
	return text;
}

static void hidden_names_are_explained_by_what_hides_them(void **state)
{
	(void)state;
	assert_non_null(strstr(names_text(&(struct permission){ .kptr_restrict = 2, .syslog = true },
					  -EACCES),
			       "sysctl kernel.kptr_restrict=1"));
	assert_null(strstr(names_text(&(struct permission){ .kptr_restrict = 2, .syslog = true },
				      -EACCES),
			   "lacks"));
	assert_non_null(strstr(names_text(&(struct permission){ .kptr_restrict = 2 }, -EACCES),
			       "lacks CAP_SYSLOG"));
	assert_non_null(strstr(names_text(&(struct permission){ .kptr_restrict = 1 }, -EACCES),
			       "lacks CAP_SYSLOG"));
	assert_non_null(strstr(names_text(&(struct permission){ .syslog = true }, -EACCES),
			       "run on the host"));
	assert_non_null(strstr(names_text(&(struct permission){ .syslog = true,
								.user_namespace = true },
					  -EACCES),
			       "user namespace"));
	assert_string_equal(names_text(&(struct permission){ .syslog = true }, -ENOENT),
			    "/proc/kallsyms: No such file or directory.");
}

UNIT_TESTS(permission)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hidden_names_are_explained_by_what_hides_them),
	};

	return run_unit_tests(tests, NULL, NULL);
}
