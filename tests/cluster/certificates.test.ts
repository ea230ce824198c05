import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";
import { Identity } from "@onehop/agent/join/identity";
import { joinCluster } from "@onehop/agent/join/join";
import { keepRenewed } from "@onehop/agent/join/renewal";
import { dial } from "@onehop/agent/sync/dial";
import { listen } from "@onehop/controller/publish/listen";
import { type At, type Host, MEMBER_PATH } from "@onehop/core";
import { issueHost, makeRequest, newAuthority, newCluster, newKey, readRequest, rotate, writeFiles } from "@onehop/pki";
import { keys, ManualClock } from "@onehop/store";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { days, World } from "./world.ts";

let world: World;
let one: At<Host>;
let two: At<Host>;
let identity: Identity;
beforeAll(async () => {
  world = await World.open();
  one = await world.host("h1", "192.0.2.1");
  two = await world.host("h2", "192.0.2.2");
  identity = await world.join("h1", one.id);
});
afterAll(() => world.close());

const verdict = async (as: Identity, hostId: string) => {
  const caller = world.stream(as, hostId);
  const said = await caller.verdict();
  caller.close();
  return said;
};
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "nothing",
    (error: Error) => error.message,
  );
const joining = (token: string, dir: string) =>
  joinCluster({ token, controller: world.api, stateDir: world.stateDir(dir) });

/** A certificate for h1 with a key of its own, as the authority would issue it on that day. */
async function issued(change: { now?: Date; cluster?: typeof world.cluster; join?: string } = {}): Promise<Identity> {
  const { authority } = change.cluster ?? world.cluster;
  const key = await newKey();
  const request = await readRequest(await makeRequest(key, "x"));
  const stored = JSON.parse((await world.served.store.get(keys.hostCertificate(one.id)))!.value) as {
    join: string;
  };
  const host = { id: one.id, join: change.join ?? stored.join };
  const certificate = await issueHost(authority, request!, host, change.now ?? new Date());
  return Identity.save(world.stateDir("made"), { certificate, key, ca: world.cluster.authority.certificate });
}

describe("joining", () => {
  it("makes the host the one that was invited, with a key that only root of this machine can read", async () => {
    expect(identity.hostId).toBe(one.id);
    const dir = world.stateDir("h1");
    expect(readdirSync(dir)).toEqual(["identity.json"]);
    expect(statSync(join(dir, "identity.json")).mode & 0o777).toBe(0o600);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(await verdict(identity, one.id)).toBe("served");
  });

  it("is possible once for each token, and only for as long as it lasts", async () => {
    const token = await world.invite(two.id, 60);
    await joining(token, "h2");
    expect(await refusal(joining(token, "thief"))).toContain("The host is not invited");
    const late = await world.invite(two.id, 60);
    const kept = JSON.parse((await world.served.store.get(keys.invitation(two.id)))!.value) as { lease: string };
    await world.served.store.revokeLease(kept.lease);
    expect(await refusal(joining(late, "h2"))).toContain("The host is not invited");
  });

  it("goes on where it was interrupted: the same key gets its certificate again", async () => {
    const three = await world.host("h3", "192.0.2.3");
    const token = await world.invite(three.id);
    await joining(token, "h3");
    const first = (await Identity.load(world.stateDir("h3")))!;
    await writeFiles(world.stateDir("again"), { "joining.key": first.credentials.key });
    await joining(token, "again");
    expect(await verdict(first, three.id)).toBe("served");
    expect(await verdict((await Identity.load(world.stateDir("again")))!, three.id)).toBe("served");
  });

  it("sends the secret to nobody but the cluster that made the token", async () => {
    const other = await World.open();
    try {
      const token = await world.invite(two.id);
      const asked = joinCluster({ token, controller: other.api, stateDir: world.stateDir("lost") });
      expect(await refusal(asked)).toContain("is not of the cluster that made the token");
      expect(other.served.logs.join("")).not.toContain("/v1/join");
    } finally {
      await other.close();
    }
  });

  it("is refused on a machine that is another host, and with what is no token", async () => {
    expect(await refusal(joining(await world.invite(two.id), "h1"))).toContain(
      `This machine is host ${one.id} already`,
    );
    expect(await refusal(joining("ohjoin_abc", "x"))).toContain("This is no token");
    const { body } = await world.served.root.request("GET", "/v1/certificates");
    expect(JSON.stringify(body)).not.toContain("secret");
  });

  it("stores of a token its SHA-256 only", async () => {
    const { entries } = await world.served.store.range({ prefix: "/onehop/v1/invitation/" });
    const { body } = await world.served.root.request("POST", `/v1/hosts/${two.id}/invitation`, {});
    for (const { value } of entries) expect(value).not.toContain((body as { secret: string }).secret);
    expect(entries.length).toBeGreaterThan(0);
  });
});

