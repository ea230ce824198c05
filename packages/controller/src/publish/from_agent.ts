import type { FromAgent } from "@onehop/core";
import Type, { type TSchema } from "typebox";
import { Compile } from "typebox/compile";

const Int = Type.Integer();
const Text = Type.String();
const message = <T extends string>(type: T, fields: Record<string, TSchema>) =>
  Type.Object({ type: Type.Literal(type), ...fields });
const Held = Type.Object({ id: Text, epoch: Int, generation: Int, hash: Text });
const PortProblem = Type.Object({ port_id: Text, reason: Text });

const Lesson = Type.Object({
  vpc: Int,
  address: Text,
  host: Int,
  port: Text,
  claim: Type.Object({ epoch: Int, revision: Int, sequence: Int }),
});
/** Lessons that one message may have. */
const MOST_LESSONS = 4096;

/** What the controller relies on, of what core/src/plan/protocol.ts says; further fields are let through. */
const validator = Compile(
  Type.Union([
    message("hello", { version: Int, host: Text, have: Type.Array(Held) }),
    message("report", {
      applied: Type.Array(Held),
      gone: Type.Optional(Type.Array(Text)),
      degraded: Type.Array(PortProblem),
      whole: Type.Optional(Type.Boolean()),
      hub_of: Type.Optional(Type.Array(Text)),
    }),
    message("answer", { id: Int, error: Type.Optional(Text) }),
    message("lacking", { ids: Type.Array(Text) }),
    message("lessons", { id: Int, lessons: Type.Array(Lesson, { maxItems: MOST_LESSONS }) }),
    message("watched", { id: Int, packets: Type.Array(Type.Object({ frame: Text })), lost: Int }),
  ]),
);

/** A text frame of an agent; undefined: it is none. A host may be in other hands, and must not harm the others. */
export function parseFromAgent(text: string): FromAgent | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return validator.Check(value) ? (value as FromAgent) : undefined;
  } catch {
    return undefined;
  }
}
