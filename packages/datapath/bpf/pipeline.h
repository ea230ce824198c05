/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* The order of things, once. docs/pipeline.md has a heading for each stage. */
#pragma once

enum oh_program {
	OH_PROGRAM_FROM_ENDPOINT = 1,	/* tc, on the host side of every guest's link */
	OH_PROGRAM_FROM_UPLINK,		/* tc, on every underlay device */
	OH_PROGRAM_FROM_OVERLAY,	/* tc, on the idle VXLAN device */
};

/* What kind of packet it is; each class has counters and a limit. */
enum oh_class {
	OH_CLASS_OTHER = 0,	/* cut short, or an ethertype that is not carried */
	OH_CLASS_ARP,
	OH_CLASS_DHCP,
	OH_CLASS_METADATA,
	OH_CLASS_BROADCAST,	/* and multicast */
	OH_CLASS_LAYER2,	/* unicast within the network */
	OH_CLASS_LAYER3,	/* to the gateway's MAC */
	OH_CLASS_ICMP_ERROR,	/* errors made here for the port */
	OH_CLASS_MAX,
};

/* In packet order. */
enum oh_stage {
	OH_STAGE_ENDPOINT = 1,	/* which port the device belongs to */
	OH_STAGE_OUTER,		/* outer and VXLAN headers, known host, VNI */
	OH_STAGE_LEARN,		/* questions and answers of other hosts */
	OH_STAGE_PARSE,		/* the guest's frame */
	OH_STAGE_CLASSIFY,
	OH_STAGE_SOURCE_GUARD,	/* MAC, IPv4 and ARP source are the port's own */
	OH_STAGE_LIMIT,
	OH_STAGE_ANSWER_ARP,
	OH_STAGE_SERVE,		/* DHCP, metadata and broadcast: what the host itself would answer */
	OH_STAGE_SWITCH,	/* layer 2: macs */
	OH_STAGE_ROUTE,		/* layer 3: destinations, routes; the gateway's own address */
	OH_STAGE_LOCATE,	/* the receiver's device or host is there */
	OH_STAGE_ASK,		/* a question beside a packet whose receiver's host is not known, or silent */
	OH_STAGE_SIZE,		/* MTU and MSS */
	OH_STAGE_RELAY,		/* from a tunnel on to another host: by a hub, or by a guest's former host */
	OH_STAGE_REWRITE,	/* TTL and inner MACs */
	OH_STAGE_DELIVER,	/* to the guest, or encapsulated to a host */
	OH_STAGE_MAX,
};
