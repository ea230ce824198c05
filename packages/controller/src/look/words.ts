import {
  DROP_REASONS,
  packet,
  type RunAnswer,
  type RunStage,
  type Sight,
  type TraceDecision,
  type TraceStage,
} from "@onehop/core";
import { type Names, ref } from "./names.ts";
import { type Entry, type Said, type Scene, unbase64 } from "./scene.ts";
import { addressIn, hopsOf, hubWords, learnedWords, relayWords } from "./words_learning.ts";

const PLACE = { local: 1, remote: 2, peer: 3, gateway: 4 } as const;
const VNI_VPC = 2;
const ROUTE_RANGE = 1;
const LPM_BEFORE = 128;
/** Outer Ethernet, IPv4, UDP and VXLAN headers. */
const TUNNEL_LEN = 50;

/** Each stage with what it looked at and what that means. */
export function stagesOf(scene: Scene): TraceStage[] {
  const { stages } = scene.run;
  return stages.map((stage, i) => {
    const { words, objects = [] } = WORDS[stage.stage]?.(stage, scene) ?? { words: "" };
    return {
      stage: stage.stage,
      result: i === stages.length - 1 ? "ended" : "passed",
      words,
      objects: objects.filter((o) => o !== undefined),
      entries: stage.seen,
    };
  });
}

const WORDS: Readonly<Record<string, (stage: RunStage, scene: Scene) => Said>> = {
  endpoint: endpointWords,
  outer: outerWords,
  parse: (_, { run, frame }) => ({
    words: packet.describe(run.program === "from_uplink" ? frame.subarray(TUNNEL_LEN) : frame),
  }),
  classify: (_, { run }) => ({ words: `class ${run.class}` }),
  source_guard: (_, { run }) => ({
    words:
      run.reason && run.stages.at(-1)?.stage === "source_guard"
        ? "not the port's own"
        : "the port's own MAC and address",
  }),
  limit: () => ({ words: "limits of classes are not part of a trial" }),
  answer_arp: ({ seen }, scene) => destinationWords(seen, scene),
  serve: () => ({ words: "what the host itself would answer" }),
  switch: ({ seen }, scene) => macWords(seen[0], scene),
  route: ({ seen }, scene) => routeWords(seen, scene),
  locate: ({ seen }, scene) => locateWords(seen[0], scene),
  size: (_, { frame }) => ({ words: `${frame.length - 14} bytes of IP packet` }),
  relay: ({ seen }, scene) => relayWords(seen, scene),
  rewrite: (_, { run }) => ({
    words: run.program === "from_uplink" ? "tunnel off, MACs of guest and gateway" : "TTL less 1, MACs of the routers",
  }),
  deliver: (_, scene) => ({ words: decisionOf(scene).words }),
};

function endpointWords({ seen }: RunStage, { names, run }: Scene): Said {
  const entry = seen[0]?.value;
  const port = names.port(entry?.port as string | undefined);
  if (!entry || run.device === undefined) return { words: "the port has no device on this host", objects: [port] };
  return { words: `device ${run.device} is port ${port?.name ?? String(entry.port)}`, objects: [port] };
}

function outerWords({ seen }: RunStage, { names }: Scene): Said {
  const [tunnel, segment] = seen;
  const address = String((tunnel?.key as Entry | undefined)?.address);
  const host = names.hostByTunnel(address);
  if (!tunnel?.value) return { words: `${address} is no known host's`, objects: [] };
  const vni = Number((segment?.key as Entry | undefined)?.vni);
  const from = `from host ${host?.name ?? address}`;
  const objects = [host && ref("host", host)];
  if (!segment?.value) return { words: `${from}; VNI ${vni} is not served here`, objects };
  const vpc = segment.value.kind === VNI_VPC ? names.vpcByVni(vni) : undefined;
  const network = names.networkByVni(vni);
  const meaning = vpc ? `VPC ${vpc.name}` : `network ${network?.name ?? ""}`;
  const object = vpc ? ref("vpc", vpc) : network && ref("network", network);
  return { words: `${from}; VNI ${vni} is ${meaning}`, objects: [...objects, object] };
}

/** Where a destination or MAC entry leads. */
function placeWords(value: Entry, { names }: Scene): Said {
  if (value.place === PLACE.gateway) return { words: "the network's gateway" };
  if (value.place === PLACE.local) return { words: "on this host" };
  const host = names.hostByNumber(Number(value.where));
  const words = `on ${value.place === PLACE.peer ? "the plain VXLAN peer" : "host"} ${host?.name ?? `number ${value.where}`}`;
  return { words, objects: [host && ref("host", host)] };
}

function destinationWords(seen: readonly Sight[], scene: Scene): Said {
  const [sight] = seen;
  const address = String((sight?.key as Entry | undefined)?.address);
  const port = scene.names.portByAddress(scene.vpc_id, address);
  if (!sight?.value) return { words: `nothing here knows ${address}`, objects: [port && ref("port", port)] };
  const place = placeWords(sight.value, scene);
  const who = port ? `port ${port.name}, ` : "";
  return {
    words: `${address} is ${who}${place.words}`,
    objects: [port && ref("port", port), ...(place.objects ?? [])],
  };
}

