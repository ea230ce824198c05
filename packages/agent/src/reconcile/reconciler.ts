import type { Clock, HostPlan, PortProblem } from "@onehop/core";
import type { ClassLimit } from "@onehop/datapath/maps.gen";
import type { Device, HostConfig, Kernel } from "../kernel/kernel.ts";
import { Lingering } from "../learning/lingering.ts";
import { Moves } from "../learning/moves.ts";
import { assignSlots, type Entries, type Facts, guestLinks, Lowering, type Opened } from "../lower/index.ts";
import { apply, want } from "./apply.ts";
import { Brake } from "./brake.ts";
import { sameValue } from "./delta_tracker.ts";
import { attachmentsOf, linkWork, ownLinks } from "./goal.ts";
import { MachineFacts } from "./machine_facts.ts";
import { Mirror } from "./mirror.ts";

export interface ReconcilerOptions {
  readonly kernel: Kernel;
  readonly clock: Clock;
  /** Names of the underlay devices. */
  readonly uplinks: readonly string[];
  readonly limits: Readonly<Partial<Record<string, ClassLimit>>>;
  readonly warn: (message: string) => void;
}

/**
 * done: the kernel is as planned, but for these ports, and holds the whole tables of these VPCs as their hub. held: the
 * brake holds for so many milliseconds. waiting: no whole plan.
 */
export type Result =
  | { readonly state: "done"; readonly problems: readonly PortProblem[]; readonly hub_of: readonly string[] }
  | { readonly state: "held"; readonly milliseconds: number }
  | { readonly state: "waiting" };

