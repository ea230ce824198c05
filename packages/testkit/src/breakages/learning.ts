import type { Breakage, NamedTest } from "./breakage.ts";

const STAGES = "packages/datapath/bpf/stages";
const TESTS = "packages/datapath/test/learning";
const rejected = (what: string): NamedTest => ({
  file: `${TESTS}/answers.test.ts`,
  title: `an answer is rejected, and counted, for ${what}`,
});
const answers = (title: string): NamedTest => ({ file: `${TESTS}/answers.test.ts`, title });
const attacks = (title: string): NamedTest => ({ file: `${TESTS}/attacks.test.ts`, title });
const exchange = (title: string): NamedTest => ({ file: `${TESTS}/exchange.test.ts`, title });
const moves = (title: string): NamedTest => ({ file: `${TESTS}/moves.test.ts`, title });

/** Which messages are believed. */
const MESSAGES: readonly Breakage[] = [
  {
    name: "a message's tag is not checked",
    file: `${STAGES}/learn.h`,
    find: "if (message_tag(m, key) != r->body->tag)",
    replace: "if (0)",
    test: rejected("a tag made with another key"),
  },
  {
    name: "any answer to an open question is taken for its own",
    file: `${STAGES}/answers.h`,
    find: "if (q->nonce != m->nonce)",
    replace: "if (0)",
    test: rejected("another nonce"),
  },
  {
    name: "a teacher need not be the outer source",
    file: `${STAGES}/answers.h`,
    find: "if (m->teller != bpf_htonl(r->sender))",
    replace: "if (0)",
    test: rejected("a host that sends another's answer"),
  },
  {
    name: "another host's answer is taken in",
    file: `${STAGES}/answers.h`,
    find: "if (m->asker != bpf_htonl(cfg_host))",
    replace: "if (0)",
    test: rejected("an answer to another host's question"),
  },
  {
    name: "a question stays open when it is answered, so that its answer can be replayed",
    file: `${STAGES}/answers.h`,
    find: "bpf_map_delete_elem(&questions_v1, &r->key);\n\tbpf_map_delete_elem(&unknowns_v1, &r->key);",
    replace: "bpf_map_delete_elem(&unknowns_v1, &r->key);",
    test: rejected("being the same once more: a replay finds no open question"),
  },
  {
    name: "a question never closes by its age",
    file: `${STAGES}/answers.h`,
    find: "if (!q || !is_within(q->first, bpf_ktime_get_coarse_ns(), OH_QUESTION_OPEN))",
    replace: "if (!q)",
    test: rejected("a question that is two seconds old"),
  },
  {
    name: "a probe's answer can be replayed",
    file: `${STAGES}/answers.h`,
    find: "peer->open = open - 1;",
    replace: "",
    test: attacks("a replay of a probe's answer, too"),
  },
  {
    name: "a probe is forgotten when a refresh is answered",
    file: `${STAGES}/peer.h`,
    find: "peer->vpc = vpc;",
    replace: "peer->vpc = vpc;\n\tpeer->open = 0;",
    test: attacks("a probe's answer is taken beside the refresh's that came before it, once"),
  },
  {
    name: "an older claim replaces a newer one",
    file: `${STAGES}/answers.h`,
    find: "return order < 0 || (!order && old->host != r->sender) ? OH_LEARN_GENERATION : 0;",
    replace: "return order & 0;",
    test: answers("an entry that is known stays where the claim is older, or the same from another host"),
  },
  {
    name: "a host that was barred teaches on",
    file: `${STAGES}/answers.h`,
    find: "if (bpf_map_lookup_elem(&barred_v2, &barred))",
    replace: "if (0 && bpf_map_lookup_elem(&barred_v2, &barred))",
    test: rejected("a claim below the floor that the controllers set, a teacher that is barred"),
  },
  {
    name: "absent is taken from anyone",
    file: `${STAGES}/answers.h`,
    find: "if (!l || l->host != r->sender || claim_compare",
    replace: "if (!l || claim_compare",
    test: answers("an entry that is known is removed by its own host's absent about this very claim, and by no other"),
  },
  {
    name: "unknown is taken from anyone",
    file: `${STAGES}/answers.h`,
    find: "return asked == r->sender ? take_unknown(r) : -OH_LEARN_NOT_ITS_HUB;",
    replace: "return take_unknown(r);",
    test: rejected("unknown, from another than the hub asked"),
  },
  {
    name: "a question in another's name is answered",
    file: `${STAGES}/questions.h`,
    find: "if (m->teller || (!m->hops && reply->to != r->sender))",
    replace: "if (m->teller)",
    test: moves("questions in another's name are dropped"),
  },
];

