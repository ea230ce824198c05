/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Where a MAC of a network is: the layer-2 table. */
#pragma once
#include "../lib/types.h"

struct mac_key {
	oh_vni network;
	oh_mac mac;
	__u16 pad;
};

struct mac_entry {
	__u32 where;		/* by place, as in destinations.h */
	__u8 place;		/* enum oh_place: LOCAL, REMOTE or PEER */
	__u8 pad[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 131072);
	__type(key, struct mac_key);
	__type(value, struct mac_entry);
} macs_v1 SEC(".maps");

OH_INLINE const struct mac_entry *mac_lookup(oh_vni network, const oh_mac *mac)
{
	struct mac_key key = { .network = network, .mac = *mac };

	return bpf_map_lookup_elem(&macs_v1, &key);
}
