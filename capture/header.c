/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers of files: made, and checked.
 */
#include "capture/header.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "capture/bytes.h"
#include "capture/format.h"

enum {
	AT_VERSION = 8,
	AT_HEADER_BYTES = 12,
	AT_INCOMPATIBLE = 16,
	AT_COMPATIBLE = 24,
	CHECKSUM_BYTES = 4,
};

const struct ft_header_sort ft_capture_header = {
	.magic = FT_FILE_MAGIC,
	.version = FT_FILE_VERSION,
	.bytes = FT_FILE_HEADER_BYTES,
	.incompatible = FT_FEATURES_INCOMPATIBLE,
};

int ft_header_check(const struct ft_header_sort *sort, const void *buf, size_t buf_bytes,
		    int *ret_missing_feature, uint32_t *ret_bytes)
{
	size_t magic_bytes = buf_bytes < FT_FILE_MAGIC_BYTES ? buf_bytes : FT_FILE_MAGIC_BYTES;
	const uint8_t *header = buf;
	uint64_t unknown_features;
	uint32_t bytes;

	if (memcmp(header, sort->magic, magic_bytes) != 0)
		return -ENOMSG;
	if (buf_bytes < sort->bytes)
		return -ENODATA;
	bytes = ft_get_le32(header + AT_HEADER_BYTES);
	if (bytes < sort->bytes || bytes > FT_FILE_HEADER_BYTES_MAX || bytes % 8 != 0)
		return -EBADMSG;
	if (buf_bytes < bytes)
		return -ENODATA;
	if (crc32(0, header, bytes - CHECKSUM_BYTES) !=
	    ft_get_le32(header + bytes - CHECKSUM_BYTES))
		return -EBADMSG;

	unknown_features = ft_get_le64(header + AT_INCOMPATIBLE) & ~sort->incompatible;
	if (unknown_features || ft_get_le32(header + AT_VERSION) != sort->version) {
		if (ret_missing_feature)
			*ret_missing_feature =
				unknown_features ? __builtin_ctzll(unknown_features) : -1;
		return -EOPNOTSUPP;
	}
	*ret_bytes = bytes;
	return 0;
}

void ft_header_make(const struct ft_header_sort *sort, void *buf)
{
	uint8_t *header = buf;

	memcpy(header, sort->magic, FT_FILE_MAGIC_BYTES);
	ft_put_le32(header + AT_VERSION, sort->version);
	ft_put_le32(header + AT_HEADER_BYTES, sort->bytes);
	ft_put_le64(header + AT_INCOMPATIBLE, sort->incompatible);
	ft_put_le64(header + AT_COMPATIBLE, 0);
	ft_put_le32(header + sort->bytes - CHECKSUM_BYTES,
		    (uint32_t)crc32(0, header, sort->bytes - CHECKSUM_BYTES));
}
