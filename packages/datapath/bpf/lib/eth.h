/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Ethernet and ARP (RFC 826). */
#pragma once
#include "types.h"

#define OH_ETH_LEN 14
#define OH_ETHERTYPE_IPV4 0x0800
#define OH_ETHERTYPE_ARP 0x0806

struct oh_eth {
	oh_mac dst;
	oh_mac src;
	__be16 type;
};

#define OH_ARP_REQUEST 1
#define OH_ARP_REPLY 2

/* For Ethernet and IPv4; the addresses are not aligned, so they are bytes. */
struct oh_arp {
	__be16 hardware;
	__be16 protocol;
	__u8 hardware_len;
	__u8 protocol_len;
	__be16 operation;
	oh_mac sender_mac;
	__u8 sender_ip[4];
	oh_mac target_mac;
	__u8 target_ip[4];
};

/* Every MAC in a header or a map value begins at an even offset. */
OH_INLINE int mac_equal(const oh_mac *a, const oh_mac *b)
{
	const __u16 *x = (const __u16 *)a, *y = (const __u16 *)b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2];
}

/* Multicast, broadcast included. */
OH_INLINE int mac_is_group(const oh_mac *m)
{
	return m->b[0] & 1;
}

/* 02:00 and the host's number, as routerMac() of core/src/address/mac.ts. */
OH_INLINE oh_mac router_mac(oh_host host)
{
	oh_mac m = { { 0x02, 0x00, host >> 24, host >> 16, host >> 8, host } };

	return m;
}

/* The host that a router MAC belongs to; 0: it is none. */
OH_INLINE oh_host host_of_router_mac(const oh_mac *m)
{
	if (m->b[0] != 0x02 || m->b[1])
		return 0;
	return (oh_host)m->b[2] << 24 | m->b[3] << 16 | m->b[4] << 8 | m->b[5];
}
