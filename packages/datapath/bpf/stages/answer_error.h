/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/csum.h"
#include "../lib/icmp.h"
#include "../lib/pkt.h"
#include "../maps/limits.h"

#define OH_ICMP_LEN 8
#define OH_QUOTE_MAX (576 - OH_IP_LEN - OH_ICMP_LEN)	/* RFC 1812 section 4.3.2.3 */
#define OH_CHUNK 128

struct oh_error {
	__u16 pad;
	struct oh_eth eth;
	struct oh_ip ip;
	__u8 type;
	__u8 code;
	__u16 csum;
	__be16 unused;
	__be16 mtu;		/* of the next hop (RFC 1191), where fragmentation is needed */
};

/* Nobody is told of what he did not send himself, of an error, or of a fragment's rest (RFC 1812 section 4.3.2.7). */
OH_INLINE int may_answer_error(const struct oh_pkt *p)
{
	const struct oh_ip *ip = &p->head.ip;

	return p->error_type && !(ip->fragment & bpf_htons(OH_IP_OFFSET)) && !is_icmp_error(p) &&
	       ip->src && !ip4_is_group(ip->src) && !ip4_is_group(ip->dst);
}

/*
 * The sum of `len` bytes after the Ethernet header, not folded; negative where they cannot be read. A function of its own
 * for the stack's sake.
 */
__attribute__((noinline)) __s64 sum_quote(struct __sk_buff *skb, __u32 len)
{
	__u8 chunk[OH_CHUNK];
	__s64 sum = 0;

	for (__u32 at = 0; at < OH_QUOTE_MAX; at += OH_CHUNK) {
		__u32 rest = len - at;
		if (at >= len)
			break;
		if (rest > OH_CHUNK)
			rest = OH_CHUNK;
		__builtin_memset(chunk, 0, sizeof(chunk));
		if (rest == 0 || bpf_skb_load_bytes(skb, OH_ETH_LEN + at, chunk, rest))
			return -1;
		sum = bpf_csum_diff(0, 0, (__be32 *)chunk, sizeof(chunk), sum);
		if (sum < 0)
			return sum;
	}
	return sum;
}

OH_INLINE void error_headers(const struct oh_pkt *p, struct oh_error *e, __u32 quote)
{
	e->eth.dst = p->head.eth.src;
	e->eth.src = p->from->gateway_mac;
	e->eth.type = bpf_htons(OH_ETHERTYPE_IPV4);
	e->ip.version_ihl = 0x45;
	e->ip.total_len = bpf_htons(OH_IP_LEN + OH_ICMP_LEN + quote);
	/* Without an identification it must not be fragmented (RFC 6864). */
	e->ip.fragment = bpf_htons(OH_IP_DF);
	e->ip.ttl = OH_IP_TTL;
	e->ip.protocol = OH_PROTO_ICMP;
	e->ip.src = p->from->gateway;
	e->ip.dst = p->head.ip.src;
	e->ip.csum = csum_of_20(&e->ip);
	e->type = p->error_type;
	e->code = p->error_code;
	if (p->error_type == OH_ICMP_UNREACHABLE && p->error_code == OH_ICMP_FRAGMENTATION_NEEDED)
		e->mtu = bpf_htons(p->from->mtu);
}

/* The packet becomes the quote within its own error. Cutting the tail also ends a super-packet being one. */
OH_INLINE int become_error(struct oh_pkt *p)
{
	const __u32 room = OH_IP_LEN + OH_ICMP_LEN;
	__u32 quote = bpf_ntohs(p->head.ip.total_len);
	struct oh_error e = {};
	__s64 sum;

	if (quote > OH_QUOTE_MAX)
		quote = OH_QUOTE_MAX;
	error_headers(p, &e, quote);
	sum = sum_quote(p->skb, quote);
	if (sum < 0)
		return -1;
	e.csum = csum_fold(csum_fold(sum) ^ 0xffff);
	e.csum = csum_replace(e.csum, 0, bpf_htons(e.type << 8 | e.code));
	e.csum = csum_replace(e.csum, 0, e.mtu);
	return bpf_skb_change_tail(p->skb, OH_ETH_LEN + quote, 0) ||
	       bpf_skb_adjust_room(p->skb, room, BPF_ADJ_ROOM_MAC, 0) ||
	       bpf_skb_store_bytes(p->skb, 0, &e.eth, OH_ETH_LEN + room, 0);
}

/* Where a stage asked for it, a dropped packet is answered with an error from the gateway. */
OH_INLINE int answer_error(struct oh_pkt *p, int rc)
{
	if (rc >= 0 || !may_answer_error(p) || !limit_admits(p->slot, OH_CLASS_ICMP_ERROR))
		return rc;
	if (become_error(p))
		return rc;
	p->reason = -rc;
	return redirected(p, bpf_redirect(p->skb->ifindex, 0), OH_ACTION_REPLY);
}
