// SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause)
/* Attached nowhere: a test run of it puts its frame on the device that the mark names, as if it had come in there. */
#include <linux/pkt_cls.h>
#include "lib/types.h"

SEC("tc")
int inject(struct __sk_buff *skb)
{
	__u32 device = skb->mark;

	skb->mark = 0;
	return bpf_clone_redirect(skb, device, BPF_F_INGRESS) ? TC_ACT_SHOT : TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
