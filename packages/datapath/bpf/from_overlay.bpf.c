// SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause)
/* On the idle VXLAN device: super-packets that the kernel had to decapsulate. */
#include "lib/pkt.h"
#include "stages/overlay_key.h"
#include "stages/parse.h"
#include "stages/overlay.h"
#include "stages/locate.h"
#include "stages/rewrite.h"
#include "stages/deliver.h"
#include "stages/finish.h"

SEC("tc")
int from_overlay(struct __sk_buff *skb)
{
	struct oh_pkt p = {
		.skb = skb, .program = OH_PROGRAM_FROM_OVERLAY, .slot = OH_NO_SLOT, .len = skb->len,
	};
	int rc = find_overlay_key(&p) ?: parse(&p) ?: overlay(&p) ?: locate(&p) ?: rewrite(&p) ?: deliver_here(&p);

	return finish(&p, rc);
}

char _license[] SEC("license") = "Dual BSD/GPL";
