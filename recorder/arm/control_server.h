/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server of the control socket of an armed recorder. Root and the user that it runs as may send
 * one line of JSON, trigger or status, and get one line of JSON.
 */
#ifndef RECORDER_ARM_CONTROL_SERVER_H
#define RECORDER_ARM_CONTROL_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Answer to a client of another user. */
#define CONTROL_NOT_PERMITTED "{\"error\":\"not permitted\"}"

struct control;

/* A request of a client. */
struct control_request {
	enum { CONTROL_TRIGGER, CONTROL_STATUS } what;
	bool wait;		/* CONTROL_TRIGGER: answer when the capture is whole */
	char reason[256];	/* CONTROL_TRIGGER: one line, never empty */
	int32_t pid;		/* of the client (SO_PEERCRED) */
	int client;		/* for control_answer() */
};

/**
 * control_listen() - make the socket (mode 0600), and its directory (0700) if that is missing.
 *
 * @path: replaced if it is a socket that nobody listens on.
 *
 * Return: 0, -EADDRINUSE (another recorder is armed there), -EEXIST (something else is there),
 * -ENAMETOOLONG (107 bytes at most), or another errno.
 */
int control_listen(const char *path, struct control **ret_control);

/* Return: the process that listens at @path; 0: none, or unknown. */
int32_t control_holder(const char *path);

void control_close(struct control *control);	/* unlinks the socket too */

/* For poll(): readable while control_take() has something to do, which includes dropping clients. */
int control_fd(const struct control *control);

/**
 * control_take() - take the next complete request. Never blocks.
 *
 * A client is dropped if its request is not complete after 2 s or exceeds 4 KiB. Clients of other
 * users are turned away. A client that waits may be gone when its answer comes: control_answer()
 * then does nothing.
 *
 * Return: 1 if there is a request, 0 if there is none now.
 */
int control_take(struct control *control, struct control_request *ret_request);

/* Send @json, one line without newline, and drop the client. Never blocks. */
void control_answer(struct control *control, int client, const char *json);

/* Answers to CONTROL_TRIGGER. @file: of the finished capture; NULL for a client that does not
 * wait. */
void control_answer_trigger(struct control *control, int client, uint64_t number, const char *file);
void control_answer_error(struct control *control, int client, const char *text);

#endif
