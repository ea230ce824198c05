/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/pkt.h"
#include "../maps/limits.h"

/* So many packets a second of each class and port. */
OH_INLINE int limit_class(struct oh_pkt *p)
{
	p->stage = OH_STAGE_LIMIT;
	/* A packet that goes round again has paid. */
	return p->asked || limit_admits(p->slot, p->class) ? 0 : -OH_DROP_CLASS_LIMIT;
}
