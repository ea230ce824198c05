import { DROP_REASONS, type DropReason, packet, type RunAnswer, type RunQuestion } from "@onehop/core";
import type { Kernel, Tried } from "../kernel/kernel.ts";
import type { Mirror } from "../reconcile/mirror.ts";
import { Sights } from "./sights.ts";
import { stagesOf } from "./stages.ts";

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
export const unbase64 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "base64"));

/** Undefined for "none". */
export const reasonOf = (reason: Tried["reason"]): DropReason | undefined =>
  reason !== "none" && reason in DROP_REASONS ? reason : undefined;

export interface Host {
  readonly kernel: Kernel;
  readonly mirror: Mirror;
}

export class NotHere extends Error {
  constructor() {
    super("the port is not on this host");
  }
}

/** What this host would do with a frame, with what it looked at on the way. Throws where it does not have the port. */
export async function runFrame(question: RunQuestion, { kernel, mirror }: Host): Promise<RunAnswer> {
  const slot = question.port_id === undefined ? undefined : mirror.slots().get(question.port_id);
  if (question.port_id !== undefined && slot === undefined) throw new NotHere();
  const frame = unbase64(question.frame);
  const tried = kernel.tryFrame(slot, frame);
  const devices = new Map([...(await kernel.devices()).values()].map((d) => [d.ifindex, d.name]));
  const program = slot === undefined ? "from_uplink" : "from_endpoint";
  const { found } = new Sights(kernel, { slot, layers: packet.decode(frame) }, tried);
  const device = slot === undefined ? undefined : devices.get(kernel.get("endpoints", slot)?.ifindex ?? 0);
  const reason = reasonOf(tried.reason);
  return {
    program,
    ...(device === undefined ? {} : { device }),
    stages: stagesOf(program, tried).map((stage) => ({ stage, seen: found.get(stage) ?? [] })),
    class: tried.class,
    action: tried.action,
    ...(reason ? { reason } : {}),
    ...ending(tried, { kernel, mirror }, devices),
    frame: base64(tried.frame),
  };
}

function ending(tried: Tried, { kernel, mirror }: Host, devices: ReadonlyMap<number, string>): Partial<RunAnswer> {
  if (tried.action === "guest") {
    const to = portAt(mirror, tried.slot);
    return to === undefined ? {} : { to_port: to };
  }
  if (tried.action !== "host") return {};
  const next_hop = kernel.get("hosts", tried.host)?.next_hop ?? "";
  return { to_host: tried.host, out: { device: devices.get(tried.ifindex) ?? String(tried.ifindex), next_hop } };
}

/** Port that has the slot. */
export function portAt(mirror: Mirror, slot: number | undefined): string | undefined {
  if (slot === undefined) return undefined;
  return mirror.table("endpoints").actual().get(String(slot))?.[1].port;
}

/** As if the port's guest had sent it. */
export function injectFrame(portId: string, frame: string, { kernel, mirror }: Host): { readonly sent: true } {
  const slot = mirror.slots().get(portId);
  if (slot === undefined) throw new NotHere();
  const ifindex = kernel.get("endpoints", slot)?.ifindex;
  if (!ifindex) throw new Error("the port has no device on this host");
  kernel.inject(ifindex, unbase64(frame));
  return { sent: true };
}
