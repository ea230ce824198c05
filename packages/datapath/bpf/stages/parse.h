/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/pkt.h"

OH_INLINE int parse_arp(struct oh_pkt *p)
{
	const struct oh_arp *arp = &p->head.arp;

	if (p->len < OH_ETH_LEN + sizeof(*arp))
		return -OH_DROP_MALFORMED;
	if (arp->hardware != bpf_htons(1) || arp->protocol != bpf_htons(OH_ETHERTYPE_IPV4) ||
	    arp->hardware_len != 6 || arp->protocol_len != 4)
		return -OH_DROP_MALFORMED;
	p->ethertype = OH_ETHERTYPE_ARP;
	return 0;
}

OH_INLINE __u32 l4_min_len(__u8 protocol)
{
	switch (protocol) {
	case OH_PROTO_TCP:
		return 20;
	case OH_PROTO_UDP:
	case OH_PROTO_ICMP:
		return 8;
	default:
		return 0;
	}
}

/* The header's checksum is not verified: a guest's driver may leave it to the device, and the receiver verifies it. */
OH_INLINE int parse_ipv4(struct oh_pkt *p)
{
	const struct oh_ip *ip = &p->head.ip;
	__u32 header = (ip->version_ihl & 0xf) * 4, total = bpf_ntohs(ip->total_len);
	__u16 fragment = bpf_ntohs(ip->fragment);

	if (p->len < OH_ETH_LEN + OH_IP_LEN || ip->version_ihl >> 4 != 4 || header < OH_IP_LEN)
		return -OH_DROP_MALFORMED;
	if (total < header || OH_ETH_LEN + total > p->len)
		return -OH_DROP_MALFORMED;
	p->ethertype = OH_ETHERTYPE_IPV4;
	p->l4_off = OH_ETH_LEN + header;
	p->is_fragment = (fragment & (OH_IP_MF | OH_IP_OFFSET)) != 0;
	if (fragment & OH_IP_OFFSET)
		return 0;
	/* RFC 1858: a first fragment too small for its transport header hides it from every check. */
	if (total - header < l4_min_len(ip->protocol))
		return -OH_DROP_MALFORMED;
	p->has_l4 = l4_min_len(ip->protocol) != 0;
	if (p->has_l4 && header > OH_IP_LEN &&
	    bpf_skb_load_bytes(p->skb, p->off + p->l4_off, &p->head.l4, sizeof(p->head.l4)))
		return -OH_DROP_MALFORMED;
	return 0;
}

/*
 * Reads the guest's frame at `off`. The helper reads headers wherever they lie, so that nothing is pulled into the
 * linear part and a packet that is dropped stays as it came.
 */
OH_INLINE int parse(struct oh_pkt *p)
{
	__u32 have = p->len < OH_HEAD_LEN ? p->len : OH_HEAD_LEN;

	p->stage = OH_STAGE_PARSE;
	if (have < OH_ETH_LEN || bpf_skb_load_bytes(p->skb, p->off, &p->head.eth, have))
		return -OH_DROP_MALFORMED;
	switch (p->head.eth.type) {
	case bpf_htons(OH_ETHERTYPE_ARP):
		return parse_arp(p);
	case bpf_htons(OH_ETHERTYPE_IPV4):
		return parse_ipv4(p);
	default:
		return 0;
	}
}
