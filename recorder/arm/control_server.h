/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket of an armed recorder: trigger and status, for the same
 * user or root. One line of JSON each way.
 */
#ifndef RECORDER_ARM_CONTROL_SERVER_H
#define RECORDER_ARM_CONTROL_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a client of another user is told. */
#define CONTROL_NOT_PERMITTED "{\"error\":\"not permitted\"}"

struct control;

/* A question that came in. */
struct control_request {
	enum { CONTROL_TRIGGER, CONTROL_STATUS } what;
	bool wait;		/* CONTROL_TRIGGER: answer when the capture is whole */
	char reason[256];	/* CONTROL_TRIGGER: one line, never empty */
	int32_t pid;		/* of the one who asks (SO_PEERCRED) */
	int client;		/* for control_answer() */
};

/**
 * control_listen() - make the socket (mode 0600), and its directory (0700) where that is missing.
 *
 * @path: replaced if it is a socket that nobody listens on.
 *
 * Return: 0, -EADDRINUSE (another recorder is armed there), -EEXIST (something else is there),
 * -ENAMETOOLONG (107 bytes at most), or another errno.
 */
int control_listen(const char *path, struct control **ret_control);

/* The process that listens at @path; 0: nobody does, or it cannot be known. */
int32_t control_holder(const char *path);

void control_close(struct control *control);	/* and unlink */

/* For poll(): readable while control_take() has something to do, which includes dropping clients. */
int control_fd(const struct control *control);

/**
 * control_take() - the next whole question. Never blocks: clients that are slow (2 s), silent or rude
 * (4 KiB) are dropped, and those of other users turned away.
 *
 * A client that waits may be gone when its answer comes: control_answer() then does nothing.
 *
 * Return: 1 a request, 0 none now.
 */
int control_take(struct control *control, struct control_request *ret_request);

/* @json: one line without newline; the client is gone afterwards. Never blocks. */
void control_answer(struct control *control, int client, const char *json);

/* Answers to CONTROL_TRIGGER. @file: of the whole capture; NULL for who does not wait. */
void control_answer_trigger(struct control *control, int client, uint64_t number, const char *file);
void control_answer_error(struct control *control, int client, const char *text);

#endif
