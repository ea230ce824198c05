/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Says from from_uplink to from_overlay, across the kernel's VXLAN device, that a packet passed every check. */
#pragma once

#define OH_MARK_OVERLAY 0x6f686f70
#define OH_MARK_RELAYED 0x6f686f71	/* the same, of a packet that went by a hub */

/* On a packet that goes round to its own device again, since the first went as a message: which messages went. */
#define OH_MARK_AGAIN 0x6f686100
#define OH_MARK_AGAIN_MASK 0xffffff00
#define OH_ASKED_HOST 1
#define OH_ASKED_PEER 2
