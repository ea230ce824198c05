/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* At hubs: further source ranges of the ports of each host (port.allowed_addresses), for what comes in their names. */
#pragma once
#include "../lib/types.h"

struct hub_source_key {
	__u32 prefix;		/* 64 bits of vpc and host + 96 + IPv4 prefix length */
	oh_vni vpc;
	oh_host host;
	oh_addr address;
};

struct hub_source {
	__u32 yes;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct hub_source_key);
	__type(value, struct hub_source);
} hub_sources_v1 SEC(".maps");

/* 1 where a port of the host may send from the address. */
OH_INLINE int host_may_send(oh_vni vpc, oh_host host, oh_addr address)
{
	struct hub_source_key key = { .prefix = 64 + 128, .vpc = vpc, .host = host, .address = address };

	return bpf_map_lookup_elem(&hub_sources_v1, &key) != 0;
}
