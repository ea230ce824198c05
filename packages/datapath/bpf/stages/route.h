/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/csum.h"
#include "../lib/icmp.h"
#include "../lib/pkt.h"
#include "../maps/config.h"
#include "../maps/destinations.h"
#include "../maps/routes.h"

/* The VPC's prefixes, asked where no port has the address. */
OH_INLINE int next_hop(struct oh_pkt *p, const struct destination **found)
{
	const struct route *r = route_lookup(p->vpc, addr_of_ip4(p->head.ip.dst));

	if (!r)
		return refuse(p, OH_ICMP_NET_UNREACHABLE, OH_DROP_NO_ROUTE);
	if (r->kind != OH_ROUTE_VIA)
		return refuse(p, OH_ICMP_HOST_UNREACHABLE, OH_DROP_UNKNOWN_DESTINATION);
	*found = destination_lookup(p->vpc, r->next_hop);
	if (!*found || (*found)->place == OH_PLACE_GATEWAY)
		return refuse(p, OH_ICMP_HOST_UNREACHABLE, OH_DROP_NEXT_HOP);
	return 0;
}

/* Symmetric routing (RFC 9135 section 5): between hosts a routed packet is of the VPC, not of a network. */
OH_INLINE void route_to(struct oh_pkt *p, const struct destination *d)
{
	p->to.place = d->place;
	p->to.where = d->where;
	p->to.routed = 1;
	p->to.hops = 1;
	if (d->place == OH_PLACE_REMOTE) {
		p->to.vni = p->vpc;
		p->to.src = router_mac(cfg_host);
		p->to.dst = router_mac(d->where);
	} else {
		p->to.vni = d->network;
		p->to.src = p->from->gateway_mac;
		p->to.dst = d->mac;
	}
}

/* Layer 3: to any port of the VPC, to a route's next hop, or to the gateway itself. */
OH_INLINE int route(struct oh_pkt *p)
{
	int rc;

	if (p->class != OH_CLASS_LAYER3)
		return 0;
	p->stage = OH_STAGE_ROUTE;
	if (ip4_is_group(p->head.ip.dst))
		return -OH_DROP_BROADCAST;
	const struct destination *d = destination_lookup(p->vpc, addr_of_ip4(p->head.ip.dst));
	if (!d) {
		rc = next_hop(p, &d);
		if (rc)
			return rc;
	} else if (d->place == OH_PLACE_GATEWAY) {
		return answer_echo(p);
	}
	if (p->head.ip.ttl <= 1) {
		p->error_type = OH_ICMP_TIME_EXCEEDED;
		return -OH_DROP_TTL;
	}
	route_to(p, d);
	return 0;
}
