/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/csum.h"
#include "../lib/icmp.h"
#include "../lib/pkt.h"
#include "../maps/config.h"
#include "deliver.h"
#include "rewrite.h"

/* The tunnel's headers, as this host sends them. */
OH_INLINE void relay_outer(struct oh_pkt *p)
{
	struct oh_outer *o = &p->outer;

	o->ip.src = cfg_tunnel_address;
	o->ip.dst = p->to.host->tunnel_address;
	o->ip.ttl = OH_IP_TTL;
	o->ip.csum = 0;
	o->ip.csum = csum_of_20(&o->ip);
	o->udp.csum = 0;
	o->vxlan.vni = bpf_htonl(p->to.vni << 8 | p->to.relayed);
}

/* An echo request to a gateway that a hub stands for. */
OH_INLINE int relay_reply(struct oh_pkt *p)
{
	echo_reply(p);
	return bpf_skb_store_bytes(p->skb, p->off + p->l4_off, &p->head.l4, 4, BPF_F_RECOMPUTE_CSUM);
}

/* From a tunnel on to another host, as it is but for its addresses: super-packets stay such. */
OH_INLINE int relay(struct oh_pkt *p)
{
	if (!p->to.host)
		return 0;
	p->stage = OH_STAGE_RELAY;
	if (p->to.place == OH_PLACE_GATEWAY && relay_reply(p))
		return -OH_DROP_INTERNAL;
	relay_outer(p);
	route_headers(p);
	if (bpf_skb_store_bytes(p->skb, OH_ETH_LEN, &p->outer, sizeof(p->outer), BPF_F_RECOMPUTE_CSUM) ||
	    bpf_skb_store_bytes(p->skb, p->off, &p->head.eth, OH_ETH_LEN + OH_IP_LEN, BPF_F_RECOMPUTE_CSUM))
		return -OH_DROP_INTERNAL;
	return to_underlay(p, p->to.host, OH_ACTION_HOST);
}
