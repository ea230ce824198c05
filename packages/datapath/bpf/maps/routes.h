/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Real prefixes of a VPC, asked only when destinations has no entry: its own ranges and its static routes. */
#pragma once
#include "../lib/types.h"

enum oh_route_kind {
	OH_ROUTE_NONE = 0,
	OH_ROUTE_RANGE,		/* one of the VPC's own ranges: an address without a port is not there */
	OH_ROUTE_VIA,		/* to a next hop, looked up in destinations */
};

struct route_key {
	__u32 prefix;		/* 32 bits of vpc + 96 + IPv4 prefix length */
	oh_vni vpc;
	oh_addr address;
};

struct route {
	oh_addr next_hop;
	__u32 kind;		/* enum oh_route_kind */
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct route_key);
	__type(value, struct route);
} routes_v1 SEC(".maps");

OH_INLINE const struct route *route_lookup(oh_vni vpc, oh_addr address)
{
	struct route_key key = { .prefix = 32 + 128, .vpc = vpc, .address = address };

	return bpf_map_lookup_elem(&routes_v1, &key);
}
