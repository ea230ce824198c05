/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/csum.h"
#include "../lib/pkt.h"
#include "../maps/config.h"
#include "../maps/hosts.h"
#include "../maps/vnis.h"

#define OH_OUTER_LEN (OH_ETH_LEN + sizeof(struct oh_outer))
#define OH_UDP_END (OH_ETH_LEN + OH_IP_LEN + sizeof(struct oh_udp))

struct outer_head {
	__u16 pad;
	struct oh_eth eth;
	struct oh_outer outer;
};

/* Encapsulated, to this host's tunnel address; a fragment without UDP header cannot be told and is not. */
OH_INLINE int is_ours(struct oh_pkt *p, const struct outer_head *h)
{
	const struct oh_ip *ip = &h->outer.ip;
	oh_l4port dport = h->outer.udp.dport;
	__u32 header = (ip->version_ihl & 0xf) * 4;

	if (h->eth.type != bpf_htons(OH_ETHERTYPE_IPV4) || p->skb->vlan_present || ip->version_ihl >> 4 != 4)
		return 0;
	if (ip->protocol != OH_PROTO_UDP || ip->dst != cfg_tunnel_address ||
	    ip->fragment & bpf_htons(OH_IP_OFFSET))
		return 0;
	if (header > OH_IP_LEN && bpf_skb_load_bytes(p->skb, OH_ETH_LEN + header + 2, &dport, sizeof(dport)))
		return 0;
	return dport == bpf_htons(OH_VXLAN_PORT);
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

OH_INLINE int find_sender(struct oh_pkt *p)
{
	p->sender = tunnel_lookup(p->outer.ip.src);
	if (!p->sender)
		return -OH_DROP_UNKNOWN_HOST;
	p->vni = bpf_ntohl(p->outer.vxlan.vni) >> 8;
	p->segment = vni_lookup(p->vni);
	if (!p->segment)
		return -OH_DROP_UNKNOWN_VNI;
	p->vpc = p->segment->vpc;
	if (p->sender->kind == OH_HOST_PEER && p->segment->kind != OH_VNI_NETWORK)
		return -OH_DROP_PEER_VNI;
	return 0;
}

/* Outer and VXLAN headers, known host, VNI. What is not for the tunnel is the host's own. */
OH_INLINE int find_outer(struct oh_pkt *p)
{
	struct outer_head h = {};
	__u32 have = p->len < OH_OUTER_LEN ? p->len : OH_OUTER_LEN;

	p->stage = OH_STAGE_OUTER;
	p->verdict = TC_ACT_OK;
	if (have < OH_UDP_END || bpf_skb_load_bytes(p->skb, 0, &h.eth, have) || !is_ours(p, &h))
		return OH_ACTION_STACK;
	p->outer = h.outer;
	if (!is_well_formed(p, &h.outer))
		return -OH_DROP_OVERLAY_HEADER;
	p->off = OH_OUTER_LEN;
	p->len = bpf_ntohs(h.outer.ip.total_len) - sizeof(h.outer);
	return find_sender(p);
}
