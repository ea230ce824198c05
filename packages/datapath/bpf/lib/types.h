/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Semantic types: TypeScript's codecs read them from BTF and print each in its own way. */
#pragma once
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

typedef __be32 oh_ip4;		/* IPv4 address, network order */
typedef __be16 oh_l4port;	/* TCP or UDP port, network order */
typedef __u32 oh_vni;		/* VXLAN network identifier, host order, 24 bits */
typedef __u32 oh_slot;		/* a port's dense number on this host, given by the agent */
typedef __u32 oh_host;		/* a host's number */
typedef __u32 oh_ifindex;
typedef __u64 oh_ns;		/* nanoseconds of the kernel's monotonic clock */

typedef struct { __u8 b[6]; } oh_mac;
typedef struct { __u8 b[16]; } oh_addr;	/* IPv6 address, or IPv4 mapped (RFC 4291 section 2.5.5.2) */
typedef struct { __u8 b[16]; } oh_uuid;
typedef struct { __u64 k[2]; } oh_secret;	/* a SipHash key: 16 bytes, read as two little-endian words */

#define OH_INLINE static __always_inline
