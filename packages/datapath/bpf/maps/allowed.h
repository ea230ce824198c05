/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Further source ranges a port may send from (port.allowed_addresses). */
#pragma once
#include "../lib/types.h"

struct allowed_key {
	__u32 prefix;		/* 32 bits of slot + 96 + IPv4 prefix length */
	oh_slot slot;
	oh_addr address;
};

struct allowed {
	__u32 yes;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct allowed_key);
	__type(value, struct allowed);
} allowed_v1 SEC(".maps");

OH_INLINE int source_is_allowed(oh_slot slot, oh_addr address)
{
	struct allowed_key key = { .prefix = 32 + 128, .slot = slot, .address = address };

	return bpf_map_lookup_elem(&allowed_v1, &key) != 0;
}
