/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/pkt.h"
#include "../maps/destinations.h"

/* The receiver's device or host is there. Last look before the packet is changed. */
OH_INLINE int locate(struct oh_pkt *p)
{
	p->stage = OH_STAGE_LOCATE;
	if (p->to.place == OH_PLACE_LOCAL) {
		p->to.endpoint = endpoint_lookup(p->to.where);
		/* A slot may have been given to another tenant's port since the entry was read. */
		if (!p->to.endpoint || p->to.endpoint->vpc != p->vpc)
			return -OH_DROP_DEVICE_GONE;
		p->to.src = p->to.endpoint->gateway_mac;
		return 0;
	}
	p->to.host = host_lookup(p->to.where);
	if (!p->to.host)
		return -OH_DROP_UNKNOWN_HOST;
	return p->to.host->uplink ? 0 : -OH_DROP_DEVICE_GONE;
}
