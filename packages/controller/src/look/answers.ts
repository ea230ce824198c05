import { DROP_REASONS, type Question, type SeenPacket } from "@onehop/core";
import Type, { type TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { Clean } from "typebox/value";
import { type Agents, unanswered, type WatchRequest } from "./agents.ts";

const Optional = Type.Optional;
const Id = Type.String({ pattern: "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" });
const Ipv4 = Type.String({ pattern: "^[0-9]{1,3}(\\.[0-9]{1,3}){3}$" });
const Name = Type.String({ pattern: "^[a-z0-9_]{1,32}$" });
const Line = Type.String({ maxLength: 300 });
const Time = Type.String({ pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?Z$" });
const Number32 = Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 });
const Amount = Type.Number({ minimum: 0, maximum: 1e18 });
const Base64 = Type.String({ pattern: "^[A-Za-z0-9+/]*={0,2}$", maxLength: 1 << 17 });
const words = (...all: readonly string[]) => Type.Union(all.map((word) => Type.Literal(word)));
const Reason = words(...Object.keys(DROP_REASONS));
const Program = words("from_endpoint", "from_uplink", "from_overlay");
const Action = words("drop", "guest", "host", "reply", "stack", "none", "ask", "learned");
const list = (row: TSchema, most: number) => Type.Array(row, { maxItems: most });

const Drop = Type.Object({
  port_id: Optional(Id),
  vpc: Optional(Number32),
  reason: Reason,
  packets: Amount,
  bytes: Amount,
  since: Time,
  since_before: Optional(Type.Literal(true)),
  last: Time,
  example: Optional(Line),
});

const Top = Type.Object({
  port_id: Optional(Id),
  vpc: Optional(Number32),
  src: Optional(Ipv4),
  dst: Optional(Ipv4),
  tx_pps: Amount,
  tx_bps: Amount,
  rx_pps: Optional(Amount),
  rx_bps: Optional(Amount),
});

const Learned = Type.Object({
  entries: list(
    Type.Object({
      ...{ vpc: Number32, address: Ipv4, host: Number32, port: Id },
      claim: Type.Object({ epoch: Number32, revision: Amount, sequence: Number32 }),
      ...{ since_ms: Amount, taught_ms: Amount, used_ms: Amount, packets: Amount },
      ...{ confirmed: Type.Boolean(), silent: Type.Boolean(), silent_ms: Optional(Amount) },
    }),
    5000,
  ),
  ways: list(Type.Object({ vpc: Number32, direct: Amount, by_hub: Amount }), 20_000),
  messages: Type.Record(Name, Amount),
  barred: list(
    Type.Object({ vpc: Number32, host: Number32, since: Type.Integer({ minimum: 0, maximum: 2 ** 40 }) }),
    5000,
  ),
  use: Optional(
    list(
      Type.Object({ ...{ vpc: Number32, entries: Amount }, ...{ aged: Amount, evicted: Amount, refused: Amount } }),
      20_000,
    ),
  ),
  hubs: Optional(list(Type.Object({ host: Number32, silent: Type.Boolean(), silent_ms: Optional(Amount) }), 64)),
});

/** Values of the kernel's tables, nested at most once. */
const Scalar = Type.Union([Type.String({ maxLength: 80 }), Type.Number(), Type.Boolean(), Type.Null()]);
const Flat = Type.Record(Type.String({ maxLength: 40 }), Scalar);
const Entry = Type.Record(Type.String({ maxLength: 40 }), Type.Union([Scalar, Flat, list(Scalar, 64)]));
const Run = Type.Object({
  program: Program,
  device: Optional(Line),
  stages: list(
    Type.Object({
      stage: Name,
      seen: list(
        Type.Object({ table: Name, key: Type.Union([Scalar, Entry]), value: Type.Union([Entry, Type.Null()]) }),
        32,
      ),
    }),
    32,
  ),
  class: Name,
  action: Action,
  reason: Optional(Reason),
  to_port: Optional(Id),
  to_host: Optional(Number32),
  out: Optional(Type.Object({ device: Line, next_hop: Line })),
  asked: Optional(list(Type.Object({ host: Number32, address: Optional(Ipv4) }), 4)),
  frame: Base64,
});

const Seen = Type.Object({
  time: Amount,
  program: Program,
  action: Action,
  reason: Optional(Reason),
  ...{ class: Name, stage: Name },
  from_port: Optional(Id),
  to_port: Optional(Id),
  to_host: Optional(Number32),
  length: Amount,
  frame: Base64,
});

const shape = (schema: TSchema) => ({ schema, compiled: Compile(schema) });
/** What comes back for each question that users ask; rows as many as agents send at most. */
const SHAPES: { readonly [what in Question["what"]]?: ReturnType<typeof shape> } = {
  run: shape(Run),
  drops: shape(list(Drop, 2000)),
  top: shape(list(Top, 20_000)),
  learned: shape(Learned),
};
const SEEN = Compile(Seen);

export interface Log {
  warn(fields: object, sentence: string): void;
}

/**
 * Agents whose answers are what was asked for. A host may be in other hands: what it makes up is not told to users and
 * stops nothing; it counts as silent. Members that nobody knows are left out, so that a newer agent is understood.
 */
export function careful(agents: Agents, log: Log): Agents {
  return {
    async ask(hostId, question) {
      const answer = await agents.ask(hostId, question);
      const wanted = SHAPES[question.what];
      if (!wanted) return answer;
      if (wanted.compiled.Check(answer)) return Clean(wanted.schema, answer);
      log.warn(
        { host: hostId, what: question.what },
        "A host's answer is none to what it was asked; it is passed over.",
      );
      throw unanswered("what it says is no answer to the question");
    },
    watch: (hostId, request) => agents.watch(hostId, { ...request, onPart: sound(hostId, request, log) }),
  };
}

function sound(hostId: string, { onPart }: WatchRequest, log: Log): WatchRequest["onPart"] {
  let told = false;
  return (part) => {
    const packets = part.packets.filter((seen): seen is SeenPacket => SEEN.Check(seen));
    if (packets.length < part.packets.length && !told) {
      log.warn({ host: hostId }, "What a host says that it saw are no packets; they are left out.");
      told = true;
    }
    onPart({ ...part, packets, lost: Number.isSafeInteger(part.lost) && part.lost > 0 ? part.lost : 0 });
  };
}
