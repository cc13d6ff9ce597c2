/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/cli/control_error.h"

#include <errno.h>
#include <string.h>

#include "recorder/base/exit_status.h"
#include "recorder/base/message.h"

int control_error(const char *path, int err)
{
	const char *colon = path ? ": " : "";

	if (!path)
		path = "";
	switch (err) {
	case -ENOENT:
	case -ECONNREFUSED:
		message_error("%s%sno recorder is armed: start it with recorder arm, "
			      "see recorder arm --help.\n"
			      "  If one is armed with --control PATH, give the same here.",
			      path, colon);
		return EXIT_FAILED;
	case -EACCES:
	case -EPERM:
		message_error("%s%snot permitted to ask, if a recorder is armed at all.\n"
			      "  It answers root and the user that it runs as.",
			      path, colon);
		return EXIT_NOT_PERMITTED;
	case -ETIMEDOUT:
		message_error("%s%sthe armed recorder did not answer in time.\n"
			      "  Whether it is alive: recorder status. More time: recorder trigger "
			      "--timeout.",
			      path, colon);
		return EXIT_FAILED;
	case -ECONNRESET:
	case -EPIPE:
		message_error("%s%sthe armed recorder ended before it answered.\n"
			      "  What it had recorded is in its ring file, which analyze reads.",
			      path, colon);
		return EXIT_FAILED;
	default:
		message_error("%s%scannot ask the armed recorder: %s.", path, colon,
			      strerror(-err));
		return EXIT_FAILED;
	}
}