/** Who asks, what hubs carry and say, and what silence does. */
const WAYS: readonly Breakage[] = [
  {
    name: "budgets for questions are not kept",
    file: `${STAGES}/ask.h`,
    find: "if (w->kind == OH_ASK_HUB && !within_budget(w))",
    replace: "if (0 && !within_budget(w))",
    test: answers("over the budget of the VPC or the port a packet stays on the hub, without a question"),
  },
  {
    name: "each packet that misses asks",
    file: `${STAGES}/ask.h`,
    find: "if (old && old->asked == w->to && is_within(old->last, now, OH_REASK))",
    replace: "if (0)",
    test: exchange(
      "the first packet of a pair Q31: it asks at most once in 10 ms, with the same nonce until it is answered or a second old",
    ),
  },
  {
    name: "a VPC's bound on entries is not kept",
    file: `${STAGES}/answers.h`,
    find: "use->entries >= rules->max_learned ||",
    replace: "",
    test: answers(
      "Q5: a VPC has room for so many entries; what finds none stays on the hub, and nobody else loses one",
    ),
  },
  {
    name: "an entry that is not confirmed carries packets where the VPC wants it confirmed",
    file: `${STAGES}/learned.h`,
    find: "if (p->from->learns == OH_LEARNS_CONFIRMED && ",
    replace: "if (0 && ",
    test: answers("a VPC that wants confirmed entries uses an entry only where its claim is confirmed"),
  },
  {
    name: "hubs carry what any host sends in anybody's name",
    file: `${STAGES}/pass_on.h`,
    find: "if (!admit(p, rules, to))",
    replace: "if (0)",
    test: exchange("hubs a hub drops what comes from another host than its sender's"),
  },
  {
    name: "a packet goes by a hub without the flag that says so",
    file: `${STAGES}/learned.h`,
    find: "route_to_host(p, hub & ~OH_HUB_SILENT, OH_RELAYED);",
    replace: "route_to_host(p, hub & ~OH_HUB_SILENT, 0);",
    test: exchange(
      "the first packet of a pair Q29: it is delivered by a hub, and the host that has the receiver teaches the sender's",
    ),
  },
  {
    name: "packets are passed on without end",
    file: `${STAGES}/pass_on.h`,
    find: "if ((p->relayed & OH_RELAYED_HOPS) >= OH_MAX_HOPS)",
    replace: "if (0)",
    test: exchange("hubs a packet is passed on three times at most"),
  },
  {
    name: "a hub whose table is not whole says unknown",
    file: `${STAGES}/hub.h`,
    find: "return rules && rules->is_hub && rules->fits && hub_is_synced();",
    replace: "return rules && rules->is_hub;",
    test: exchange("hubs a hub whose table is not whole says unknown to nobody, and tries the other hub once"),
  },
  {
    name: "a host that does not answer is sent to for ever",
    file: `${STAGES}/peer.h`,
    find: "\tpeer->silent = 1;\n",
    replace: "",
    test: moves("a host that does not answer is gone round by a hub after three probes, and what goes there asks"),
  },
  {
    name: "a host that returns is used at once",
    file: `${STAGES}/peer.h`,
    find: "peer->held_until = now + (OH_PEER_HOLD << (peer->falls & 7));",
    replace: "peer->held_until = now;",
    test: moves("a host that does not answer is used again when it answers a probe, but not at once"),
  },
];

