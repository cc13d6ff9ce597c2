/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket of an armed recorder: trigger and status, for the same
 * user or root. One line of JSON each way.
 */
#ifndef RECORDER_CONTROL_H
#define RECORDER_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct control;

/* A question that came in. */
struct control_request {
	enum { CONTROL_TRIGGER, CONTROL_STATUS } what;
	bool wait;		/* CONTROL_TRIGGER: answer when the capture is whole */
	char reason[256];
	int32_t pid;		/* of the one who asks (SO_PEERCRED) */
	int client;		/* for control_answer() */
};

/**
 * control_listen() - make the socket (mode 0600).
 *
 * @path: replaced if it is a socket that nobody listens on.
 *
 * Return: 0, -EADDRINUSE (another recorder is armed there), or errno.
 */
int control_listen(const char *path, struct control **ret_control);
void control_close(struct control *control);	/* and unlink */

/* For poll(). */
int control_fd(const struct control *control);

/**
 * control_take() - the next whole question. Never blocks: clients that are slow, silent or rude are
 * dropped after a while.
 *
 * Return: 1 a request, 0 none now.
 */
int control_take(struct control *control, struct control_request *ret_request);

/* @json: one line without newline; the client is gone afterwards. Never blocks. */
void control_answer(struct control *control, int client, const char *json);

/* The socket an armed recorder uses where no --control is given: in the first of /run/freezetrap,
 * $XDG_RUNTIME_DIR/freezetrap, /dev/shm/freezetrap-UID that can be made. */
int control_default_path(char *ret_path, size_t path_bytes);

/**
 * control_ask() - for the commands trigger and status.
 *
 * @request: one line of JSON. @ret_answer: malloc'ed line.
 *
 * Return: 0, -ENOENT or -ECONNREFUSED (nobody is armed), -EACCES, -ETIMEDOUT, or another errno.
 */
int control_ask(const char *path, const char *request, int timeout_ms, char **ret_answer);

#endif
