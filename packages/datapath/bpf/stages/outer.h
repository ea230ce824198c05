/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/csum.h"
#include "../lib/pkt.h"
#include "../maps/config.h"
#include "learn.h"

#define OH_OUTER_LEN (OH_ETH_LEN + sizeof(struct oh_outer))
#define OH_UDP_END (OH_ETH_LEN + OH_IP_LEN + sizeof(struct oh_udp))

/* The UDP port of what is sent to this host's tunnel address; 0 for anything else. A fragment without header shows none. */
OH_INLINE oh_l4port tunnel_port(struct oh_pkt *p)
{
	const struct oh_ip *ip = &p->outer.ip;
	oh_l4port dport = p->outer.udp.dport;
	__u32 header = (ip->version_ihl & 0xf) * 4;

	if (p->head.eth.type != bpf_htons(OH_ETHERTYPE_IPV4) || p->skb->vlan_present || ip->version_ihl >> 4 != 4)
		return 0;
	if (ip->protocol != OH_PROTO_UDP || ip->dst != cfg_tunnel_address ||
	    ip->fragment & bpf_htons(OH_IP_OFFSET))
		return 0;
	if (header > OH_IP_LEN && bpf_skb_load_bytes(p->skb, OH_ETH_LEN + header + 2, &dport, sizeof(dport)))
		return 0;
	return dport;
}

/* Lengths agree, nothing is fragmented or optional. Reserved bits are ignored (RFC 7348 section 5). */
OH_INLINE int is_well_formed(const struct oh_pkt *p, const struct oh_outer *o)
{
	__u32 total = bpf_ntohs(o->ip.total_len);

	return o->ip.version_ihl == 0x45 && !(o->ip.fragment & bpf_htons(OH_IP_MF)) &&
	       OH_ETH_LEN + total <= p->skb->len && total >= sizeof(*o) &&
	       bpf_ntohs(o->udp.len) == total - OH_IP_LEN && !csum_of_20(&o->ip) &&
	       o->vxlan.flags & bpf_htonl(OH_VXLAN_VNI_VALID);
}

/* Outer and VXLAN headers. What is neither for the tunnel nor a message is the host's own. */
OH_INLINE int find_outer(struct oh_pkt *p)
{
	oh_l4port port;
	__u32 have = p->len < OH_OUTER_LEN ? p->len : OH_OUTER_LEN;

	p->stage = OH_STAGE_OUTER;
	p->verdict = TC_ACT_OK;
	if (have < OH_UDP_END || bpf_skb_load_bytes(p->skb, 0, &p->head.eth, have))
		return OH_ACTION_STACK;
	/* As long as the inner headers' place is free, and the stack is not. */
	__builtin_memcpy(&p->outer, &p->head.ip, sizeof(p->outer));
	port = tunnel_port(p);
	if (port == bpf_htons(OH_PORT_LEARNING))
		return learn(p);
	if (port != bpf_htons(OH_VXLAN_PORT))
		return OH_ACTION_STACK;
	if (!is_well_formed(p, &p->outer))
		return -OH_DROP_OVERLAY_HEADER;
	p->off = OH_OUTER_LEN;
	p->len = bpf_ntohs(p->outer.ip.total_len) - sizeof(p->outer);
	return 0;
}
