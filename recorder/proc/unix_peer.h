/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other end of a unix socket of this network namespace, as sock_diag tells it.
 */
#ifndef RECORDER_PROC_UNIX_PEER_H
#define RECORDER_PROC_UNIX_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * unix_peer_find() - @inode is the socket's, as in its link.
 *
 * @ret_peer: inode of the other end, 0 where it has none, as one that listens.
 * @ret_name: path of its own, "" where it has none.
 *
 * Return: false where it is no unix socket.
 */
bool unix_peer_find(uint64_t inode, uint64_t *ret_peer, char *ret_name, size_t name_bytes);

#endif
