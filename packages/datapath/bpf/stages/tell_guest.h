/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* A hub's "unknown" becomes the ICMP error that the guest would have got, had this host known. */
#pragma once
#include "../lib/csum.h"
#include "../lib/icmp.h"
#include "../maps/endpoints.h"
#include "../maps/limits.h"
#include "../maps/message_scratch.h"
#include "../lib/message.h"
#include "../maps/questions.h"

/* All of the message's length, so that nothing has to be cut: what it may not quote is zero (RFC 4884 section 5.1). */
struct told {
	__u16 pad;
	struct oh_eth eth;
	struct oh_ip ip;
	__u8 type;
	__u8 code;
	__u16 csum;
	__be32 unused;
	__u8 quote[OH_QUOTE];
	__u8 zeros[OH_MESSAGE_LEN - OH_IP_LEN - 8 - OH_QUOTE];
};

OH_INLINE int may_be_told(const struct oh_ip *ip, const __u8 *l4)
{
	if (ip->fragment & bpf_htons(OH_IP_OFFSET) || ip4_is_group(ip->src) || !ip->src)
		return 0;
	return ip->protocol != OH_PROTO_ICMP || l4[0] == OH_ICMP_ECHO || l4[0] == OH_ICMP_ECHO_REPLY;
}

OH_INLINE void fill_told(struct told *t, const struct endpoint *e, const struct question *q)
{
	const struct oh_ip *ip = (const struct oh_ip *)q->quote;

	t->eth.dst = e->mac;
	t->eth.src = e->gateway_mac;
	t->eth.type = bpf_htons(OH_ETHERTYPE_IPV4);
	t->ip.version_ihl = 0x45;
	t->ip.total_len = bpf_htons(OH_MESSAGE_LEN);
	t->ip.fragment = bpf_htons(OH_IP_DF);
	t->ip.ttl = OH_IP_TTL;
	t->ip.protocol = OH_PROTO_ICMP;
	t->ip.src = e->gateway;
	t->ip.dst = ip->src;
	t->ip.csum = csum_of_20(&t->ip);
	t->type = OH_ICMP_UNREACHABLE;
	t->code = OH_ICMP_HOST_UNREACHABLE;
	t->csum = 0;
	__builtin_memcpy(t->quote, q->quote, OH_QUOTE);
	__s64 sum = bpf_csum_diff(0, 0, (__be32 *)&t->type, 8 + OH_QUOTE, 0);
	t->csum = csum_fold(sum);
}

/* A verdict of tc; 0: the guest is told nothing. */
OH_INLINE int tell_guest(struct __sk_buff *skb, struct message_scratch *s, oh_vni vpc)
{
	const struct question *q = &s->open;
	const struct endpoint *e = endpoint_lookup(q->slot);
	const struct oh_ip *ip = (const struct oh_ip *)q->quote;
	struct told *t = (struct told *)s->told;

	/* The slot may be another tenant's by now. */
	if (!e || e->vpc != vpc || ip->version_ihl >> 4 != 4 || !may_be_told(ip, q->quote + OH_IP_LEN))
		return 0;
	if (!limit_admits(q->slot, OH_CLASS_ICMP_ERROR))
		return 0;
	__builtin_memset(t, 0, sizeof(*t));
	fill_told(t, e, q);
	if (bpf_skb_store_bytes(skb, 0, &t->eth, OH_ETH_LEN + OH_MESSAGE_LEN, BPF_F_RECOMPUTE_CSUM))
		return 0;
	return bpf_redirect(e->ifindex, 0);
}
