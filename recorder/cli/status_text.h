/* SPDX-License-Identifier: Apache-2.0 */
/*
 * freezetrap.status/1, drawn for people.
 */
#ifndef RECORDER_CLI_STATUS_TEXT_H
#define RECORDER_CLI_STATUS_TEXT_H

#include <jansson.h>
#include <stdio.h>

/* @status: of any origin; what is missing in it is left out or 0. Control characters never reach @stream. */
void status_text(const json_t *status, FILE *stream);

#endif
