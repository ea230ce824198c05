/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/csum.h"
#include "../lib/icmp.h"
#include "../lib/pkt.h"
#include "../maps/config.h"
#include "../maps/destinations.h"
#include "../maps/routes.h"
#include "learned.h"

/* What is known of an address: at most one of the two. */
struct oh_known {
	const struct destination *pushed;
	struct learned *learned;
	int reason;		/* where neither is: why not */
};

/* What is pushed goes before what was learned; where nothing can have been, one look-up is spared. */
OH_INLINE void look_up(const struct oh_pkt *p, struct oh_known *way)
{
	int far = p->from->learns && !is_near(p->from, ip4_of_addr(&p->target));

	way->pushed = far ? 0 : destination_lookup(p->vpc, p->target);
	way->learned = !way->pushed && p->from->learns ? learned_lookup(p->vpc, p->target) : 0;
}

/* The port with the address; else, by the VPC's prefixes, the next hop of the route to it. */
OH_INLINE int find_way(struct oh_pkt *p, struct oh_known *way)
{
	p->target = addr_of_ip4(p->head.ip.dst);
	look_up(p, way);
	if (way->pushed || way->learned)
		return 0;
	const struct route *r = route_lookup(p->vpc, p->target);
	if (!r)
		return refuse(p, OH_ICMP_NET_UNREACHABLE, OH_DROP_NO_ROUTE);
	way->reason = OH_DROP_UNKNOWN_DESTINATION;
	if (r->kind == OH_ROUTE_VIA) {
		way->reason = OH_DROP_NEXT_HOP;
		p->target = r->next_hop;
		look_up(p, way);
	}
	if (way->pushed ? way->pushed->place == OH_PLACE_GATEWAY : !p->from->learns)
		return refuse(p, OH_ICMP_HOST_UNREACHABLE, way->reason);
	return 0;
}

OH_INLINE int route_to(struct oh_pkt *p, const struct destination *d)
{
	if (d->place == OH_PLACE_REMOTE)
		return route_pushed(p, d->where);
	p->to.place = d->place;
	p->to.where = d->where;
	p->to.routed = 1;
	p->to.hops = 1;
	p->to.vni = d->network;
	p->to.src = p->from->gateway_mac;
	p->to.dst = d->mac;
	return 0;
}

/* Layer 3: to any port of the VPC, to a route's next hop, or to the gateway itself. */
OH_INLINE int route(struct oh_pkt *p)
{
	struct oh_known way = {};
	int rc;

	if (p->class != OH_CLASS_LAYER3)
		return 0;
	p->stage = OH_STAGE_ROUTE;
	if (ip4_is_group(p->head.ip.dst))
		return -OH_DROP_BROADCAST;
	rc = find_way(p, &way);
	if (rc)
		return rc;
	if (way.pushed && way.pushed->place == OH_PLACE_GATEWAY)
		return answer_echo(p);
	if (p->head.ip.ttl <= 1) {
		p->error_type = OH_ICMP_TIME_EXCEEDED;
		return -OH_DROP_TTL;
	}
	return way.pushed ? route_to(p, way.pushed) : route_learned(p, way.learned, way.reason);
}
