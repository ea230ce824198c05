import {
  assignSlots,
  DEFAULT_LIMITS,
  type Entries,
  type Facts,
  KEY_TEXT,
  type LinkFact,
  lower,
  openPlan,
  type Rows,
  TABLE_NAMES,
  type TableName,
} from "@onehop/agent/lower/index";
import { sameValue } from "@onehop/agent/reconcile/delta_tracker";
import { attachmentsOf } from "@onehop/agent/reconcile/goal";
import { attachmentText } from "@onehop/agent/reconcile/mirror";
import { compileAll } from "@onehop/controller/compile/index";
import { Facts as LearningFacts } from "@onehop/controller/learning/facts";
import { Reports } from "@onehop/controller/realise/reports";
import type { HostPlan } from "@onehop/core";
import { listAttachments, type TypedMap } from "@onehop/datapath";
import { type Lab, run } from "@onehop/lab";
import type { LabHost } from "@onehop/lab/fabric/plan";
import { IntentView, keys, openStore } from "@onehop/store";
import { HostKernel } from "@onehop/testkit/netns/kernel";

/**
 * Compiles what the store of a lab has, lowers it for each host by the lab's own plan of the underlay, and compares that
 * with the kernels' maps and links. Empty: they are equal. Else a line for each difference.
 */
export async function audit(lab: Lab): Promise<string[]> {
  const plans = await plansOf(lab.storeUrl);
  const found = await Promise.all(lab.hosts.map((host) => auditHost(lab, host, plans.get(host.name))));
  return found.flat();
}

/** Every host's plan from the store alone, by the host's name. */
async function plansOf(url: string): Promise<Map<string, HostPlan>> {
  const store = openStore(url);
  const ending = new AbortController();
  try {
    const [intent, vpcKeys, reported, epoch] = await Promise.all([
      IntentView.open({ store, signal: ending.signal }),
      store.range({ prefix: keys.vpcKeys }),
      store.range({ prefix: keys.reports }),
      store.get(keys.epoch),
    ]);
    const reports = new Reports();
    const facts = new LearningFacts(reports);
    facts.listKeys(vpcKeys.entries);
    facts.setEpoch(epoch?.value);
    facts.reported(reports.replaceAll(reported.entries));
    const plans = compileAll(intent, facts);
    return new Map([...intent.hosts.values()].flatMap((h) => [[h.name, plans.get(h.id) ?? new Map()] as const]));
  } finally {
    ending.abort();
    await store.close();
  }
}

async function auditHost(lab: Lab, host: LabHost, plan: HostPlan | undefined): Promise<string[]> {
  const opened = plan && openPlan(plan);
  if (!plan || !opened) return [`${host.name}: the store has no whole plan for it`];
  const kernel = new HostKernel(lab, host.name);
  try {
    const links = await linksOf(host);
    const had = new Map([...kernel.maps.endpoints.entries()].map(([slot, { port }]) => [port, slot] as const));
    const local = opened.local.map(({ port }) => port.id);
    const uplinks = host.uplinks.flatMap((up) => links.get(up.device) ?? []);
    const facts: Facts = {
      links,
      uplinks: host.uplinks.map((up) => up.device),
      underlayMtu: lab.fabric.mtu,
      nextHops: nextHopsOf(lab, host, links),
      slots: assignSlots(had, local),
      limits: DEFAULT_LIMITS,
    };
    const { entries } = lower(plan, facts)!;
    const tables = TABLE_NAMES.flatMap((name) => differences(name, entries, kernel));
    const overlay = links.get("oh-vxlan")?.ifindex ?? 0;
    const attached = attachmentsOf(entries, { uplinks: uplinks.map((up) => ({ ...up, kind: "other" })), overlay });
    const wanted = attached.map(([what, { ifindex }]) => `${attachmentText(what)} on ${ifindex}`);
    return [...tables, ...programs(wanted, lab.files.pins(host.name))].map((line) => `${host.name}: ${line}`);
  } finally {
    kernel.close();
  }
}

interface Link {
  readonly ifindex: number;
  readonly ifname: string;
  readonly mtu: number;
  readonly flags: readonly string[];
  readonly link_netnsid?: number;
  readonly linkinfo?: { readonly info_kind?: string };
}

async function linksOf({ namespace }: LabHost): Promise<Map<string, LinkFact>> {
  const links = JSON.parse(await run(["ip", "-n", namespace, "-d", "-j", "link", "show"])) as Link[];
  const factOf = ({ ifindex, ifname: name, mtu, flags, link_netnsid, linkinfo }: Link): LinkFact => {
    const isGuests = linkinfo?.info_kind === "veth" && link_netnsid !== undefined;
    return { ifindex, name, kind: isGuests ? "veth" : "other", mtu, up: flags.includes("UP") };
  };
  return new Map(links.map((link) => [link.ifname, factOf(link)]));
}

/** In a lab of one uplink a host, everything goes by that. */
function nextHopsOf(lab: Lab, host: LabHost, links: ReadonlyMap<string, LinkFact>): Facts["nextHops"] {
  const [up] = host.uplinks;
  const hop = { uplink: links.get(up!.device)?.ifindex ?? 0, next_hop: up!.routerAddress };
  return new Map(lab.hosts.filter((other) => other !== host).map((other) => [other.tunnelAddress, hop]));
}

function differences<T extends TableName>(name: T, entries: Entries, kernel: HostKernel): string[] {
  const map = kernel.maps[name] as unknown as TypedMap<Rows[T][0], Rows[T][1]>;
  const text = KEY_TEXT[name] as (key: Rows[T][0]) => string;
  const there = new Map([...map.entries()].map(([key, value]) => [text(key), value]));
  const wanted = entries[name].rows as ReadonlyMap<string, Rows[T]>;
  const lines: string[] = [];
  for (const [key, [, value]] of wanted) {
    const is = there.get(key);
    if (!is) lines.push(`${name} lacks ${key}`);
    else if (!sameValue(is, value)) lines.push(`${name} has another value of ${key}`);
  }
  for (const [key, value] of there) if (!wanted.has(key) && !isEmpty(value)) lines.push(`${name} has ${key} too much`);
  return lines;
}

/** A row of an array that nobody uses is there all the same. */
const isEmpty = (value: unknown): boolean =>
  typeof value === "object" && value !== null
    ? Object.values(value).every(isEmpty)
    : [0, 0n, "", "0.0.0.0", "::", "00:00:00:00:00:00", NO_PORT].includes(value as string);
const NO_PORT = "00000000-0000-0000-0000-000000000000";

function programs(wanted: readonly string[], pins: string): string[] {
  const there = listAttachments(`${pins}/links`).map(({ pinPath, ifindex }) => {
    const [, place, owner] = /([a-z]+)_([^/]+)$/.exec(pinPath) ?? [];
    return `${place} ${owner} on ${ifindex}`;
  });
  return [
    ...wanted.filter((line) => !there.includes(line)).map((line) => `no program at ${line}`),
    ...there.filter((line) => !wanted.includes(line)).map((line) => `a program too much at ${line}`),
  ];
}
