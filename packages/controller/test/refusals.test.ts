import { type FromAgent, type Link, type LinkEvents, PROTOCOL_VERSION, type ToAgent } from "@onehop/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { putIntent, Rig } from "./rig.ts";
import { BASE } from "./states.ts";

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.close());

/** The controller's end of a stream whose other end is the test. */
function stream() {
  const said: ToAgent[] = [];
  let events: LinkEvents | undefined;
  const close = (code: number) => {
    const on = events;
    events = undefined;
    on?.closed(code);
  };
  const link: Link = {
    open: true,
    send: (frame, done) => {
      if (typeof frame === "string") said.push(JSON.parse(frame) as ToAgent);
      done?.();
    },
    ping: () => undefined,
    pong: () => undefined,
    close,
    terminate: () => close(1006),
    listen: (on) => {
      events = on;
    },
  };
  const say = (message: FromAgent) => events?.frame(JSON.stringify(message));
  return { link, said, say };
}

describe("a host that is refused", () => {
  const { h1, h2 } = BASE;
  const hello = (version = PROTOCOL_VERSION) => ({ type: "hello", version, host: h1.id, have: [] }) as const;

  it("is told why, and its status says so until it is served", async () => {
    await putIntent(rig.store, BASE.intent);
    const { plane } = await rig.controller();
    const reason = () => plane.status.statusOf("host", h1, 1).reason;
    expect(reason()).toBe("Its agent is not connected.");

    const bad = stream();
    plane.acceptAgent(bad.link, () => "The certificate expired at noon.");
    bad.say(hello());
    expect(bad.said).toEqual([
      { type: "refused", code: "not_authorised", message: "The certificate expired at noon." },
    ]);
    expect(reason()).toBe("Its agent was refused: The certificate expired at noon.");
    expect(plane.status.statusOf("host", h2, 1).reason).toBe("Its agent is not connected.");

    const old = stream();
    plane.acceptAgent(old.link);
    old.say(hello(1));
    expect(reason()).toMatch(/^Its agent was refused: This controller speaks version \d+ .*, not 1\.$/);

    const good = stream();
    plane.acceptAgent(good.link);
    good.say(hello());
    expect(good.said[0]?.type).toBe("members");
    good.link.terminate();
    expect(reason()).toBe("Its agent is not connected.");
  });
});
