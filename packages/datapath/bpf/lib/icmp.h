/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* ICMP (RFC 792): the gateway's answers. */
#pragma once
#include "csum.h"
#include "pkt.h"

#define OH_ICMP_ECHO_REPLY 0
#define OH_ICMP_UNREACHABLE 3
#define OH_ICMP_SOURCE_QUENCH 4
#define OH_ICMP_REDIRECT 5
#define OH_ICMP_ECHO 8
#define OH_ICMP_TIME_EXCEEDED 11
#define OH_ICMP_PARAMETER_PROBLEM 12

/* Codes of unreachable. */
#define OH_ICMP_NET_UNREACHABLE 0
#define OH_ICMP_HOST_UNREACHABLE 1
#define OH_ICMP_FRAGMENTATION_NEEDED 4

/* Ends the packet with a reason, and asks for an "unreachable" to its sender. */
OH_INLINE int refuse(struct oh_pkt *p, __u8 code, int reason)
{
	p->error_type = OH_ICMP_UNREACHABLE;
	p->error_code = code;
	return -reason;
}

OH_INLINE int is_icmp_error(const struct oh_pkt *p)
{
	if (p->head.ip.protocol != OH_PROTO_ICMP)
		return 0;
	switch (p->head.l4.icmp_type) {
	case OH_ICMP_UNREACHABLE:
	case OH_ICMP_SOURCE_QUENCH:
	case OH_ICMP_REDIRECT:
	case OH_ICMP_TIME_EXCEEDED:
	case OH_ICMP_PARAMETER_PROBLEM:
		return 1;
	default:
		return 0;
	}
}

OH_INLINE int is_echo(const struct oh_pkt *p)
{
	return p->head.ip.protocol == OH_PROTO_ICMP && !p->is_fragment && p->has_l4 &&
	       p->head.l4.icmp_type == OH_ICMP_ECHO;
}

/* IPv4 and ICMP of an echo request become its reply's; its payload is not touched. */
OH_INLINE void echo_reply(struct oh_pkt *p)
{
	struct oh_ip *ip = &p->head.ip;
	union oh_l4 *l4 = &p->head.l4;
	oh_ip4 asker = ip->src;

	ip->src = ip->dst;
	ip->dst = asker;
	ip->csum = csum_replace(ip->csum, bpf_htons(ip->ttl << 8), bpf_htons(OH_IP_TTL << 8));
	ip->ttl = OH_IP_TTL;
	l4->icmp_csum = csum_replace(l4->icmp_csum, bpf_htons(OH_ICMP_ECHO << 8), 0);
	l4->icmp_type = OH_ICMP_ECHO_REPLY;
}

/* The echo request becomes its own reply, whoever's gateway it was for. */
OH_INLINE int answer_echo(struct oh_pkt *p)
{
	struct oh_eth *eth = &p->head.eth;
	oh_mac gateway = eth->dst;

	if (!is_echo(p))
		return -OH_DROP_SERVICE;
	eth->dst = eth->src;
	eth->src = gateway;
	echo_reply(p);
	if (bpf_skb_store_bytes(p->skb, 0, eth, OH_ETH_LEN + OH_IP_LEN, BPF_F_RECOMPUTE_CSUM) ||
	    bpf_skb_store_bytes(p->skb, p->l4_off, &p->head.l4, 4, BPF_F_RECOMPUTE_CSUM))
		return -OH_DROP_INTERNAL;
	return redirected(p, bpf_redirect(p->skb->ifindex, 0), OH_ACTION_REPLY);
}
