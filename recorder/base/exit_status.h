/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exit statuses of the recorder's commands.
 */
#ifndef RECORDER_BASE_EXIT_STATUS_H
#define RECORDER_BASE_EXIT_STATUS_H

enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_PERMITTED = 3,
};

#endif
