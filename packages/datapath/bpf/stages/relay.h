/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/csum.h"
#include "../lib/pkt.h"
#include "../maps/config.h"
#include "deliver.h"

/* From a tunnel on to another host, as it is but for its addresses: super-packets stay such. */
OH_INLINE int relay(struct oh_pkt *p)
{
	struct oh_outer *o = &p->outer;

	if (!p->to.host)
		return 0;
	p->stage = OH_STAGE_RELAY;
	o->ip.src = cfg_tunnel_address;
	o->ip.dst = p->to.host->tunnel_address;
	o->ip.ttl = OH_IP_TTL;
	o->ip.csum = 0;
	o->ip.csum = csum_of_20(&o->ip);
	o->udp.csum = 0;
	o->vxlan.vni = bpf_htonl(p->vni << 8 | p->to.relayed);
	p->head.eth.dst = router_mac(p->to.where);
	if (bpf_skb_store_bytes(p->skb, OH_ETH_LEN, o, sizeof(*o), BPF_F_RECOMPUTE_CSUM) ||
	    bpf_skb_store_bytes(p->skb, p->off, &p->head.eth.dst, sizeof(oh_mac), BPF_F_RECOMPUTE_CSUM))
		return -OH_DROP_INTERNAL;
	return to_underlay(p, p->to.host, OH_ACTION_HOST);
}
