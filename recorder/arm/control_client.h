/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The asking side of the control socket: where the socket is, how a question is asked,
 * and what a command says when the armed recorder cannot be asked.
 */
#ifndef RECORDER_ARM_CONTROL_CLIENT_H
#define RECORDER_ARM_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

/* The socket an armed recorder uses where no --control is given: in the first of /run/freezetrap,
 * $XDG_RUNTIME_DIR/freezetrap, /dev/shm/freezetrap-UID that can be made. */
int control_default_path(char *ret_path, size_t path_bytes);

/* The default paths in their order, the first is 0. Return: false past the last one. */
bool control_candidate(size_t index, char *ret_path, size_t path_bytes);

/**
 * control_ask() - for the commands trigger and status.
 *
 * @path: NULL for the first default path where a recorder is armed.
 * @request: one line of JSON. @ret_answer: malloc'ed line.
 *
 * Return: 0, -ENOENT or -ECONNREFUSED (nobody is armed), -EACCES, -ETIMEDOUT, -EPROTO (not an answer),
 * or another errno.
 */
int control_ask(const char *path, const char *request, int timeout_ms, char **ret_answer);

/* Say why control_ask() failed with @error. @path: NULL where none was given. Return: the exit status. */
int control_error(const char *path, int error);

#endif
