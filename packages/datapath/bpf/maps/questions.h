/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Questions without an answer yet, and answers "unknown". Small maps of their own: a scan evicts nothing that is used. */
#pragma once
#include "../lib/types.h"
#include "destinations.h"

#define OH_QUOTE 28		/* bytes of a guest's packet that an ICMP error needs: IPv4 header and eight more */

struct question {
	__u64 nonce;
	oh_ns first;		/* when this nonce was first sent */
	oh_ns last;
	oh_host asked;		/* a hub, or straight the host of the learned entry */
	oh_slot slot;		/* of the guest whose packet it was */
	__u8 quote[OH_QUOTE];	/* of that packet */
	__u32 straight;		/* 1: not by a hub */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct destination_key);
	__type(value, struct question);
} questions_v1 SEC(".maps");

/* A hub said that the VPC has no such address. */
struct unknown {
	oh_ns until;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct destination_key);
	__type(value, struct unknown);
} unknowns_v1 SEC(".maps");

OH_INLINE int is_unknown(oh_vni vpc, oh_addr address)
{
	struct destination_key key = { .vpc = vpc, .address = address };
	const struct unknown *u = bpf_map_lookup_elem(&unknowns_v1, &key);

	return u && bpf_ktime_get_coarse_ns() < u->until;
}
