/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* A token bucket for each port and class: one port's flood costs no other port anything. */
#pragma once
#include "../lib/types.h"
#include "../pipeline.h"
#include "endpoints.h"

struct class_limit {
	__u32 rate;		/* packets a second; 0: no limit */
	__u32 burst;		/* packets */
};

/* By class; the agent may change it while packets flow. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, OH_CLASS_MAX);
	__type(key, __u32);
	__type(value, struct class_limit);
} class_limits_v1 SEC(".maps");

struct bucket {
	struct bpf_spin_lock lock;
	__u32 tokens;
	oh_ns stamp;		/* of the last refill; 0: never used */
};

/* Index: slot * OH_CLASS_MAX + class. Not read by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, OH_MAX_SLOTS * OH_CLASS_MAX);
	__type(key, __u32);
	__type(value, struct bucket);
} buckets_v1 SEC(".maps");

#define OH_SECOND 1000000000ULL

/* Takes a token; 0 where there is none. A bucket gains from at most four seconds at a time. */
OH_INLINE int bucket_take(struct bucket *bucket, __u64 rate, __u64 burst)
{
	oh_ns now = bpf_ktime_get_coarse_ns(), gap;
	__u64 gain;
	int admitted;

	bpf_spin_lock(&bucket->lock);
	/* The clock was read before the lock was had: another processor may have stamped later. */
	gap = bucket->stamp < now ? now - bucket->stamp : 0;
	if (!bucket->stamp) {
		bucket->tokens = burst;
		bucket->stamp = now;
	} else if (gap > 4 * OH_SECOND) {
		gain = bucket->tokens + 4 * rate;
		bucket->tokens = gain < burst ? gain : burst;
		bucket->stamp = now;
	} else {
		gain = gap * rate / OH_SECOND;
		bucket->stamp += gain * OH_SECOND / rate;
		gain += bucket->tokens;
		bucket->tokens = gain < burst ? gain : burst;
	}
	admitted = bucket->tokens > 0;
	bucket->tokens -= admitted;
	bpf_spin_unlock(&bucket->lock);
	return admitted;
}

OH_INLINE int limit_admits(oh_slot slot, __u32 class)
{
	const struct class_limit *limit = bpf_map_lookup_elem(&class_limits_v1, &class);
	__u32 index = slot * OH_CLASS_MAX + class;

	if (!limit || !limit->rate)
		return 1;
	struct bucket *bucket = bpf_map_lookup_elem(&buckets_v1, &index);
	return !bucket || bucket_take(bucket, limit->rate, limit->burst);
}
