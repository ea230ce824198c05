/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Far ports of a VPC that learns: straight to the host that said "mine", by a hub until one did. */
#pragma once
#include "../lib/icmp.h"
#include "../lib/pkt.h"
#include "../maps/config.h"
#include "../maps/learned.h"
#include "../maps/questions.h"
#include "ask.h"
#include "hub.h"
#include "peer.h"
#include "vouch.h"

/* Symmetric routing (RFC 9135 section 5): between hosts a routed packet is of the VPC, not of a network. */
OH_INLINE void route_to_host(struct oh_pkt *p, oh_host host, __u8 relayed)
{
	p->to.place = OH_PLACE_REMOTE;
	p->to.where = host;
	p->to.relayed = relayed;
	p->to.vni = p->vpc;
	p->to.src = router_mac(cfg_host);
	p->to.dst = router_mac(host);
	p->to.routed = 1;
	p->to.hops = 1;
}

/* By a hub, or straight to a host that does not answer where the VPC has no hub that does. */
OH_INLINE int route_by_hub(struct oh_pkt *p)
{
	oh_host hub = find_hub(p->vpc, ip4_of_addr(&p->target), 0);

	if (p->silent && (!hub || hub & OH_HUB_SILENT)) {
		route_to_host(p, p->silent, 0);
		return 0;
	}
	if (!hub)
		return -OH_DROP_NO_HUB;
	/* Dropped only after it was probed: else nobody would see it return. */
	p->doomed = hub & OH_HUB_SILENT ? 1 : 0;
	route_to_host(p, hub & ~OH_HUB_SILENT, OH_RELAYED);
	is_usable(p, p->to.where, bpf_ktime_get_coarse_ns());
	return 0;
}

/* Nobody said "mine" yet, or who said so does not answer. */
OH_INLINE int miss(struct oh_pkt *p, int reason)
{
	if (!p->silent && (is_whole(vpc_rules_lookup(p->vpc)) || is_unknown(p->vpc, p->target)))
		return refuse(p, OH_ICMP_HOST_UNREACHABLE, reason);
	int rc = route_by_hub(p);
	p->question = p->to.relayed ? OH_ASK_HUB : OH_ASK_NONE;
	p->ask = p->to.where;
	return rc;
}

/* By a learned entry; `reason` is that of an address that is not there. */
OH_INLINE int route_learned(struct oh_pkt *p, struct learned *l, int reason)
{
	oh_ns now = bpf_ktime_get_coarse_ns();

	if (!l)
		return miss(p, reason);
	if (l->used != now)
		l->used = now;
	if (!is_usable(p, l->host, now)) {
		p->silent = l->host;
		return miss(p, reason);
	}
	p->question = is_within(l->asked, now, OH_REFRESH) || is_vouched(p->vpc, l, now) ? OH_ASK_NONE : OH_ASK_REFRESH;
	p->ask = l->host;
	if (p->from->learns == OH_LEARNS_CONFIRMED && !is_confirmed(p->vpc, p->target, &l->claim))
		return route_by_hub(p);
	p->used = l;
	route_to_host(p, l->host, 0);
	return 0;
}

/* A pushed entry needs no question, only a host that answers. */
OH_INLINE int route_pushed(struct oh_pkt *p, oh_host host)
{
	route_to_host(p, host, 0);
	if (!p->from->learns || is_usable(p, host, bpf_ktime_get_coarse_ns()))
		return 0;
	p->silent = host;
	return route_by_hub(p);
}
