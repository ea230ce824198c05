/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* The Internet checksum (RFC 1071) and its incremental update (RFC 1624). */
#pragma once
#include "types.h"

OH_INLINE __u16 csum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* The checksum after one 16-bit word of what it covers changed. All in network order. */
OH_INLINE __u16 csum_replace(__u16 csum, __u16 before, __u16 after)
{
	return csum_fold((__u32)(__u16)~csum + (__u16)~before + after);
}

/* Of a header of 20 bytes whose checksum field is 0. */
OH_INLINE __u16 csum_of_20(const void *header)
{
	const __u16 *word = header;
	__u32 sum = 0;

#pragma unroll
	for (int i = 0; i < 10; i++)
		sum += word[i];
	return csum_fold(sum);
}