/** One way from a plan to the kernel: start-up, every change and repair take it. */
export class Reconciler {
  readonly mirror = new Mirror();
  readonly #options: ReconcilerOptions;
  readonly #lowering = new Lowering();
  readonly #brake = new Brake();
  readonly #lingering = new Lingering();
  readonly #moves = new Moves();
  readonly #machine: MachineFacts;
  #loaded: HostConfig | undefined;
  #overlay = 0;
  #fresh = false;
  #lookTook = 0;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#machine = new MachineFacts(options.kernel);
  }

  /** Whether programs and maps are open: there is something to read. */
  get loaded(): boolean {
    return this.#loaded !== undefined;
  }

  /** Whether the next run need not ask for devices. */
  get remembersMachine(): boolean {
    return this.#machine.remembered;
  }

  /** Milliseconds that reading the kernel's state took last. */
  get lookTook(): number {
    return this.#lookTook;
  }

  /** Whether this host is a hub of any VPC, as far as the kernel knows. */
  get isHub(): boolean {
    return [...this.mirror.table("vpc_rules").actual().values()].some(([, rules]) => rules.is_hub === 1);
  }

  /** The tables of the VPCs that this host is a hub of are whole until then: nanoseconds of the kernel's clock. */
  renewSync(until: bigint): void {
    this.#options.kernel.write("hub_sync", [[0, { until }]]);
  }

  /** The next run reads the kernel's state anew instead of trusting what it remembers. */
  distrust(): void {
    this.#fresh = false;
    this.machineChanged();
  }

  /** The next run asks for devices and next hops anew, as far as they may be others. `ifindex`: only this device changed. */
  machineChanged(ifindex?: number): void {
    this.#machine.changed(ifindex);
  }

  /** What fails, or leaves a port degraded, may do so because of what is remembered and is so no more. */
  async run(plan: HostPlan): Promise<Result> {
    const { remembered } = this.#machine;
    let well = false;
    try {
      const result = await this.#attempt(plan);
      well = result.state !== "done" || result.problems.length === 0;
      if (well || !remembered) return result;
    } finally {
      if (!well) this.machineChanged();
    }
    return this.run(plan);
  }

  async #attempt(plan: HostPlan): Promise<Result> {
    const { kernel, clock, warn } = this.#options;
    const opened = this.#lowering.open(plan);
    if (!opened || !(await this.#load(opened))) return { state: "waiting" };
    const local = new Set(opened.local.map(({ port }) => port.id));
    const hold = this.#brake.hold(new Set(this.mirror.slots().keys()), local, clock.now());
    if (hold > 0) {
      warn(`The plan takes most of this host's ports away; it is done in ${Math.ceil(hold / 1000)} s if it stands.`);
      return { state: "held", milliseconds: hold };
    }
    const { devices, problems, later } = await this.#makeLinks(opened);
    const facts = await this.#facts(opened, devices, local);
    const lowered = this.#lowering.lower(opened, facts);
    this.#lingering.keep(lowered.entries, this.mirror, clock.now());
    const underlay = { uplinks: this.#uplinks(devices), overlay: this.#overlay };
    const goal = {
      entries: lowered.entries,
      attachments: attachmentsOf(lowered.entries, underlay),
      ownLinks: ownLinks(opened),
    };
    want(this.mirror, goal);
    this.#rememberMoves(lowered.entries, opened);
    // Should it throw, what was done is not known.
    this.#fresh = false;
    const refused = await apply({ kernel, links: this.#machine, mirror: this.mirror, devices }, goal);
    this.#fresh = true;
    if (later) return this.#attempt(plan);
    const all = firstOfEach([...problems, ...lowered.problems, ...refused]);
    return { state: "done", problems: all, hub_of: lowered.hub_of };
  }

  /** Where what is about to change was, as far as hubs must know. */
  #rememberMoves({ vpc_rules }: Entries, { own }: Opened): void {
    const { kernel, clock, warn } = this.#options;
    const hubbed = new Set([...vpc_rules.rows.values()].filter(([, r]) => r.is_hub).map(([{ vpc }]) => vpc));
    const times = { now: clock.now(), kernelNow: kernel.now() };
    const moved = this.#moves.note({
      destinations: this.mirror.table("destinations"),
      hubbed,
      own: own.number,
      ...times,
    });
    try {
      if (moved.length > 0) kernel.write("moved", moved);
    } catch (error) {
      // More moved than there is room for: their packets may be lost for a second, which is no reason to apply nothing.
      warn(`Not all of ${moved.length} moves can be remembered: ${(error as Error).message}`);
    }
  }

  /** The plan says who we are; programs are made for that. False: it does not know this host's address. */
  async #load({ own, hostByNumber }: Opened): Promise<boolean> {
    const { kernel, clock } = this.#options;
    const self = hostByNumber.get(own.number);
    if (!self) return false;
    const config = { tunnel_address: self.tunnel_address, number: own.number };
    if (!sameValue(config, this.#loaded)) {
      kernel.load(config);
      this.#loaded = config;
      this.#fresh = false;
    }
    if (!this.#fresh) {
      this.#overlay = await kernel.overlayDevice();
      const started = clock.now();
      this.mirror.reread(kernel);
      this.#lookTook = clock.now() - started;
    }
    return true;
  }

  async #makeLinks(plan: Opened) {
    const devices = await this.#machine.devices();
    const work = linkWork(guestLinks(plan, this.#underlayMtu(devices)), devices);
    const problems = [...work.problems];
    for (const device of work.remake) await this.#machine.removeGuestLink(device);
    for (const link of work.make) {
      try {
        await this.#machine.makeGuestLink(link);
      } catch (error) {
        problems.push({ port_id: link.port_id, reason: `Its link cannot be made: ${(error as Error).message}` });
      }
    }
    return { devices: await this.#machine.devices(), problems, later: work.later.length > 0 };
  }

  async #facts(plan: Opened, devices: ReadonlyMap<string, Device>, local: ReadonlySet<string>): Promise<Facts> {
    const others = plan.hosts.filter((h) => h.number !== plan.own.number).map((h) => h.tunnel_address);
    return {
      links: devices,
      uplinks: this.#options.uplinks,
      underlayMtu: this.#underlayMtu(devices),
      nextHops: await this.#machine.nextHops(others),
      slots: assignSlots(this.mirror.slots(), local),
      limits: this.#options.limits,
    };
  }

  #uplinks(devices: ReadonlyMap<string, Device>): Device[] {
    return this.#options.uplinks.flatMap((name) => devices.get(name) ?? []);
  }

  /** Without an uplink nothing is encapsulated, and nothing has to be smaller for it. */
  #underlayMtu(devices: ReadonlyMap<string, Device>): number {
    const mtus = this.#uplinks(devices).map((d) => d.mtu);
    return mtus.length === 0 ? DEFAULT_UNDERLAY_MTU : Math.min(...mtus);
  }
}

const DEFAULT_UNDERLAY_MTU = 1500;

/** A link that could not be made is also missing: the first reason says more. */
function firstOfEach(problems: readonly PortProblem[]): PortProblem[] {
  const first = new Map<string, PortProblem>();
  for (const problem of problems) if (!first.has(problem.port_id)) first.set(problem.port_id, problem);
  return [...first.values()];
}
