// SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause)
/* On every underlay device: what other hosts send to the guests here. */
#include "lib/pkt.h"
#include "stages/outer.h"
#include "stages/enter.h"
#include "stages/locate.h"
#include "stages/relay.h"
#include "stages/decapsulate.h"
#include "stages/rewrite.h"
#include "stages/deliver.h"
#include "stages/finish.h"

SEC("tc")
int from_uplink(struct __sk_buff *skb)
{
	struct oh_pkt p = {
		.skb = skb, .program = OH_PROGRAM_FROM_UPLINK, .slot = OH_NO_SLOT, .len = skb->len,
	};
	int rc = find_outer(&p) ?: enter(&p) ?: locate(&p) ?: relay(&p) ?: decapsulate(&p) ?: rewrite(&p)
		?: deliver_here(&p);

	return finish(&p, rc);
}

char _license[] SEC("license") = "Dual BSD/GPL";
