/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* IPv4 (RFC 791) and the first bytes of what it carries. */
#pragma once
#include "types.h"

#define OH_IP_LEN 20
#define OH_IP_DF 0x4000
#define OH_IP_MF 0x2000
#define OH_IP_OFFSET 0x1fff
#define OH_IP_TTL 64		/* of what is made here */

#define OH_PROTO_ICMP 1
#define OH_PROTO_TCP 6
#define OH_PROTO_UDP 17

#define OH_PORT_DHCP_SERVER 67
#define OH_PORT_DHCP_CLIENT 68
#define OH_METADATA_ADDRESS 0xa9fea9fe	/* 169.254.169.254 */

struct oh_ip {
	__u8 version_ihl;
	__u8 tos;
	__be16 total_len;
	__be16 id;
	__be16 fragment;
	__u8 ttl;
	__u8 protocol;
	__u16 csum;
	oh_ip4 src;
	oh_ip4 dst;
};

#define OH_TCP_LEN 20
#define OH_TCP_CSUM 16		/* offset of the checksum */
#define OH_TCP_SYN 0x02

/* What is looked at of a transport header. */
union oh_l4 {
	struct {
		oh_l4port sport;
		oh_l4port dport;
		__u8 unread[8];
		__u8 tcp_words;		/* of the header, in the upper four bits */
		__u8 tcp_flags;
		__u16 tcp_window;
	};
	struct {
		__u8 icmp_type;
		__u8 icmp_code;
		__u16 icmp_csum;
	};
};

/* Multicast, or the limited broadcast address (RFC 1122 section 3.2.1.3). */
OH_INLINE int ip4_is_group(oh_ip4 address)
{
	return (bpf_ntohl(address) >> 28) == 0xe || address == 0xffffffff;
}

/* IPv4-mapped (RFC 4291 section 2.5.5.2). */
OH_INLINE oh_addr addr_of_ip4(oh_ip4 address)
{
	oh_addr a = { { [10] = 0xff, [11] = 0xff } };

	__builtin_memcpy(&a.b[12], &address, sizeof(address));
	return a;
}

OH_INLINE oh_ip4 ip4_of_addr(const oh_addr *a)
{
	oh_ip4 address;

	__builtin_memcpy(&address, &a->b[12], sizeof(address));
	return address;
}
