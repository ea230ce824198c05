/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* VXLAN over UDP over IPv4 (RFC 7348). */
#pragma once
#include "types.h"
#include "eth.h"
#include "ip.h"

#define OH_VXLAN_PORT 4789
#define OH_PORT_LEARNING 4797	/* questions and answers, source and destination; not assigned by IANA */
#define OH_VXLAN_VNI_VALID 0x08000000	/* the I flag; all other bits are reserved */
#define OH_VXLAN_OVERHEAD 50		/* outer IPv4, UDP and VXLAN, inner Ethernet */
#define OH_FIRST_SOURCE_PORT 49152	/* RFC 7348 section 5: 49152 to 65535 */

/* The last byte of a routed packet's VXLAN header, between onehop hosts. */
#define OH_RELAYED 0x80		/* it goes, or went, by a hub */
#define OH_RELAYED_HOPS 0x7f	/* times it was passed on */

struct oh_udp {
	oh_l4port sport;
	oh_l4port dport;
	__be16 len;
	__u16 csum;
};

struct oh_vxlan {
	__be32 flags;
	__be32 vni;		/* 24 bits and a reserved byte */
};

/* What comes before the inner Ethernet header, but for the outer one. */
struct oh_outer {
	struct oh_ip ip;
	struct oh_udp udp;
	struct oh_vxlan vxlan;
};
