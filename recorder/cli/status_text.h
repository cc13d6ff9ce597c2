/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints freezetrap.status/1 for people.
 */
#ifndef RECORDER_CLI_STATUS_TEXT_H
#define RECORDER_CLI_STATUS_TEXT_H

#include <jansson.h>
#include <stdio.h>

/* @status is not trusted: missing members are left out or 0, and control characters never reach
 * @stream. */
void status_text(const json_t *status, FILE *stream);

#endif
