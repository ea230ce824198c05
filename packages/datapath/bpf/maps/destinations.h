/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Where an address of a VPC is: the layer-3 table. Ports of this host, pushed ports of others, gateways. */
#pragma once
#include "../lib/types.h"

enum oh_place {
	OH_PLACE_NONE = 0,
	OH_PLACE_LOCAL,		/* where = slot */
	OH_PLACE_REMOTE,	/* where = number of a onehop host */
	OH_PLACE_PEER,		/* where = number of a declared plain VXLAN peer */
	OH_PLACE_GATEWAY,	/* the network's gateway: answered here */
};

struct destination_key {
	oh_vni vpc;
	oh_addr address;
};

struct destination {
	oh_vni network;
	__u32 where;		/* by place */
	oh_mac mac;
	__u8 place;		/* enum oh_place */
	__u8 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 131072);
	__type(key, struct destination_key);
	__type(value, struct destination);
} destinations_v1 SEC(".maps");

OH_INLINE const struct destination *destination_lookup(oh_vni vpc, oh_addr address)
{
	struct destination_key key = { .vpc = vpc, .address = address };

	return bpf_map_lookup_elem(&destinations_v1, &key);
}
