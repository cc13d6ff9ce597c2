/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client of the control socket: where the socket is, how a request is sent, and the message if
 * that fails.
 */
#ifndef RECORDER_ARM_CONTROL_CLIENT_H
#define RECORDER_ARM_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

/* Path of the socket without --control, for the armed recorder: in the first directory of
 * /run/freezetrap, $XDG_RUNTIME_DIR/freezetrap and /dev/shm/freezetrap-UID that exists or can be
 * made. Return: 0 or -errno. */
int control_default_path(char *ret_path, size_t path_bytes);

/* The default paths in their order, the first is 0. Return: false past the last one. */
bool control_candidate(size_t index, char *ret_path, size_t path_bytes);

/**
 * control_ask() - send a request to the armed recorder, wait for the answer.
 *
 * @path:       NULL for the first default path where a recorder is armed.
 * @request:    one line of JSON.
 * @ret_answer: malloc'ed line.
 *
 * Return: 0, -ENOENT or -ECONNREFUSED (nobody is armed), -EACCES, -ETIMEDOUT, -EPROTO (not an
 * answer), or another errno.
 */
int control_ask(const char *path, const char *request, int timeout_ms, char **ret_answer);

/* Print why control_ask() failed with @error. @path: as given to it. Return: the exit status. */
int control_error(const char *path, int error);

#endif
