import { setTimeout as delay } from "node:timers/promises";
import { type Guest, Lab, until } from "@onehop/lab";
import { ping } from "@onehop/lab/traffic/ping";
import { HostKernel } from "@onehop/testkit/netns/kernel";
import { Flow } from "../../bench/learn/hard/flow.ts";
import { audit } from "./audit.ts";

export interface StaticOptions {
  /** The least time that stores and controllers are gone, ms. */
  readonly aloneMs: number;
  readonly progress?: (text: string) => void;
}

/** What one run shows. */
export interface StaticResult {
  /** How long store and controllers were gone. */
  readonly alone_s: number;
  /** From the start of its agent until the guests of the host that had lost its power answered others and one another. */
  readonly reboot_s: number;
  /** From the start of the store until every host was as a compile of the whole store wants it, with changes on top. */
  readonly return_s: number;
  /** Packets between guests of other hosts, from before the first kill until the end. */
  readonly sent: number;
  readonly lost: number;
  /** Pairs of guests that had never talked, and learned of one another while all was gone. */
  readonly new_pairs: number;
  /** Of packets between guests that knew one another, while both hubs had no power either. */
  readonly without_hubs: { readonly sent: number; readonly received: number };
  /** Frames that a program dropped on the host that had lost its power, by reason. */
  readonly dropped_at_reboot: Readonly<Record<string, number>>;
}

const REBOOTED = "h3";
const HUBS = ["h4", "h5"] as const;
const document = (kind: string, name: string, more: string, spec: string): string =>
  `{apiVersion: onehop/v1, kind: ${kind}, metadata: {name: ${name}, ${more}}, spec: {${spec}}}`;
const inVpc = (network?: string): string => `project: alone, vpc: v${network ? `, network: ${network}` : ""}`;
const port = (name: string, network: string, host: string): string =>
  document("Port", name, inVpc(network), `host: ${host}, device: {kind: veth, namespace: ${name}}`);

/** A guest of a network of its own on each of h1 to h3, and two networks that two of them share; h4 and h5 are hubs. */
const FILE = [
  document("Project", "alone", "", ""),
  document("Vpc", "v", "project: alone", "cidrs: [10.0.0.0/16]"),
  ...["n1", "n2", "n3", "s", "t"].map((name, i) => document("Network", name, inVpc(), `cidr: 10.0.${i + 1}.0/24`)),
  ...[1, 2, 3].map((n) => port(`g${n}`, `n${n}`, `h${n}`)),
  ...[1, 2].map((n) => port(`s${n}`, "s", `h${n}`)),
  ...[2, 3].map((n) => port(`t${n}`, "t", `h${n}`)),
].join("\n---\n");

/** Everything that decides is killed, all agents are, and hosts lose their power, while guests talk; then all comes back. */
export async function runStatic(options: StaticOptions): Promise<StaticResult> {
  const lab = await Lab.up({ hosts: 5, hubs: HUBS.length, controllers: 2 });
  try {
    await lab.apply(FILE);
    await lab.realised();
    return await new Alone(lab, await lab.guests(), options).run();
  } finally {
    await lab.close();
  }
}

class Alone {
  readonly #lab: Lab;
  readonly #guests: readonly Guest[];
  readonly #options: StaticOptions;
  #pairs = 0;

  constructor(lab: Lab, guests: readonly Guest[], options: StaticOptions) {
    this.#lab = lab;
    this.#guests = guests;
    this.#options = options;
  }

