/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* At hubs: where an address was before its binding moved. Its packets may come from there a while longer. */
#pragma once
#include "../lib/types.h"
#include "destinations.h"

struct moved {
	oh_ns until;
	oh_host former;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct destination_key);
	__type(value, struct moved);
} moved_v1 SEC(".maps");

/* 1 where the address was at the host until lately. */
OH_INLINE int was_at(oh_vni vpc, oh_addr address, oh_host host)
{
	struct destination_key key = { .vpc = vpc, .address = address };
	const struct moved *m = bpf_map_lookup_elem(&moved_v1, &key);

	return m && m->former == host && bpf_ktime_get_coarse_ns() < m->until;
}
