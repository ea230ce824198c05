/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Token buckets of questions on misses, for each VPC and each port. Not read by the agent. */
#pragma once
#include "../lib/types.h"
#include "limits.h"
#include "vpc_rules.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_key);
	__type(value, struct bucket);
} vpc_asks_v1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, OH_MAX_SLOTS);
	__type(key, oh_slot);
	__type(value, struct bucket);
} port_asks_v1 SEC(".maps");

OH_INLINE int vpc_may_ask(oh_vni vpc, __u32 rate, __u32 burst)
{
	struct vpc_key key = { .vpc = vpc };
	struct bucket *bucket = bpf_map_lookup_elem(&vpc_asks_v1, &key);

	if (!bucket) {
		struct bucket empty = {};
		bpf_map_update_elem(&vpc_asks_v1, &key, &empty, BPF_NOEXIST);
		bucket = bpf_map_lookup_elem(&vpc_asks_v1, &key);
	}
	return !rate || !bucket || bucket_take(bucket, rate, burst);
}

OH_INLINE int port_may_ask(oh_slot slot, __u32 rate, __u32 burst)
{
	struct bucket *bucket = bpf_map_lookup_elem(&port_asks_v1, &slot);

	return !rate || !bucket || bucket_take(bucket, rate, burst);
}
