/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the headers of a capture and of a ring file have in common: magic,
 * version, their own length, feature bits, and a checksum in the last 4 bytes.
 */
#ifndef FT_CAPTURE_HEADER_H
#define FT_CAPTURE_HEADER_H

#include <stddef.h>
#include <stdint.h>

/* A sort of file, as this version knows it. */
struct ft_header_sort {
	const char *magic;	/* 8 bytes */
	uint32_t version;
	uint32_t bytes;		/* least length */
	uint64_t incompatible;	/* feature bits: all are set in a header that is made */
};

extern const struct ft_header_sort ft_capture_header;

/**
 * ft_header_check() - is this a header that this version can read on from?
 *
 * @buf:                 the file's first @buf_bytes, up to FT_FILE_HEADER_BYTES_MAX of them.
 * @ret_missing_feature: on -EOPNOTSUPP the lowest incompatible feature bit that this version does
 *                       not know, -1 where it does not know the version; may be NULL.
 * @ret_bytes:           length of the header; written only on success.
 *
 * Return: 0, -ENOMSG (another magic), -ENODATA (@buf ends inside the header), -EBADMSG (damage),
 * -EOPNOTSUPP.
 */
int ft_header_check(const struct ft_header_sort *sort, const void *buf, size_t buf_bytes,
		    int *ret_missing_feature, uint32_t *ret_bytes);

/* Write what @sort says, and the checksum, around the fields at @buf + 32 up to sort->bytes - 4. */
void ft_header_make(const struct ft_header_sort *sort, void *buf);

#endif
