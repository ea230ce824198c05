/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Messages as datagrams. */
#pragma once
#include "../lib/csum.h"
#include "../lib/message.h"
#include "../maps/config.h"
#include "../maps/hosts.h"
#include "deliver.h"

OH_INLINE void envelope_to(struct oh_envelope *e, oh_ip4 to)
{
	e->ip.version_ihl = 0x45;
	e->ip.total_len = bpf_htons(OH_MESSAGE_LEN);
	e->ip.fragment = bpf_htons(OH_IP_DF);
	e->ip.ttl = OH_IP_TTL;
	e->ip.protocol = OH_PROTO_UDP;
	e->ip.src = cfg_tunnel_address;
	e->ip.dst = to;
	e->ip.csum = csum_of_20(&e->ip);
	e->udp.sport = e->udp.dport = bpf_htons(OH_PORT_LEARNING);
	e->udp.len = bpf_htons(OH_MESSAGE_LEN - OH_IP_LEN);
}

/* To the underlay, without a packet's state. */
OH_INLINE int send_to(const struct host *host)
{
	struct bpf_redir_neigh hop = { .nh_family = OH_AF_INET, .ipv4_nh = host->next_hop };

	return host->next_hop ? bpf_redirect_neigh(host->uplink, &hop, sizeof(hop), 0)
			      : bpf_redirect_neigh(host->uplink, 0, 0, 0);
}
