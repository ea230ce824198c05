/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/pkt.h"

/* What the host itself would answer or copy: nothing yet. */
OH_INLINE int serve(struct oh_pkt *p)
{
	p->stage = OH_STAGE_SERVE;
	switch (p->class) {
	case OH_CLASS_DHCP:
	case OH_CLASS_METADATA:
		return -OH_DROP_SERVICE;
	case OH_CLASS_BROADCAST:
		return -OH_DROP_BROADCAST;
	default:
		return 0;
	}
}
