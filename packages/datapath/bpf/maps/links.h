/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Which port a device on this host belongs to. Written before the program is attached to the device. */
#pragma once
#include "../lib/types.h"

struct link_key {
	oh_ifindex ifindex;
};

struct link {
	oh_slot slot;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct link_key);
	__type(value, struct link);
} links_v1 SEC(".maps");

OH_INLINE const struct link *link_lookup(oh_ifindex ifindex)
{
	struct link_key key = { .ifindex = ifindex };

	return bpf_map_lookup_elem(&links_v1, &key);
}
