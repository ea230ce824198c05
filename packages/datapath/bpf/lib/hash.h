/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Flow hash for the outer source port: the same for all packets of a flow, well spread over flows. */
#pragma once
#include "types.h"

/* One round of a multiply and shift mixer; any odd constants with well spread bits do. */
OH_INLINE __u64 hash_mix(__u64 h, __u64 value)
{
	h ^= value;
	h *= 0x9e3779b97f4a7c15ULL;
	return h ^ (h >> 32);
}

OH_INLINE __u32 hash_flow(oh_ip4 src, oh_ip4 dst, __u32 ports, __u8 protocol)
{
	__u64 h = hash_mix(protocol, (__u64)src << 32 | dst);

	return hash_mix(hash_mix(h, ports), h >> 7);
}
