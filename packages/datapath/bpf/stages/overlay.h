/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Where a frame out of a tunnel goes: to a port of this host; what is routed in a VPC that learns may be passed on. */
#pragma once
#include "../lib/pkt.h"
#include "../maps/config.h"
#include "../maps/destinations.h"
#include "../maps/macs.h"
#include "../maps/routes.h"
#include "answer_arp.h"
#include "answer_peer.h"
#include "pass_on.h"
#include "peer.h"

OH_INLINE int is_from_peer(const struct oh_pkt *p)
{
	return p->sender.kind == OH_HOST_PEER;
}

OH_INLINE int to_local(struct oh_pkt *p, __u8 place, __u32 where)
{
	if (place != OH_PLACE_LOCAL)
		return -OH_DROP_NOT_HERE;
	p->to.place = place;
	p->to.where = where;
	return 0;
}

/* The port with the address, or the next hop of the route to it. Sets p->target. */
OH_INLINE const struct destination *target_of(struct oh_pkt *p)
{
	p->target = addr_of_ip4(p->head.ip.dst);
	const struct destination *d = destination_lookup(p->vpc, p->target);
	if (d)
		return d;
	const struct route *r = route_lookup(p->vpc, p->target);
	if (!r || r->kind != OH_ROUTE_VIA)
		return 0;
	p->target = r->next_hop;
	return destination_lookup(p->vpc, p->target);
}

/* Here, or nowhere: `d` is what target_of gave. */
OH_INLINE int route_to_local(struct oh_pkt *p, const struct destination *d)
{
	p->stage = OH_STAGE_ROUTE;
	p->class = OH_CLASS_LAYER3;
	if (!d)
		return -OH_DROP_NOT_HERE;
	p->to.routed = 1;
	p->to.dst = d->mac;
	return to_local(p, d->place, d->where);
}

/* Layer 2: as it came. */
OH_INLINE int switch_overlay(struct oh_pkt *p)
{
	p->stage = OH_STAGE_SWITCH;
	p->class = OH_CLASS_LAYER2;
	const struct mac_entry *m = mac_lookup(p->vni, &p->head.eth.dst);

	return m ? to_local(p, m->place, m->where) : -OH_DROP_NOT_HERE;
}

/* A plain peer knows no symmetric routing: its packets to the gateway are routed here, one hop; a hub sends them on. */
OH_INLINE int route_from_peer(struct oh_pkt *p)
{
	const struct destination *d = target_of(p);
	int rc = route_to_local(p, d);

	if (rc == -OH_DROP_NOT_HERE && p->off)
		rc = pass_from_peer(p, d);
	if (rc)
		return rc;
	p->to.hops = 1;
	return p->head.ip.ttl > 1 ? 0 : -OH_DROP_TTL;
}

/* The routers' MACs: the sender's host's, or the collecting host's where it went by a hub, and this host's. */
OH_INLINE int check_routers(const struct oh_pkt *p)
{
	oh_mac from = router_mac(p->sender.host), here = router_mac(cfg_host);
	oh_host collector = host_of_router_mac(&p->head.eth.src);

	if (!mac_equal(&p->head.eth.dst, &here))
		return -OH_DROP_ROUTER_MAC;
	if (!p->relayed)
		return mac_equal(&p->head.eth.src, &from) ? 0 : -OH_DROP_ROUTER_MAC;
	return collector && (collector == cfg_host || host_lookup(collector)) ? 0 : -OH_DROP_ROUTER_MAC;
}

/* The second half of symmetric routing: the collecting host has taken the hop off the TTL. */
OH_INLINE int route_overlay(struct oh_pkt *p)
{
	const struct destination *d;
	int rc = check_routers(p);

	p->stage = OH_STAGE_ROUTE;
	if (rc)
		return rc;
	if (p->ethertype != OH_ETHERTYPE_IPV4)
		return -OH_DROP_OVERLAY_CLASS;
	if (!p->relayed)
		peer_heard(p->sender.host);
	d = target_of(p);
	rc = route_to_local(p, d);
	/* Not from the VXLAN device: what it hands up is a tunnel's no more. */
	return rc == -OH_DROP_NOT_HERE && p->off ? pass_on(p, d) : rc;
}

OH_INLINE int overlay(struct oh_pkt *p)
{
	p->stage = OH_STAGE_CLASSIFY;
	if (!p->ethertype)
		return -OH_DROP_OVERLAY_CLASS;
	if (p->segment->kind == OH_VNI_VPC)
		return route_overlay(p);
	if (p->ethertype == OH_ETHERTYPE_ARP)
		return is_from_peer(p) && p->off ? answer_peer(p) : -OH_DROP_OVERLAY_CLASS;
	if (mac_is_group(&p->head.eth.dst))
		return -OH_DROP_OVERLAY_CLASS;
	if (is_from_peer(p) && mac_equal(&p->head.eth.dst, &p->segment->gateway_mac))
		return route_from_peer(p);
	return switch_overlay(p);
}
