/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/csum.h"
#include "../lib/pkt.h"
#include "../maps/destinations.h"
#include "../maps/hosts.h"
#include "answer_arp.h"
#include "deliver.h"

/* The tunnel's headers turn round; the frame's length stays. */
OH_INLINE int outer_reply(struct oh_pkt *p, const struct host *peer)
{
	struct oh_outer o = {};

	p->to.host = peer;
	p->to.vni = p->vni;
	outer_headers(p, &o, p->len);
	return bpf_skb_store_bytes(p->skb, OH_ETH_LEN, &o, sizeof(o), BPF_F_RECOMPUTE_CSUM);
}

/* A plain peer floods ARP to every host: the port's host answers for it, and any host for the gateway. */
OH_INLINE int answer_peer(struct oh_pkt *p)
{
	const struct host *peer = host_lookup(p->sender.host);

	p->stage = OH_STAGE_ANSWER_ARP;
	p->class = OH_CLASS_ARP;
	if (p->head.arp.operation != bpf_htons(OH_ARP_REQUEST))
		return -OH_DROP_OVERLAY_CLASS;
	const struct destination *d = arp_target(p);
	if (!d || d->network != p->vni || (d->place != OH_PLACE_LOCAL && d->place != OH_PLACE_GATEWAY))
		return -OH_DROP_OVERLAY_CLASS;
	if (!peer || !peer->uplink)
		return -OH_DROP_DEVICE_GONE;
	if (arp_reply(p, &d->mac) || outer_reply(p, peer))
		return -OH_DROP_INTERNAL;
	return to_underlay(p, peer, OH_ACTION_REPLY);
}
