/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/pkt.h"
#include "../maps/destinations.h"
#include "../maps/macs.h"

/* Layer 2: to another port of the same network, frame untouched. */
OH_INLINE int switch_frame(struct oh_pkt *p)
{
	if (p->class != OH_CLASS_LAYER2)
		return 0;
	p->stage = OH_STAGE_SWITCH;
	const struct mac_entry *m = mac_lookup(p->vni, &p->head.eth.dst);
	if (!m)
		return -OH_DROP_UNKNOWN_MAC;
	p->to.place = m->place;
	p->to.where = m->where;
	p->to.vni = p->vni;
	return 0;
}
