/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/csum.h"
#include "../lib/pkt.h"

/* New MACs and TTL, where the packet's headers were read to. */
OH_INLINE void route_headers(struct oh_pkt *p)
{
	struct oh_ip *ip = &p->head.ip;
	__u8 ttl = ip->ttl - p->to.hops;

	p->head.eth.src = p->to.src;
	p->head.eth.dst = p->to.dst;
	ip->csum = csum_replace(ip->csum, bpf_htons(ip->ttl << 8), bpf_htons(ttl << 8));
	ip->ttl = ttl;
}

/* Of a routed packet; switched ones stay as they are. */
OH_INLINE int rewrite(struct oh_pkt *p)
{
	if (!p->to.routed && !p->stripped)
		return 0;
	p->stage = OH_STAGE_REWRITE;
	if (p->to.routed)
		route_headers(p);
	/* A device's sum over the packet begins after Ethernet, and an IPv4 header adds up to nothing: neither changes it. */
	if (bpf_skb_store_bytes(p->skb, p->off, &p->head.eth, OH_ETH_LEN + OH_IP_LEN, 0))
		return -OH_DROP_INTERNAL;
	return 0;
}
