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
	__u64 stamp;		/* jiffies of the last refill */
};

/* Index: slot * OH_CLASS_MAX + class. Not read by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, OH_MAX_SLOTS * OH_CLASS_MAX);
	__type(key, __u32);
	__type(value, struct bucket);
} buckets_v1 SEC(".maps");
