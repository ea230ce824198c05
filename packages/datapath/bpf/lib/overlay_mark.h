/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Says from from_uplink to from_overlay, across the kernel's VXLAN device, that a packet passed every check. */
#pragma once

#define OH_MARK_OVERLAY 0x6f686f70
