import {
  DROP_REASONS,
  type DropReason,
  OnehopError,
  packet,
  type RunAnswer,
  type TraceAnswer,
  type TraceHost,
  type TraceObject,
} from "@onehop/core";
import type { Agents } from "./agents.ts";
import { compact, type Names, ref } from "./names.ts";
import { type Imagined, macIn, neighbourOf, packetOf, whoHas } from "./packets.ts";
import { unbase64 } from "./scene.ts";
import { decisionOf, stagesOf } from "./words.ts";
import { isForHub } from "./words_learning.ts";

export interface Predicting {
  readonly agents: Agents;
  readonly names: Names;
}

/** What a prediction is, with what a live packet needs. */
export interface Prediction {
  readonly answer: TraceAnswer;
  /** As the guest would send it; undefined where it has no MAC to send it to. */
  readonly frame: Uint8Array | undefined;
}

/** Hosts that one packet may see: the sender's, the receiver's, and three that pass it on. */
const MOST_HOSTS = 5;

/** Reasons that mean: this host does not know the receiver. */
const UNKNOWING: ReadonlySet<DropReason> = new Set([
  "unknown_mac",
  "unknown_destination",
  "no_route",
  "not_here",
  "next_hop",
]);

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** One host's run, or why there is none. */
interface Step {
  readonly told: TraceHost;
  readonly run?: RunAnswer;
}

/** The packet's way, by the programs and tables of the hosts on it. */
export class Predictor {
  readonly #about: Imagined;
  readonly #agents: Agents;
  readonly #names: Names;

  constructor(about: Imagined, { agents, names }: Predicting) {
    this.#about = about;
    this.#agents = agents;
    this.#names = names;
  }

  async predict(): Promise<Prediction> {
    const sender = this.#names.host(this.#about.port.host_id)!;
    const arp = this.#about.protocol === "arp" ? undefined : await this.#ask(sender);
    const mac = arp?.run && macIn(unbase64(arp.run.frame));
    if (arp && mac === undefined) {
      const frame = whoHas(this.#about, neighbourOf(this.#about));
      return { answer: this.#answer(frame, [arp]), frame: undefined };
    }
    const frame = packetOf(this.#about, mac);
    const steps = await this.#follow(frame, sender);
    return { answer: this.#answer(frame, steps, arp?.told), frame };
  }

  #ask(sender: TraceObject): Promise<Step> {
    return this.#run(sender, whoHas(this.#about, neighbourOf(this.#about)), this.#about.port.id);
  }

  async #follow(frame: Uint8Array, sender: TraceObject): Promise<Step[]> {
    const steps = [await this.#run(sender, frame, this.#about.port.id)];
    for (;;) {
      const run = steps.at(-1)?.run;
      if (run?.action !== "host" || steps.length === MOST_HOSTS) return steps;
      const next = this.#names.hostByNumber(run.to_host ?? 0);
      if (next?.kind !== "onehop") return steps;
      steps.push(await this.#run(ref("host", next), unbase64(run.frame)));
    }
  }

  async #run(host: TraceObject, frame: Uint8Array, portId?: string): Promise<Step> {
    const question = {
      what: "run",
      frame: base64(frame),
      ...(portId === undefined ? {} : { port_id: portId }),
    } as const;
    try {
      const run = (await this.#agents.ask(host.id, question)) as RunAnswer;
      const scene = { names: this.#names, vpc_id: this.#about.port.vpc_id, run, frame };
      const told = { host, program: run.program, stages: stagesOf(scene), decision: decisionOf(scene) };
      return { run, told: { ...told, frame: packet.describe(unbase64(run.frame)) } };
    } catch (error) {
      if (!(error instanceof OnehopError) || error.detail.status !== 503) throw error;
      const decision = { action: "unknown", words: error.message, hint: error.detail.hint ?? "" } as const;
      return { told: { host, stages: [], decision } };
    }
  }

  #answer(frame: Uint8Array, steps: readonly Step[], arp?: TraceHost): TraceAnswer {
    const { port, address } = this.#about;
    const target = this.#names.portByAddress(port.vpc_id, address);
    return {
      ...this.#withHub(steps, this.#outcome(steps.at(-1)!, frame)),
      from: this.#names.end(port.addresses[0] ?? "", port),
      to: this.#names.end(address, target),
      packet: packet.describe(frame),
      ...(arp ? { arp } : {}),
      hosts: steps.map((s) => s.told),
    };
  }

  /** By which hub the first packet goes, and what comes of it. */
  #withHub<T extends { readonly outcome: string; readonly summary: string }>(steps: readonly Step[], found: T): T {
    const run = steps[0]?.run;
    if (!run || !isForHub(run)) return found;
    const hub = this.#names.hostByNumber(run.to_host ?? 0);
    const end = steps.at(-1)?.run;
    const learns = end?.action === "guest" && steps.length > 2;
    const then = learns ? "; from then on they go straight" : "";
    return { ...found, summary: `${found.summary} The first packet goes by hub ${hub?.name ?? run.to_host}${then}.` };
  }

  #outcome({ run, told }: Step, frame: Uint8Array): Pick<TraceAnswer, "outcome" | "summary" | "reason" | "hint"> {
    const { host, decision } = told;
    if (!run) return { outcome: "unknown", summary: decision.words, ...compact({ hint: decision.hint }) };
    if (run.reason) {
      const { title, hint } = DROP_REASONS[run.reason];
      const asked = packet.decode(frame)[1]?.kind === "arp" && this.#about.protocol !== "arp";
      const summary = `Dropped on host ${host.name}${asked ? ", where the guest asks for the MAC" : ""}: ${title}`;
      return {
        outcome: "dropped",
        summary,
        reason: run.reason,
        hint: (UNKNOWING.has(run.reason) && this.#doubt(host)) || hint,
      };
    }
    if (run.action === "guest") {
      const to = this.#names.port(run.to_port);
      const where = told.host.id === this.#about.port.host_id ? "the same host" : `host ${host.name}`;
      return { outcome: "delivered", summary: `Delivered to port ${to?.name ?? run.to_port} on ${where}.` };
    }
    if (run.action === "reply") return { outcome: "answered", summary: `Answered by host ${host.name} itself.` };
    if (run.action === "host") return this.#handedOver(run);
    return { outcome: "unknown", summary: `On host ${host.name} it was ${decision.words}.` };
  }

  #handedOver({ to_host }: RunAnswer): Pick<TraceAnswer, "outcome" | "summary"> {
    const to = this.#names.hostByNumber(to_host ?? 0);
    if (to?.kind === "vxlan-peer")
      return { outcome: "delivered", summary: `Handed to the plain VXLAN peer ${to.name}, which cannot be asked.` };
    return { outcome: "unknown", summary: `Sent to host number ${to_host}, which is not known.` };
  }

  /** Where Intent has a port with the address, the tables that do not know it are what is wrong. */
  #doubt(host: TraceObject): string | undefined {
    const { port, address } = this.#about;
    const target = this.#names.portByAddress(port.vpc_id, address);
    if (!target) return undefined;
    const at = this.#names.host(target.host_id);
    if (!at) return `Port ${target.name} has ${address} and is bound to no host: onehop port bind ${target.name}.`;
    return `Port ${target.name} has ${address} on host ${at.name}. Compare onehop port show ${target.name} and onehop host datapath ${host.name}.`;
  }
}
