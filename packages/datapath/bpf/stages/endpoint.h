/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/overlay_mark.h"
#include "../lib/pkt.h"
#include "../maps/links.h"
#include "../maps/counters.h"

/* Which port the device belongs to. */
OH_INLINE int find_endpoint(struct oh_pkt *p)
{
	const struct link *link = link_lookup(p->skb->ifindex);

	p->stage = OH_STAGE_ENDPOINT;
	/* A guest cannot set it: the mark does not cross from another namespace, nor from a tap. */
	if ((p->skb->mark & OH_MARK_AGAIN_MASK) == OH_MARK_AGAIN) {
		p->asked = p->skb->mark & (OH_ASKED_HOST | OH_ASKED_PEER);
		p->skb->mark = 0;
	}
	if (!link)
		return -OH_DROP_UNKNOWN_PORT;
	p->from = endpoint_lookup(link->slot);
	if (!p->from)
		return -OH_DROP_UNKNOWN_PORT;
	p->slot = link->slot;
	p->vpc = p->from->vpc;
	p->vni = p->from->network;
	return 0;
}