  async run(): Promise<StaticResult> {
    const flows = [
      await Flow.start({ from: this.#guest("g1"), to: this.#guest("g2") }),
      await Flow.start({ from: this.#guest("s2"), to: this.#guest("s1") }),
    ];
    try {
      const measured = await this.#live();
      const counts = await Promise.all(flows.map((flow) => flow.stop()));
      const sent = counts.reduce((sum, c) => sum + c.sent, 0);
      return { ...measured, sent, lost: sent - counts.reduce((sum, c) => sum + c.received, 0) };
    } finally {
      await Promise.all(flows.map((flow) => flow.kill()));
    }
  }

  async #live(): Promise<Omit<StaticResult, "sent" | "lost">> {
    const { aloneMs, progress = () => undefined } = this.#options;
    const lab = this.#lab;
    progress("Killing both controllers and the store");
    await lab.killControllers();
    await lab.killStore();
    const gone = performance.now();
    progress("Killing every agent and starting it again");
    await Promise.all(lab.hosts.map(({ name }) => this.#restart(name)));
    await this.#talkAnew("g1", "t2");
    progress(`Taking ${REBOOTED}'s power away`);
    await lab.powerOff(REBOOTED);
    await lab.powerOn(REBOOTED);
    const reboot_s = await this.#reboot();
    const dropped_at_reboot = this.#withKernel(REBOOTED, (kernel) => kernel.allDrops());
    for (const [from, to] of NEW_PAIRS) await this.#talkAnew(from, to);
    progress("Taking the hubs' power away");
    await Promise.all(HUBS.map((hub) => lab.powerOff(hub)));
    const without_hubs = await this.#talkOn();
    for (const hub of HUBS) await lab.powerOn(hub);
    await Promise.all(HUBS.map((hub) => lab.startAgent(hub)));
    await until("a hub to carry packets again", async () => (await this.#talk("s2", "g3", 1)) === 1 || undefined);
    await this.#waitUntil(gone + aloneMs);
    const alone_s = seconds(gone);
    progress("Starting store and controllers again");
    const return_s = await this.#comeBack();
    return { alone_s, reboot_s, return_s, new_pairs: this.#pairs, without_hubs, dropped_at_reboot };
  }

  async #restart(host: string): Promise<void> {
    const pinned = () => this.#withKernel(host, (kernel) => kernel.pinned());
    const before = await pinned();
    await this.#lab.agents.get(host)!.kill();
    await this.#lab.startAgent(host);
    const old = new Set(Object.values(before.programs));
    await until(`the programs of ${host} to be replaced`, async () => {
      const { programs } = await pinned();
      return Object.values(programs).every((id) => !old.has(id)) || undefined;
    });
  }

  /** Guests of the host are called all the while, by one that knew them and one of their network. */
  async #reboot(): Promise<number> {
    const started = performance.now();
    await this.#lab.startAgent(REBOOTED);
    const calls = [
      ["g1", "g3"],
      ["t2", "t3"],
    ] as const;
    await Promise.all(
      calls.map(([from, to]) =>
        until(`${to} to answer`, async () => (await this.#talk(from, to, 1)) === 1 || undefined),
      ),
    );
    return seconds(started);
  }

  async #comeBack(): Promise<number> {
    const lab = this.#lab;
    const started = performance.now();
    await lab.startStore();
    await lab.startControllers();
    const { client } = lab;
    await client.delete("ports", this.#guest("t3").port_id);
    const [host] = await client.list("hosts", { name: "h2" });
    const { network_id } = this.#guest("g1");
    const device = { kind: "veth", namespace: lab.namespaceOf("late") };
    await client.create("ports", { name: "late", network_id, host_id: host!.id, device });
    let wrong: readonly string[] = [];
    await until("every host to be as the store wants it", async () => {
      wrong = await audit(lab);
      return wrong.length === 0 || undefined;
    }).catch((error: Error) => {
      throw new Error(`${error.message} ${wrong.slice(0, 10).join("; ")}`);
    });
    const took = seconds(started);
    await lab.realised();
    return took;
  }

  /** For the hour of a full run, new packets all the time. */
  async #waitUntil(end: number): Promise<void> {
    while (performance.now() < end) {
      await delay(Math.min(10_000, end - performance.now()));
      if ((await this.#talk("g3", "g1", 3)) !== 3) throw new Error("g3 and g1 do not reach each other any more.");
      this.#options.progress?.(`${seconds(end)} s to go`);
    }
  }

  /** A pair that has not talked, in networks that only the other's host serves: by a hub, which teaches. */
  async #talkAnew(from: string, to: string): Promise<void> {
    const { host } = this.#guest(from);
    const { vpc_vni: vpc, addresses } = this.#guest(to);
    const isLearned = () => this.#withKernel(host, ({ maps }) => maps.learned.get({ vpc, address: addresses[0]! }));
    if (isLearned()) throw new Error(`${host} knows ${to} already.`);
    if ((await this.#talk(from, to, 5)) !== 5) throw new Error(`${from} does not reach ${to}.`);
    await until(`${host} to learn of ${to}`, isLearned);
    this.#pairs++;
  }

  async #talkOn(): Promise<StaticResult["without_hubs"]> {
    const pairs = [...NEW_PAIRS, ["t2", "t3"]] as const;
    const received = await Promise.all(pairs.map(([from, to]) => this.#talk(from, to, EACH)));
    return { sent: EACH * pairs.length, received: received.reduce((sum, n) => sum + n, 0) };
  }

  async #talk(from: string, to: string, count: number): Promise<number> {
    const { namespace } = this.#guest(from);
    return (await ping({ namespace, to: this.#guest(to).addresses[0]!, count })).received;
  }

  #withKernel<T>(host: string, look: (kernel: HostKernel) => T): T {
    const kernel = new HostKernel(this.#lab, host);
    try {
      return look(kernel);
    } finally {
      kernel.close();
    }
  }

  #guest(name: string): Guest {
    return this.#guests.find((g) => g.port === name)!;
  }
}

const EACH = 50;
const NEW_PAIRS = [
  ["g3", "g2"],
  ["g3", "s2"],
  ["s1", "t3"],
] as const;

const seconds = (since: number): number => Math.round(Math.abs(performance.now() - since)) / 1000;
