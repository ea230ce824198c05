// SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause)
/* On the host side of every guest's link: what a guest sends. */
#include "lib/pkt.h"
#include "stages/endpoint.h"
#include "stages/parse.h"
#include "stages/watch.h"
#include "stages/classify.h"
#include "stages/source_guard.h"
#include "stages/limit.h"
#include "stages/answer_arp.h"
#include "stages/serve.h"
#include "stages/switch.h"
#include "stages/route.h"
#include "stages/locate.h"
#include "stages/ask.h"
#include "stages/size.h"
#include "stages/rewrite.h"
#include "stages/deliver.h"
#include "stages/answer_error.h"
#include "stages/finish.h"

SEC("tc")
int from_endpoint(struct __sk_buff *skb)
{
	struct oh_pkt p = {
		.skb = skb, .program = OH_PROGRAM_FROM_ENDPOINT, .slot = OH_NO_SLOT, .len = skb->len,
	};
	int rc = find_endpoint(&p) ?: parse(&p) ?: watch_came(&p) ?: classify(&p) ?: source_guard(&p)
		?: limit_class(&p) ?: answer_arp(&p) ?: serve(&p) ?: switch_frame(&p) ?: route(&p) ?: locate(&p)
		?: ask(&p) ?: fit(&p) ?: rewrite(&p) ?: deliver(&p);

	return finish(&p, answer_error(&p, rc));
}

char _license[] SEC("license") = "Dual BSD/GPL";