const rosters = (title: string): NamedTest => ({ file: `${TESTS}/rosters.test.ts`, title });

/** One host's word for all that it taught. */
const WORDS: readonly Breakage[] = [
  {
    name: "an entry is vouched for whatever else its host has by now",
    file: `${STAGES}/vouch.h`,
    find: "if (!v || *(volatile __u32 *)&v->roster != l->roster)",
    replace: "if (!v)",
    test: rosters("where anything of the host changed, each of its entries is asked about"),
  },
  {
    name: "a host's word counts for ever",
    file: `${STAGES}/vouch.h`,
    find: "if (is_within(asked, now, OH_REFRESH)) {",
    replace: "if (1) {",
    test: rosters("Q26: one question a second is for all entries of its host"),
  },
  {
    name: "an older word replaces a newer one",
    file: `${STAGES}/vouch.h`,
    find: "} else if ((__s64)(asked - v->asked) >= 0) {",
    replace: "} else {",
    test: rosters("a word that is not to be heard an older one does not replace a newer one"),
  },
  {
    name: "a host vouches for what is about to change",
    file: "packages/agent/src/reconcile/apply.ts",
    find: "  for (const name of VOUCHING) withdrawRows(machine, name);\n",
    replace: "",
    test: {
      file: "packages/agent/test/learning.test.ts",
      title: "what a host vouches for is nothing as long as a change fails half way",
    },
  },
  {
    name: "a port that is bound anew leaves its host's roster as it was",
    file: "packages/agent/src/lower/rosters.ts",
    find: "port.id, port.generation, ",
    replace: "port.id, ",
    test: {
      file: "packages/agent/test/learning.test.ts",
      title:
        "what a host vouches for Q26: is a number that is another where a port comes, goes or is bound anew, and the same where others change",
    },
  },
  {
    name: "what is pushed is not looked up where it may be",
    file: "packages/datapath/bpf/maps/endpoints.h",
    find: ">> (32 - e->near)",
    replace: ">> (31 - e->near)",
    test: {
      file: `${TESTS}/near.test.ts`,
      title: "what is pushed goes before what was learned where 22 bits are near, as B's address has",
    },
  },
];

/** In TypeScript: who judges what was learned, and who has which key. */
const JUDGES: readonly Breakage[] = [
  {
    name: "claims are judged by a store that is being restored",
    file: "packages/controller/src/learning/judge.ts",
    find: 'if (frozen) return { verdict: "later" };',
    replace: "",
    test: {
      file: "packages/controller/test/learning.test.ts",
      title: "judging what was learned is put off while the epoch is frozen, or cannot be read",
    },
  },
  {
    name: "a claim in another host's stead is confirmed",
    file: "packages/controller/src/learning/judge.ts",
    find: " && host?.number === lesson.host",
    replace: "",
    test: {
      file: "packages/controller/test/learning.test.ts",
      title: "judging what was learned a claim in another host's stead is false",
    },
  },
  {
    name: "a key is rotated before every live host has it",
    file: "packages/controller/src/learning/keys.ts",
    find: "if (had) await refuseEarly(vpcId, had.version, rotation);",
    replace: "",
    test: {
      file: "packages/controller/test/key_rotation.test.ts",
      title: "the key of a VPC is not rotated again before every live host has reported it",
    },
  },
  {
    name: "a host whose claim was false is not barred",
    file: "packages/agent/src/learning/confirmer.ts",
    find: 'if (!kernel.get("barred", { vpc, host }))',
    replace: 'if (kernel.get("barred", { vpc, host }))',
    test: {
      file: "packages/agent/test/learning.test.ts",
      title: "confirmation of what was learned removes a false claim, bars its teacher and forgets the floor",
    },
  },
];

/** Of learning: rules that a wrong word must not get past. */
export const LEARNING: readonly Breakage[] = [...MESSAGES, ...WAYS, ...WORDS, ...JUDGES];
