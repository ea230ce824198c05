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

/*
 * Of `len` bytes. A first fragment that does not hold all of its transport header would hide it from every check
 * (RFC 1858).
 */
OH_INLINE int parse_l4(struct oh_pkt *p, __u32 len)
{
	__u32 have = len < sizeof(p->head.l4) ? len : sizeof(p->head.l4);
	__u32 words;

	switch (p->head.ip.protocol) {
	case OH_PROTO_TCP:
	case OH_PROTO_UDP:
	case OH_PROTO_ICMP:
		break;
	default:
		return 0;
	}
	if (have < 8)
		return -OH_DROP_MALFORMED;
	if (p->l4_off > OH_ETH_LEN + OH_IP_LEN &&
	    bpf_skb_load_bytes(p->skb, p->off + p->l4_off, &p->head.l4, have))
		return -OH_DROP_MALFORMED;
	words = p->head.l4.tcp_words >> 4;
	if (p->head.ip.protocol == OH_PROTO_TCP && (words * 4 < OH_TCP_LEN || words * 4 > len))
		return -OH_DROP_MALFORMED;
	p->has_l4 = 1;
	return 0;
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
	return fragment & OH_IP_OFFSET ? 0 : parse_l4(p, total - header);
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
