/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorder's messages to people. Each is one write to standard error, so that messages of
 * threads do not mix.
 */
#ifndef RECORDER_BASE_MESSAGE_H
#define RECORDER_BASE_MESSAGE_H

/* "recorder: " and the text; names in it are made safe for terminals. */
void message_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One line on what an armed recorder did. */
void message_event(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "recording " and the text, which scripts wait for. On a terminal progress says it instead. */
void message_recording(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Progress, only where standard error is a terminal. Each call redraws the line. */
void message_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
void message_progress_end(void);

#endif
