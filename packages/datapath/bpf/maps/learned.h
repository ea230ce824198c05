/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Far addresses that guests here spoke to: which host said "mine". Written by the programs; the agent reads it, deletes
 * from it, and never updates an entry, since a program may be writing it.
 */
#pragma once
#include "../lib/types.h"
#include "destinations.h"
#include "vpc_rules.h"

/* Which binding of an address: compared by epoch, then revision, then sequence. */
struct claim {
	__u64 revision;		/* of the store, when the port was bound */
	__u32 epoch;		/* of the store */
	__u32 sequence;		/* for addresses that guests claim themselves; 0 */
};

struct learned {
	oh_host host;		/* the teacher */
	__u32 roster;		/* its roster when it last answered about this, straight; 0: it gave none */
	oh_ns used;		/* by a packet; clocks are the kernel's monotonic one */
	oh_ns asked;		/* its host, straight, about this or for its roster */
	__u64 packets;		/* sent by this entry */
	oh_ns taught;		/* the last answer; of one for the roster, when it was asked for */
	oh_ns since;		/* the first answer of this host */
	struct claim claim;
	oh_uuid port;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct destination_key);
	__type(value, struct learned);
} learned_v1 SEC(".maps");

/* How many of them a VPC has; counted anew by the sweep, so that it does not matter who deletes. */
struct learned_use {
	__u32 entries;
	__u32 counting;		/* of the sweep that goes on */
	__u64 aged;		/* removed unused */
	__u64 evicted;		/* removed earlier, since the VPC's part of the table was nearly full */
	__u64 refused;		/* answers that found no room */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_key);
	__type(value, struct learned_use);
} learned_use_v1 SEC(".maps");

/* Written by the agent: claims that the controllers confirmed. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct destination_key);
	__type(value, struct claim);
} confirmed_v1 SEC(".maps");

/* Written by the agent: a claim below it is not accepted (the controllers know a newer binding). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct destination_key);
	__type(value, struct claim);
} floors_v1 SEC(".maps");

struct barred_key {
	oh_vni vpc;
	oh_host host;
};

struct barred {
	__u64 since;		/* seconds of the wall clock, for people */
};

/*
 * Written by the agent: hosts that claimed what is not theirs. Their claims are not accepted, in the VPC where they did:
 * its key is all that stands behind the evidence, and whoever has one key must not bar a host from other tenants' VPCs.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct barred_key);
	__type(value, struct barred);
} barred_v2 SEC(".maps");

OH_INLINE struct learned *learned_lookup(oh_vni vpc, oh_addr address)
{
	struct destination_key key = { .vpc = vpc, .address = address };

	return bpf_map_lookup_elem(&learned_v1, &key);
}

/* Negative where a is older than b, 0 where they are the same. */
OH_INLINE int claim_compare(const struct claim *a, const struct claim *b)
{
	if (a->epoch != b->epoch)
		return a->epoch < b->epoch ? -1 : 1;
	if (a->revision != b->revision)
		return a->revision < b->revision ? -1 : 1;
	if (a->sequence != b->sequence)
		return a->sequence < b->sequence ? -1 : 1;
	return 0;
}

OH_INLINE int is_confirmed(oh_vni vpc, oh_addr address, const struct claim *claim)
{
	struct destination_key key = { .vpc = vpc, .address = address };
	const struct claim *known = bpf_map_lookup_elem(&confirmed_v1, &key);

	return known && !claim_compare(known, claim);
}
