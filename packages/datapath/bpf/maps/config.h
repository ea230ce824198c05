/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Load-time settings of this host; the verifier folds them. */
#pragma once
#include "../lib/types.h"

#define DOC(text) __attribute__((btf_decl_tag("doc:" text)))
#define OH_CONFIG(type, name, text) DOC(text) const volatile type name SEC(".rodata.config")

OH_CONFIG(oh_ip4, cfg_tunnel_address, "underlay address of this host's tunnels");
OH_CONFIG(oh_host, cfg_host, "this host's number");
OH_CONFIG(__u32, cfg_watch, "1: tell of the packets that the map watches asks for, while somebody looks");
OH_CONFIG(__u32, cfg_record, "1: write what was decided about each packet to the map decision, for test runs");
OH_CONFIG(__u32, cfg_learned_age, "seconds that a learned entry may lie unused; 0: 300");
