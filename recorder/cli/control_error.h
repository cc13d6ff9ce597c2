/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands trigger and status say when the armed recorder cannot be asked.
 */
#ifndef RECORDER_CLI_CONTROL_ERROR_H
#define RECORDER_CLI_CONTROL_ERROR_H

/* @path: NULL where none was given. @err: of control_ask(). Return: the exit status. */
int control_error(const char *path, int err);

#endif
