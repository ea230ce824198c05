/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * What a host has of a VPC, as one number: another where any of its claims is. Who was taught under it, and hears it
 * again, knows without a question that the claim still stands.
 */
#pragma once
#include "../lib/types.h"
#include "vpc_rules.h"

struct roster {
	__u32 number;		/* of this host; never 0 */
};

/* Written by the agent: taken away before ports go, and there again when all is as it says. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_key);
	__type(value, struct roster);
} rosters_v1 SEC(".maps");

struct vouched_key {
	oh_vni vpc;
	oh_host host;
};

/* What another host said last, asked straight. */
struct vouched {
	oh_ns asked;		/* when that question went out; the kernel's monotonic clock */
	oh_ns again;		/* when one went out that is to bring the next word */
	__u32 roster;
	__u32 pad;
};

/* Written by the programs. What was evicted is asked about entry by entry. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct vouched_key);
	__type(value, struct vouched);
} vouched_v1 SEC(".maps");

/* 0: it vouches for nothing. */
OH_INLINE __u32 roster_of(oh_vni vpc)
{
	struct vpc_key key = { .vpc = vpc };
	const struct roster *roster = bpf_map_lookup_elem(&rosters_v1, &key);

	return roster ? roster->number : 0;
}

OH_INLINE struct vouched *vouched_lookup(oh_vni vpc, oh_host host)
{
	struct vouched_key key = { .vpc = vpc, .host = host };

	return bpf_map_lookup_elem(&vouched_v1, &key);
}
