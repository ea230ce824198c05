/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/icmp.h"
#include "../lib/pkt.h"

#define OH_TCP_OPTIONS_MAX 40
#define OH_TCP_OPTION_END 0
#define OH_TCP_OPTION_NOP 1
#define OH_TCP_OPTION_MSS 2
#define OH_MSS_BELOW_MTU 40		/* RFC 9293 section 3.7.1: headers without options */

OH_INLINE int has_tcp(const struct oh_pkt *p)
{
	return p->has_l4 && p->head.ip.protocol == OH_PROTO_TCP;
}

OH_INLINE __u32 tcp_header_len(const struct oh_pkt *p)
{
	return (p->head.l4.tcp_words >> 4) * 4;
}

/* Bytes of the largest IP packet that will be on the wire: of a super-packet, its largest segment. */
OH_INLINE __u32 wire_len(const struct oh_pkt *p)
{
	__u32 l4_len = has_tcp(p) ? tcp_header_len(p) : sizeof(struct oh_udp);

	if (!p->skb->gso_size)
		return bpf_ntohs(p->head.ip.total_len);
	return p->l4_off - OH_ETH_LEN + l4_len + p->skb->gso_size;
}

/* Offset of the MSS option among `len` bytes of options, or -1. */
OH_INLINE int find_mss(const __u8 *options, __u32 len)
{
	__u32 next = 0;

	for (__u32 i = 0; i <= OH_TCP_OPTIONS_MAX - 4; i++) {
		if (i < next)
			continue;
		if (i + 4 > len || options[i] == OH_TCP_OPTION_END)
			break;
		next = i + 1;
		if (options[i] == OH_TCP_OPTION_NOP)
			continue;
		if (options[i] == OH_TCP_OPTION_MSS)
			return options[i + 1] == 4 ? i : -1;
		if (options[i + 1] < 2)
			break;
		next = i + options[i + 1];
	}
	return -1;
}

/*
 * Lowers the MSS that a SYN offers, among `len` bytes of options at `at`, to `most`; never raises it. Negative where a
 * helper refuses. A function of its own, so that the verifier walks its loop once and not for every way that leads here.
 */
__attribute__((noinline)) int clamp_mss(struct __sk_buff *skb, __u32 at, __u32 len, __u32 most)
{
	__u8 options[OH_TCP_OPTIONS_MAX] = {};
	__u32 csum = at - OH_TCP_LEN + OH_TCP_CSUM;
	int found;

	if (len < 4 || len > OH_TCP_OPTIONS_MAX || bpf_skb_load_bytes(skb, at, options, len))
		return 0;
	found = find_mss(options, len);
	if (found < 0 || found > OH_TCP_OPTIONS_MAX - 4)
		return 0;
	__u16 before = options[found + 2] << 8 | options[found + 3];
	if (before <= most)
		return 0;
	__be16 mss = bpf_htons(most);
	/* The checksum adds words that begin at even offsets: at an odd one the bytes count the other way round. */
	__u16 removed = found & 1 ? before : bpf_htons(before);
	__u16 added = found & 1 ? most : mss;
	if (bpf_l4_csum_replace(skb, csum, removed, added, sizeof(added)))
		return -1;
	return bpf_skb_store_bytes(skb, at + found + 2, &mss, sizeof(mss), 0);
}

/* What leaves the host must fit the underlay: the kernel would drop it in silence. */
OH_INLINE int fit(struct oh_pkt *p)
{
	if (!p->to.host)
		return 0;
	p->stage = OH_STAGE_SIZE;
	if (wire_len(p) > p->from->mtu || p->skb->len + OH_VXLAN_OVERHEAD - OH_ETH_LEN > 0xffff)
		return refuse(p, OH_ICMP_FRAGMENTATION_NEEDED, OH_DROP_TOO_BIG);
	if (!has_tcp(p) || !(p->head.l4.tcp_flags & OH_TCP_SYN))
		return 0;
	__u32 options = tcp_header_len(p) - OH_TCP_LEN;
	return clamp_mss(p->skb, p->l4_off + OH_TCP_LEN, options, p->from->mtu - OH_MSS_BELOW_MTU) ? -OH_DROP_INTERNAL : 0;
}
