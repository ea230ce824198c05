/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/overlay_mark.h"
#include "sender.h"

/* What the outer headers said, from the metadata that the kernel's VXLAN device left. */
OH_INLINE int find_overlay_key(struct oh_pkt *p)
{
	struct bpf_tunnel_key key = {};
	__u32 mark = p->skb->mark;

	p->stage = OH_STAGE_OUTER;
	if (mark != OH_MARK_OVERLAY && mark != OH_MARK_RELAYED)
		return -OH_DROP_OVERLAY_HEADER;
	p->skb->mark = 0;
	if (bpf_skb_get_tunnel_key(p->skb, &key, sizeof(key), 0))
		return -OH_DROP_OVERLAY_HEADER;
	p->outer.ip.src = bpf_htonl(key.remote_ipv4);
	p->outer.vxlan.vni = bpf_htonl(key.tunnel_id << 8 | (mark == OH_MARK_RELAYED ? OH_RELAYED : 0));
	return find_sender(p);
}
