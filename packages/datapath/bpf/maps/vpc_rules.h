/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* How a VPC learns at this host. A VPC without an entry has everything pushed. */
#pragma once
#include "../lib/types.h"

#define OH_MAX_HUBS 4

struct vpc_key {
	oh_vni vpc;
};

struct vpc_rules {
	oh_host hubs[OH_MAX_HUBS];	/* those in sync, in any order; 0: none */
	__u32 epoch;		/* of the store: the first part of a claim's generation */
	__u32 max_learned;	/* entries; what finds no room stays on the hub */
	__u32 ask_rate;		/* questions a second on misses, of the VPC; 0: no limit */
	__u32 ask_burst;
	__u32 port_ask_rate;	/* of each port */
	__u32 port_ask_burst;
	__u32 is_hub;		/* 1: this host holds, or loads, the VPC's whole table in destinations */
	__u32 fits;		/* of a hub: 1 where all of the VPC found room in its tables */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_key);
	__type(value, struct vpc_rules);
} vpc_rules_v2 SEC(".maps");

OH_INLINE const struct vpc_rules *vpc_rules_lookup(oh_vni vpc)
{
	struct vpc_key key = { .vpc = vpc };

	return bpf_map_lookup_elem(&vpc_rules_v2, &key);
}
