import { packet, type RunAnswer, type Sight, type TraceObject } from "@onehop/core";
import { type Names, ref } from "./names.ts";
import { type Entry, type Said, type Scene, unbase64 } from "./scene.ts";

/** The last byte of a VXLAN header between onehop hosts (docs/learning.md): the packet goes by a hub, and how often it was passed on. */
const RELAYED = 0x80;

/** How often a packet was passed on; undefined: it goes straight. */
export const hopsOf = (reserved: number): number | undefined => (reserved & RELAYED ? reserved & ~RELAYED : undefined);

/** Whether what left the programs goes to a hub that no other host has sent it to. */
export function isForHub({ action, program, frame }: RunAnswer): boolean {
  if (action !== "host" || program !== "from_endpoint") return false;
  const vxlan = packet.decode(unbase64(frame)).find((layer) => layer.kind === "vxlan");
  return hopsOf(vxlan?.reserved2 ?? 0) === 0;
}

export const addressIn = ({ key }: Sight): string => String((key as Entry).address);

/** A host said so. */
export function learnedWords(sight: Sight, { names }: Scene): Said {
  const { host: number, port: id } = sight.value as Entry;
  const host = names.hostByNumber(Number(number));
  const port = names.port(String(id));
  const who = port ? `port ${port.name}, ` : "";
  const words = `${addressIn(sight)} is ${who}learned from host ${host?.name ?? `number ${Number(number)}`}`;
  return { words, objects: [port, host && ref("host", host)] };
}

const hubsIn = (rules: Sight, names: Names): TraceObject[] =>
  (Array.isArray(rules.value?.hubs) ? rules.value.hubs : [])
    .map((number) => names.hostByNumber(Number(number)))
    .flatMap((host) => (host ? [ref("host", host)] : []));

/** Nobody has said where the address is. */
export function hubWords(address: string, rules: Sight, { names, run }: Scene): Said {
  const hubs = hubsIn(rules, names);
  const port = names.portByAddress(names.vpcByVni(Number((rules.key as Entry).vpc))?.id ?? "", address);
  const unknown = `nothing here was told or has learned where ${address} is`;
  if (run.action !== "host") {
    const none = hubs.length === 0 ? `, and the VPC has no hub in sync` : "";
    return { words: unknown + none, objects: [port && ref("port", port)] };
  }
  const chosen = names.hostByNumber(run.to_host ?? 0);
  const words = `${unknown}: by hub ${chosen?.name ?? run.to_host}, one of ${hubs.length}, with a question beside it`;
  return { words, objects: [port && ref("port", port), chosen && ref("host", chosen)] };
}

/** What is not for a guest here. */
export function relayWords(seen: readonly Sight[], { names, run }: Scene): Said {
  const rules = seen.find((sight) => sight.table === "vpc_rules");
  const learned = seen.find((sight) => sight.table === "learned" && sight.value);
  const next = names.hostByNumber(run.to_host ?? 0);
  const vxlan = packet.decode(unbase64(run.frame)).find((layer) => layer.kind === "vxlan");
  const hops = hopsOf(vxlan?.reserved2 ?? 0);
  const as = rules?.value?.is_hub ? "a hub of the VPC" : "the guest's former host, or one that was taken for its host";
  const why = learned ? ", as learned" : "";
  const count = hops ? ` (passed on ${hops} of 3 times)` : "";
  return {
    words: `passed on to host ${next?.name ?? run.to_host} by ${as}${why}${count}`,
    objects: [next && ref("host", next)],
  };
}