describe("a bad certificate is refused with a sentence, and all others go on:", () => {
  it.each<[string, () => Promise<Identity>, string | RegExp]>([
    ["an expired one", () => issued({ now: new Date(Date.now() - days(8)) }), /^The certificate expired at /],
    [
      "one that is not good yet",
      () => issued({ now: new Date(Date.now() + days(1)) }),
      /^The certificate is good from .* only/,
    ],
    [
      "one of another cluster",
      async () => issued({ cluster: await newCluster([], new Date()) }),
      "The certificate was not issued by an authority that this cluster trusts.",
    ],
    [
      "one of an earlier joining",
      () => issued({ join: "0123456789abcdef" }),
      "The certificate is void: the host joined again since.",
    ],
  ])("%s", async (_, make, sentence) => {
    const steady = world.stream(identity, one.id);
    await steady.verdict();
    expect(await verdict(await make(), one.id)).toMatch(sentence);
    expect(world.logs.join("")).toContain("A host was refused.");
    expect(steady.closed).toBe(false);
    expect(await verdict(identity, one.id)).toBe("served");
    steady.close();
  });

  it("a host's, used for another host", async () => {
    expect(await verdict(identity, two.id)).toBe(`The certificate is that of host ${one.id}, not of ${two.id}.`);
  });

  it("a controller's, used as a host", async () => {
    const { certificate, key, bundle } = world.keyring.keys;
    const as = { hostId: one.id, tls: { cert: certificate, key, ca: bundle, checkServerIdentity: () => undefined } };
    expect(await verdict(as as unknown as Identity, one.id)).toBe(
      "This is a controller's certificate; a host's is wanted.",
    );
  });

  it("none at all", async () => {
    const as = { tls: { ca: world.keyring.keys.bundle, checkServerIdentity: () => undefined } };
    expect(await verdict(as as unknown as Identity, one.id)).toBe("No certificate was shown.");
  });

  it("a host's, used as a controller: the agent hangs up before it says a word", async () => {
    const { certificate, key } = identity.credentials;
    let spoken = 0;
    const server = createServer({ cert: certificate, key }, () => spoken++).on("upgrade", () => spoken++);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const socket = dial(`tls:127.0.0.1:${(server.address() as { port: number }).port}`, {}, identity);
    const problem = await new Promise<Error>((resolve) => socket.on("error", resolve));
    server.close();
    expect(problem.message).toMatch(/unsuitable certificate purpose|no controller's/);
    expect(spoken).toBe(0);
  });

  it("a host's, used as another controller among the controllers", async () => {
    const close = (tls: object) =>
      new Promise<number>((resolve) => {
        const socket = new WebSocket(`wss://${world.agents.slice("tls:".length)}${MEMBER_PATH}`, tls);
        socket.on("message", () => socket.close(1000)).on("close", resolve);
      });
    const { certificate, key, bundle } = world.keyring.keys;
    expect(await close(identity.tls)).toBe(1008);
    expect(await close({ cert: certificate, key, ca: bundle })).toBe(1000);
    expect(world.logs.join("")).toContain("This is a host's certificate.");
  });
});

it.each([
  ["tcp:192.0.2.1:1", /without TLS agents are served on a unix socket or on loopback only/],
  ["tls:127.0.0.1:0", /TLS takes certificates/],
  ["http://127.0.0.1", /is no address/],
])("A controller without certificates does not serve agents at %s.", async (address, sentence) => {
  await expect(listen(address)).rejects.toThrow(sentence);
});

describe("revoking", () => {
  it("ends the host's open streams at once, and its certificate is refused from then on", async () => {
    const four = await world.host("h4", "192.0.2.4");
    const its = await world.join("h4", four.id);
    const [open, other] = [world.stream(its, four.id), world.stream(identity, one.id)];
    expect([await open.verdict(), await other.verdict()]).toEqual(["served", "served"]);
    await world.served.root.request("DELETE", `/v1/hosts/${four.id}/certificate`);
    await expect.poll(() => open.closed).toBe(true);
    expect(open.said.at(-1)?.message).toContain("The certificate was revoked");
    expect(await verdict(its, four.id)).toContain("The certificate was revoked");
    expect(other.closed).toBe(false);
    other.close();
    const back = await world.join("h4", four.id);
    expect(await verdict(back, four.id)).toBe("served");
    expect(await verdict(its, four.id)).toBe("The certificate is void: the host joined again since.");
  });

  it("comes with the host's deletion", async () => {
    const five = await world.host("h5", "192.0.2.5");
    const its = await world.join("h5", five.id);
    const open = world.stream(its, five.id);
    await open.verdict();
    await world.served.root.request("DELETE", `/v1/hosts/${five.id}`);
    await expect.poll(() => open.closed).toBe(true);
  });
});

/** Keeps the identity renewed for one look, and tells what came of it. */
async function lookOnce(of: Identity): Promise<string> {
  const ending = new AbortController();
  const said = new Promise<string>((resolve) => {
    const clock = new ManualClock();
    const after = clock.after.bind(clock);
    clock.after = (ms, fn) => {
      resolve("nothing");
      return after(ms, fn);
    };
    void keepRenewed(
      {
        identity: of,
        controllers: () => ["unix:/nowhere", world.agents],
        clock,
        wall: world.wall,
        random: () => 0.5,
        onRenewed: (until) => resolve(until.toISOString()),
        onProblem: resolve,
      },
      ending.signal,
    );
  });
  const result = await said;
  ending.abort();
  return result;
}

describe("renewal", () => {
  it("leaves a young certificate as it is, and replaces one of which two thirds are over", async () => {
    const its = await world.join("h2-again", two.id);
    const { certificate, key } = its.credentials;
    world.ahead = days(4);
    expect(await lookOnce(its)).toBe("nothing");
    expect(its.credentials.certificate).toBe(certificate);
    world.ahead = days(5);
    expect(await lookOnce(its)).toMatch(/^\d{4}-/);
    expect(its.credentials.certificate).not.toBe(certificate);
    expect(its.credentials.key).not.toBe(key);
    expect((await Identity.load(world.stateDir("h2-again")))!.credentials).toEqual(its.credentials);
    world.ahead = 0;
  });

  it("of an expired certificate is refused: the host must be invited again", async () => {
    const its = await world.join("late", two.id);
    world.ahead = days(8);
    expect(await lookOnce(its)).toMatch(/^The host's certificate expired at .*: let the host join again\.$/);
    expect(await verdict(its, two.id)).toMatch(/^The certificate expired at /);
    world.ahead = 0;
  });

  it("ends an open stream when its certificate expires without having been renewed", async () => {
    const open = world.stream(identity, one.id);
    await open.verdict();
    world.ahead = days(8);
    await world.clock.advance(10_000);
    await expect.poll(() => open.closed).toBe(true);
    expect(open.said.at(-1)?.message).toContain("The certificate expired at");
    world.ahead = 0;
  });
});

describe("replacing the authority", () => {
  it("takes three steps, at each of which every host is served, and then the former is worth nothing", async () => {
    const its = await world.join("rotated", two.id);
    const idle = await world.join("idle", one.id);
    const now = new Date();

    const begun = await rotate(world.cluster, "begin", now);
    await world.install(begun);
    await world.lookedAgain();
    expect(await verdict(its, two.id)).toBe("served");
    expect(await lookOnce(its)).toMatch(/^\d{4}-/);
    const { body } = await world.served.root.request("GET", "/v1/certificates");
    const trusting = (body as { items: { host_id: string; trusts: string[] }[] }).items;
    expect(trusting.find((c) => c.host_id === two.id)?.trusts.length).toBe(2);
    expect(trusting.find((c) => c.host_id === one.id)?.trusts.length).toBe(1);

    const switched = await rotate(begun, "switch", now);
    await world.install(switched);
    await world.lookedAgain();
    expect(await verdict(its, two.id)).toBe("served");
    expect(await lookOnce(its)).toMatch(/^\d{4}-/);
    // It was off meanwhile: the controllers' new certificates are strange to it.
    expect(await verdict(idle, one.id)).toMatch(/unable to|self.signed/);

    const steady = world.stream(its, two.id);
    await steady.verdict();
    await world.install(await rotate(switched, "finish", now));
    await world.lookedAgain();
    expect(await verdict(its, two.id)).toBe("served");
    expect(await lookOnce(its)).toMatch(/^\d{4}-/);
    expect(steady.closed).toBe(false);
    steady.close();
  });

  it("does nothing while the files do not fit together", async () => {
    const before = world.keyring.keys;
    const good = readFileSync(join(world.pki, "ca.crt"), "utf8");
    writeFileSync(join(world.pki, "ca.crt"), (await newAuthority(new Date())).certificate);
    const said = world.logs.length;
    await world.clock.advance(5000);
    await expect.poll(() => world.logs.length).toBeGreaterThan(said);
    expect(world.keyring.keys).toBe(before);
    writeFileSync(join(world.pki, "ca.crt"), good);
  });
});
