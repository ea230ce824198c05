/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* What a VNI on the wire means to this host. */
#pragma once
#include "../lib/types.h"

enum oh_vni_kind {
	OH_VNI_NONE = 0,
	OH_VNI_NETWORK,		/* layer 2, inner MACs untouched */
	OH_VNI_VPC,		/* routed, inner MACs are the hosts' router MACs */
};

struct vni_key {
	oh_vni vni;
};

struct vni_entry {
	oh_vni vpc;		/* the VPC's number in every key */
	__u32 kind;		/* enum oh_vni_kind */
	oh_ip4 gateway;		/* network only */
	oh_mac gateway_mac;	/* network only */
	__u8 pad[2];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct vni_key);
	__type(value, struct vni_entry);
} vnis_v1 SEC(".maps");

OH_INLINE const struct vni_entry *vni_lookup(oh_vni vni)
{
	struct vni_key key = { .vni = vni };

	return bpf_map_lookup_elem(&vnis_v1, &key);
}
