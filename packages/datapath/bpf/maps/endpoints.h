/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* The ports of this host, by slot: all that is needed about a port where its packets start or end. */
#pragma once
#include "../lib/types.h"

#define OH_MAX_SLOTS 4096

enum oh_device {
	OH_DEVICE_NONE = 0,	/* the slot is free, or its device is gone */
	OH_DEVICE_VETH,		/* deliver with redirect_peer; the peer is in another namespace */
	OH_DEVICE_TAP,		/* deliver with redirect; super-packets by the idle VXLAN device */
};

/* Far ports of the VPC: pushed as ever, or learned from use with the rules in vpc_rules. */
enum oh_learns {
	OH_LEARNS_NO = 0,
	OH_LEARNS_YES,
	OH_LEARNS_CONFIRMED,	/* an entry is used only where the map confirmed has its claim */
};

struct endpoint {
	oh_uuid port;
	__u64 generation;	/* store revision of the binding */
	oh_vni vpc;		/* VNI of the VPC's routed packets */
	oh_vni network;
	oh_ifindex ifindex;
	__u32 mtu;		/* largest IP packet that fits the underlay when encapsulated, bytes */
	oh_addr address;	/* the first of its addresses */
	oh_ip4 gateway;		/* of its network */
	oh_mac mac;
	oh_mac gateway_mac;
	__u8 device;		/* enum oh_device */
	__u8 has_allowed;	/* 1: the map allowed has ranges for this slot */
	__u8 learns;		/* enum oh_learns of its VPC */
	__u8 near;		/* where it learns: bits that an address shares with the gateway's if destinations may have it; 0: any may */
	__u8 pad[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, OH_MAX_SLOTS);
	__type(key, oh_slot);
	__type(value, struct endpoint);
} endpoints_v1 SEC(".maps");

/* NULL where the slot has no device. */
OH_INLINE const struct endpoint *endpoint_lookup(oh_slot slot)
{
	const struct endpoint *e = bpf_map_lookup_elem(&endpoints_v1, &slot);

	return e && e->device != OH_DEVICE_NONE ? e : 0;
}

/* 0: nothing was pushed of the address. */
OH_INLINE int is_near(const struct endpoint *e, oh_ip4 address)
{
	return !e->near || !(bpf_ntohl(address ^ e->gateway) >> (32 - e->near));
}