function macWords(sight: Sight | undefined, scene: Scene): Said {
  const { network: vni, mac } = (sight?.key ?? {}) as Entry;
  const network = scene.names.networkByVni(Number(vni));
  const port = network && scene.names.portByMac(network.id, String(mac));
  if (!sight?.value) return { words: `no port of network ${network?.name ?? vni} has ${mac} here`, objects: [] };
  const place = placeWords(sight.value, scene);
  const who = port ? `port ${port.name}, ` : "";
  return { words: `${mac} is ${who}${place.words}`, objects: [port && ref("port", port), ...(place.objects ?? [])] };
}

function routeWords(seen: readonly Sight[], scene: Scene): Said {
  const of = (table: string, address?: string) =>
    seen.find((sight) => sight.table === table && (address === undefined || addressIn(sight) === address));
  // Where nothing can be pushed, what was learned is looked at first.
  const wanted = seen[0] ? addressIn(seen[0]) : "";
  const [own, learned, match] = [of("destinations", wanted), of("learned", wanted), of("routes")];
  if (own?.value) return destinationWords([own], scene);
  if (learned?.value && !match) return learnedWords(learned, scene);
  if (!match) return { words: `no route of the VPC leads to ${wanted}` };
  const { address, prefix } = match.key as { readonly address: string; readonly prefix: number };
  const range = `${address}/${prefix - LPM_BEFORE}`;
  const rules = of("vpc_rules");
  if (match.value?.kind === ROUTE_RANGE) {
    if (rules) return hubWords(wanted, rules, scene);
    return { words: `${wanted} is in the VPC's range ${range}, and no bound port has it` };
  }
  const route = scene.names.routeTo(scene.vpc_id, range);
  const nextHop = String(match.value?.next_hop);
  const via = `route ${route?.name ?? ""} ${range} by ${nextHop}`.replace("  ", " ");
  const next = nextHopWords(
    { hop: of("destinations", nextHop), learned: of("learned", nextHop), rules },
    nextHop,
    scene,
  );
  return { words: `${via}; ${next.words}`, objects: [route && ref("route", route), ...(next.objects ?? [])] };
}

type Hop = Readonly<Record<"hop" | "learned" | "rules", Sight | undefined>>;

function nextHopWords({ hop, learned, rules }: Hop, address: string, scene: Scene): Said {
  if (hop?.value) return destinationWords([hop], scene);
  if (learned?.value) return learnedWords(learned, scene);
  if (rules) return hubWords(address, rules, scene);
  return hop ? destinationWords([hop], scene) : { words: "which is not there" };
}

function locateWords(sight: Sight | undefined, { names, run }: Scene): Said {
  if (sight?.table === "hosts") {
    const host = names.hostByNumber(Number(sight.key));
    const at = `${host?.name ?? `number ${String(sight.key)}`} at ${String(sight.value?.tunnel_address)}`;
    return { words: `host ${at}, next hop ${String(sight.value?.next_hop)}`, objects: [host && ref("host", host)] };
  }
  const port = names.port(run.to_port ?? (sight?.value?.port as string | undefined));
  if (run.action === "drop") return { words: "the receiver's device or host is not there" };
  return { words: port ? `the device of port ${port.name}` : "the receiver's device", objects: [port] };
}

/** What the programs of one host decided, in words. */
export function decisionOf({ names, run }: Pick<Scene, "names" | "run">): TraceDecision {
  const { action, reason } = run;
  const told = reason ? { reason, ...DROP_REASONS[reason] } : undefined;
  const also = told ? { reason: told.reason, title: told.title, hint: told.hint } : {};
  return { action, words: actionWords(run, names, told?.title), ...also };
}

function actionWords(run: RunAnswer, names: Names, title: string | undefined): string {
  switch (run.action) {
    case "guest":
      return `delivered to port ${names.port(run.to_port)?.name ?? run.to_port ?? ""}`.trimEnd();
    case "host":
      return sentWords(run, names);
    case "reply":
      return title ? `dropped, and its sender is told: ${title}` : `answered here: ${answerWords(run.frame)}`;
    case "stack":
      return "left to the host's own network stack";
    default:
      return `dropped: ${title ?? "for no reason that is known"}`;
  }
}

function sentWords({ to_host, out, frame }: RunAnswer, names: Names): string {
  const name = names.hostByNumber(to_host ?? 0)?.name ?? `number ${to_host}`;
  const vxlan = packet.decode(unbase64(frame)).find((layer) => layer.kind === "vxlan");
  const by = out ? `, by ${out.device} through ${out.next_hop}` : "";
  const hops = hopsOf(vxlan?.reserved2 ?? 0);
  const way = hops === 0 ? "encapsulated to hub" : hops ? "passed on to host" : "encapsulated to host";
  return `${way} ${name}${vxlan ? `, VNI ${vxlan.vni}` : ""}${by}`;
}

function answerWords(frame: string): string {
  const layer = packet.decode(unbase64(frame))[1];
  if (layer?.kind === "arp") return `${layer.sender_ip} is at ${layer.sender_mac}`;
  return "echo reply of the gateway";
}
