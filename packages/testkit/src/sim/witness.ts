import type { ControlPlane } from "@onehop/controller/control_plane";
import type { FromAgent, Link, ToAgent } from "@onehop/core";
import { readFrame } from "@onehop/core/plan/wire";
import type { Surroundings } from "./surroundings.ts";

export interface Witness {
  readonly plane: ControlPlane;
  readonly around: Surroundings;
}

/**
 * The controller's end of a host's stream, watched: no slice goes to a host that is not interested in it (Q10), and
 * "same" is only said of a hash that this stream has said or heard, as a difference is only one from such.
 */
export function witnessed(link: Link, hostId: string, { plane, around }: Witness): Link {
  const known = new Map<string, Set<string>>();
  const note = (id: string, hash: string) => {
    const hashes = known.get(id);
    if (hashes) hashes.add(hash);
    else known.set(id, new Set([hash]));
  };
  const sent = (frame: string | Uint8Array) => {
    if (typeof frame !== "string") {
      const slice = readFrame(frame);
      if (!slice) return around.onBroken(`A frame to ${hostId} is no slice.`);
      if (slice.type === "difference" && !known.get(slice.id)?.has(slice.base))
        around.onBroken(`${slice.id} is sent to ${hostId} as what differs from what it never had.`);
      note(slice.id, slice.hash);
      if (!plane.plans.hostsOf(slice.id).has(hostId))
        around.onBroken(`Q10: ${slice.id} went to ${hostId}, which is not interested in it.`);
      return;
    }
    if (!frame.startsWith('{"type":"same"')) return;
    const message = JSON.parse(frame) as ToAgent;
    if (message.type === "same" && !known.get(message.id)?.has(message.hash))
      around.onBroken(`${message.id} is said to be the same at ${hostId}, which never had it so.`);
  };
  const heard = (frame: string | Uint8Array) => {
    if (!/^{"type":"(hello|report)"/.test(String(frame))) return;
    const message = JSON.parse(String(frame)) as FromAgent;
    const held = message.type === "hello" ? message.have : message.type === "report" ? message.applied : [];
    for (const { id, hash } of held) note(id, hash);
  };
  return {
    get open() {
      return link.open;
    },
    send(frame, done) {
      if (link.open) sent(frame);
      link.send(frame, done);
    },
    ping: () => link.ping(),
    pong: () => link.pong(),
    close: (code) => link.close(code),
    terminate: () => link.terminate(),
    listen: (on) =>
      link.listen({
        ...on,
        frame: (frame) => {
          heard(frame);
          on.frame(frame);
        },
      }),
  };
}
