/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* The other hosts: by number for sending, by tunnel address for receiving. */
#pragma once
#include "../lib/types.h"

enum oh_host_kind {
	OH_HOST_NONE = 0,
	OH_HOST_ONEHOP,
	OH_HOST_PEER,		/* plain RFC 7348 VXLAN */
};

struct host {
	oh_ip4 tunnel_address;
	oh_ifindex uplink;	/* device to send on; 0: there is no way to it now */
	oh_ip4 next_hop;	/* underlay router or the host itself; 0: not known, FIB lookup per packet */
	__u8 kind;		/* enum oh_host_kind; NONE: no such host */
	__u8 pad[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4096);
	__type(key, oh_host);
	__type(value, struct host);
} hosts_v1 SEC(".maps");

struct tunnel_key {
	oh_ip4 address;
};

struct tunnel {
	oh_host host;
	__u32 kind;		/* enum oh_host_kind */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct tunnel_key);
	__type(value, struct tunnel);
} tunnels_v1 SEC(".maps");

/* NULL where there is no such host. */
OH_INLINE const struct host *host_lookup(oh_host number)
{
	const struct host *h = bpf_map_lookup_elem(&hosts_v1, &number);

	return h && h->kind != OH_HOST_NONE ? h : 0;
}

OH_INLINE const struct tunnel *tunnel_lookup(oh_ip4 address)
{
	struct tunnel_key key = { .address = address };

	return bpf_map_lookup_elem(&tunnels_v1, &key);
}
