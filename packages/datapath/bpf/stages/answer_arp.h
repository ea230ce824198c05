/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/pkt.h"
#include "../maps/destinations.h"

/* The request becomes the reply of `owner` (RFC 826). */
OH_INLINE int arp_reply(struct oh_pkt *p, const oh_mac *owner)
{
	struct oh_eth *eth = &p->head.eth;
	struct oh_arp *arp = &p->head.arp;
	__u32 asked;

	__builtin_memcpy(&asked, arp->target_ip, sizeof(asked));
	__builtin_memcpy(arp->target_ip, arp->sender_ip, sizeof(asked));
	__builtin_memcpy(arp->sender_ip, &asked, sizeof(asked));
	arp->target_mac = arp->sender_mac;
	arp->sender_mac = *owner;
	arp->operation = bpf_htons(OH_ARP_REPLY);
	eth->dst = eth->src;
	eth->src = *owner;
	return bpf_skb_store_bytes(p->skb, p->off, eth, OH_ETH_LEN + sizeof(*arp), BPF_F_RECOMPUTE_CSUM);
}

OH_INLINE const struct destination *arp_target(const struct oh_pkt *p)
{
	oh_ip4 target;

	__builtin_memcpy(&target, p->head.arp.target_ip, sizeof(target));
	return destination_lookup(p->vpc, addr_of_ip4(target));
}

/* ARP never leaves the host: every known address of the network is answered here. */
OH_INLINE int answer_arp(struct oh_pkt *p)
{
	if (p->class != OH_CLASS_ARP)
		return 0;
	p->stage = OH_STAGE_ANSWER_ARP;
	if (p->head.arp.operation != bpf_htons(OH_ARP_REQUEST))
		return -OH_DROP_BROADCAST;
	const struct destination *d = arp_target(p);
	if (!d || d->network != p->from->network)
		return -OH_DROP_UNKNOWN_DESTINATION;
	/* RFC 5227: an answer about the asker's own address would read as a conflict. */
	if (d->place == OH_PLACE_LOCAL && d->where == p->slot)
		return -OH_DROP_BROADCAST;
	if (arp_reply(p, &d->mac))
		return -OH_DROP_INTERNAL;
	return redirected(p, bpf_redirect(p->skb->ifindex, 0), OH_ACTION_REPLY);
}
