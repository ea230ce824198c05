import { NOUNS, OnehopError } from "@onehop/core";
import { describe, expect, it } from "vitest";
import type { Api, Thing } from "../src/api.ts";
import { connect } from "../src/node_io.ts";
import { createProgram, withoutDashes } from "../src/program.ts";
import { SILENT, terminal } from "./terminal.ts";

const id = (n: number): string => `00000000-0000-4000-8000-00000000000${n}`;
const meta = { labels: {}, created_at: "2026-01-01T00:00:00Z", updated_at: "2026-01-01T00:00:00Z" };
const realised = { state: "realised" };
const thing = (fields: Partial<Thing> & { id: string; name: string }): Thing => ({
  ...meta,
  revision: 7,
  status: realised,
  ...fields,
});
const h1 = thing({ id: id(1), name: "h1", number: 1, tunnel_address: "192.0.2.1", kind: "onehop", roles: ["compute"] });
const front = thing({ id: id(2), name: "front", vpc_id: id(3), cidr: "10.0.1.0/24", gateway: "10.0.1.1", vni: 5001 });
const web = thing({
  id: id(4),
  name: "web-1",
  network_id: id(2),
  addresses: ["10.0.1.5", "10.0.1.6"],
  mac: "0a:00:00:00:00:01",
  host_id: id(1),
});
const bare = thing({
  ...web,
  id: id(5),
  name: "web-2",
  addresses: ["10.0.1.7"],
  host_id: undefined,
  status: { state: "pending" },
});

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

/** Answers by method and path without query; everything asked is written down. */
function stub(answers: Readonly<Record<string, unknown>>) {
  const calls: Call[] = [];
  const api: Api = {
    file: () => Promise.reject(new Error("no file was expected")),
    lines: () => {
      throw new Error("no stream was expected");
    },
    async request(method, path, body) {
      calls.push({ method, path, body });
      const answer = answers[`${method} ${path}`] ?? answers[`${method} ${path.split("?")[0]}`];
      if (answer instanceof Error) throw answer;
      if (answer === undefined) throw new Error(`unexpected ${method} ${path}`);
      return { status: 200, body: answer };
    },
  };
  return { api, calls };
}

const lists = {
  "GET /v1/ports": { items: [web, bare] },
  [`GET /v1/networks/${id(2)}`]: front,
  [`GET /v1/hosts/${id(1)}`]: h1,
};
const refusal = (status: number, more: Partial<OnehopError["detail"]> = {}): OnehopError =>
  new OnehopError({ code: "some_code", status, message: "It may not be.", ...more });

describe("Tables", () => {
  it("have an upper-case header and names instead of ids.", async () => {
    const { out } = await terminal(stub(lists).api)("port", "list");
    expect(out).toBe(
      [
        "NAME   NETWORK  ADDRESSES          MAC                HOST  STATUS",
        "web-1  front    10.0.1.5,10.0.1.6  0a:00:00:00:00:01  h1    realised",
        "web-2  front    10.0.1.7           0a:00:00:00:00:01  -     pending",
        "",
      ].join("\n"),
    );
  });

  it("leave the header out on request, and show more columns when wide.", async () => {
    const onehop = terminal(stub(lists).api);
    expect((await onehop("port", "list", "--no-headers")).out.split("\n")[0]).toMatch(/^web-1 /);
    expect((await onehop("port", "list", "-o", "wide")).out).toContain(id(4));
  });

  it("are coloured and shorten ids only for a person, and never under NO_COLOR.", async () => {
    const green = "\u001b[32mrealised\u001b[39m";
    const person = await terminal(stub(lists).api, { isTTY: true })("port", "list", "-o", "wide");
    expect(person.out).toContain(green);
    expect(person.out).not.toContain(id(4));
    const plain = await terminal(stub(lists).api, { isTTY: true, env: { NO_COLOR: "1" } })("port", "list");
    expect(plain.out).not.toContain("\u001b");
  });

  it("that would be empty are a word on standard error, and JSON is an empty list.", async () => {
    const onehop = terminal(stub({ "GET /v1/vpcs": { items: [] } }).api);
    expect(await onehop("vpc", "list")).toEqual({ code: 0, out: "", err: "No vpcs.\n" });
    expect((await onehop("vpc", "list", "-o", "json")).out).toBe("[]\n");
  });
});

describe("Output for scripts", () => {
  it.each([
    ["-q", `${id(4)}\n${id(5)}\n`],
    ["-o name", "port/web-1\nport/web-2\n"],
    ["-o json", `${JSON.stringify([web, bare], null, 2)}\n`],
  ])("%s", async (flags, expected) => {
    expect((await terminal(stub(lists).api)("port", "list", ...flags.split(" "))).out).toBe(expected);
  });

  it("reads every page of a list.", async () => {
    const { api, calls } = stub({
      "GET /v1/ports?limit=1000": { items: [web], next_page_token: "t" },
      "GET /v1/ports?limit=1000&page_token=t": { items: [bare] },
    });
    expect((await terminal(api)("port", "list", "-q")).out).toBe(`${id(4)}\n${id(5)}\n`);
    expect(calls).toHaveLength(2);
  });
});

describe("Exit codes", () => {
  it.each([
    [400, 2],
    [401, 5],
    [403, 5],
    [404, 3],
    [409, 4],
    [412, 4],
    [500, 1],
    [503, 6],
  ])("An answer of %i ends with %i.", async (status, code) => {
    const onehop = terminal(stub({ "GET /v1/vpcs": refusal(status) }).api);
    expect((await onehop("vpc", "list")).code).toBe(code);
  });

  it("Nobody listening ends with 6 and says what to do.", async () => {
    const ran = await terminal(connect)("vpc", "list", "--url", "unix:/nonexistent/api.sock");
    expect(ran.code).toBe(6);
    expect(ran.err).toContain("unix:/nonexistent/api.sock");
    expect(ran.err).toContain("onehop up");
  });

  it("An unknown flag ends with 2 and a suggestion.", async () => {
    const ran = await terminal(stub({}).api)("network", "list", "--vcp", "prod");
    expect(ran).toMatchObject({ code: 2, out: "" });
    expect(ran.err).toContain("Did you mean --vpc?");
  });

  it("An unknown command ends with 2 and a suggestion.", async () => {
    const ran = await terminal(stub({}).api)("netwrok", "list");
    expect(ran.code).toBe(2);
    expect(ran.err).toContain("Did you mean network?");
  });

  it("A required field that is missing ends with 2 before anything is asked.", async () => {
    const { api, calls } = stub({});
    const ran = await terminal(api)("vpc", "create", "prod");
    expect(ran.code).toBe(2);
    expect(ran.err).toContain("--project, --cidrs");
    expect(calls).toEqual([]);
  });

  it("Help ends with 0 and is on standard output.", async () => {
    for (const noun of NOUNS) {
      const ran = await terminal(stub({}).api)(noun.kind, "create", "--help");
      expect(ran).toMatchObject({ code: 0, err: "" });
      expect(ran.out).toContain(`onehop ${noun.kind} create ${String(noun.example.name)}`);
    }
  });
});

it("An error says what, each field's why, who uses it and what to try.", async () => {
  const error = refusal(409, {
    errors: [{ pointer: "/cidr", detail: "overlaps front" }],
    fields: { used_by: [{ kind: "port", name: "web-1", id: id(4) }] },
    hint: "Choose another range.",
  });
  const ran = await terminal(stub({ "GET /v1/vpcs": error }).api)("vpc", "list");
  expect(ran.err).toBe(
    "Error: It may not be.\n  /cidr: overlaps front\n  used by port/web-1\nHint: Choose another range.\n",
  );
});

describe("Names", () => {
  it("A name that two owners have is refused with the ids.", async () => {
    const twin = { ...front, id: id(6) };
    const ran = await terminal(stub({ "GET /v1/networks": { items: [front, twin] } }).api)("network", "show", "front");
    expect(ran.code).toBe(2);
    expect(ran.err).toContain(`${id(2)}, ${id(6)}`);
    expect(ran.err).toContain("--vpc VPC");
  });

  it("Owners before a name narrow it, as flags and ONEHOP_PROJECT do.", async () => {
    const answers = {
      "GET /v1/projects": { items: [thing({ id: id(8), name: "shop" })] },
      "GET /v1/vpcs": { items: [thing({ id: id(3), name: "prod" })] },
      "GET /v1/networks": { items: [front] },
      [`GET /v1/vpcs/${id(3)}`]: thing({ id: id(3), name: "prod" }),
    };
    const asked = async (env: Record<string, string>, ...argv: string[]) => {
      const { api, calls } = stub(answers);
      expect((await terminal(api, { env })("network", "show", ...argv)).code).toBe(0);
      return calls.slice(0, 3).map((c) => c.path);
    };
    const wanted = [
      "/v1/projects?name=shop&limit=1000",
      `/v1/vpcs?project_id=${id(8)}&name=prod&limit=1000`,
      `/v1/networks?vpc_id=${id(3)}&name=front&limit=1000`,
    ];
    expect(await asked({}, "shop/prod/front")).toEqual(wanted);
    expect(await asked({}, "front", "--vpc", "prod", "--project", "shop")).toEqual(wanted);
    expect(await asked({ ONEHOP_PROJECT: "shop" }, "prod/front")).toEqual(wanted);
  });
});

describe("Ports", () => {
  const answers = {
    "GET /v1/ports": { items: [web] },
    "GET /v1/hosts": { items: [h1] },
    [`PATCH /v1/ports/${id(4)}`]: web,
  };

  it("bind adopts a device or makes one in a namespace.", async () => {
    for (const [flags, device] of [
      ["--device tap0", { kind: "adopt", name: "tap0" }],
      ["--namespace g1", { kind: "veth", namespace: "g1" }],
    ] as const) {
      const { api, calls } = stub(answers);
      const ran = await terminal(api)("port", "bind", "web-1", "--host", "h1", ...flags.split(" "));
      expect(ran.out).toBe("port/web-1 bound to h1\n");
      expect(calls.at(-1)?.body).toEqual({ host_id: id(1), device });
    }
  });

  it("bind without a device says what is missing.", async () => {
    expect(await terminal(stub(answers).api)("port", "bind", "web-1", "--host", "h1")).toMatchObject({ code: 2 });
  });

  it("move takes a bound port elsewhere, with its link as it was or another, and no port that is nowhere.", async () => {
    const move = async (found: Thing, ...flags: string[]) => {
      const { api, calls } = stub({ ...answers, "GET /v1/ports": { items: [found] } });
      const ran = await terminal(api)("port", "move", found.name, "--host", "h1", ...flags);
      return { ...ran, body: calls.at(-1)?.body };
    };
    expect(await move(web)).toMatchObject({ out: "port/web-1 moved to h1\n", body: { host_id: id(1) } });
    const device = { kind: "veth", namespace: "g1" };
    expect((await move(web, "--namespace", "g1")).body).toEqual({ host_id: id(1), device });
    expect((await move(web)).body).toEqual({ host_id: id(1) });
    expect((await move(bare)).code).toBe(2);
  });

  it("unbind removes host and device.", async () => {
    const { api, calls } = stub(answers);
    expect((await terminal(api)("port", "unbind", "web-1")).out).toBe("port/web-1 unbound\n");
    expect(calls.at(-1)?.body).toEqual({ host_id: null, device: null });
  });

  it("update changes the host without narrowing the search by it.", async () => {
    const { api, calls } = stub(answers);
    await terminal(api)("port", "update", "web-1", "--host", "h1", "--unset", "device");
    expect(calls[0]?.path).toBe("/v1/ports?name=web-1&limit=1000");
    expect(calls.at(-1)?.body).toEqual({ host_id: id(1), device: null });
  });
});

it("A list's flag may be written in the singular, repeated.", async () => {
  const { api, calls } = stub({ "POST /v1/vpcs": thing({ id: id(3), name: "prod" }) });
  await terminal(api)("vpc", "create", "prod", "--project", id(8), "--cidr", "10.0.0.0/16", "--cidr", "10.1.0.0/16");
  expect(calls[0]?.body).toEqual({ name: "prod", project_id: id(8), cidrs: ["10.0.0.0/16", "10.1.0.0/16"] });
});

describe("Waiting", () => {
  const path = `GET /v1/ports/${id(4)}`;

  it("ends as soon as the object is realised.", async () => {
    const ran = await terminal(stub({ "GET /v1/ports": { items: [web] }, [path]: web }).api)("wait", "port/web-1");
    expect(ran).toEqual({ code: 0, out: "port/web-1 realised\n", err: "" });
  });

  it("ends with 7 and the reason when the time is up.", async () => {
    const late = { ...web, status: { state: "degraded", reason: "device tap0 is not there" } };
    const onehop = terminal(stub({ "GET /v1/ports": { items: [web] }, [path]: late }).api);
    const ran = await onehop("wait", "port/web-1", "--timeout", "2s");
    expect(ran.code).toBe(7);
    expect(ran.err).toContain("port/web-1 is degraded, not realised, after 2 s: device tap0 is not there");
  });

  it("takes kind/name only.", async () => {
    const onehop = terminal(stub({}).api);
    expect((await onehop("wait", "web-1")).err).toContain("is not kind/name");
    expect((await onehop("wait", "prot/web-1")).err).toContain("Did you mean port?");
    expect((await onehop("wait", "port/web-1", "--for", "ever")).code).toBe(2);
  });
});

it("-v shows each request on standard error, and not the token.", async () => {
  const ran = await terminal(stub(lists).api, { env: { ONEHOP_TOKEN: "secret" } })("port", "list", "-v");
  expect(ran.err).toContain("GET /v1/ports?limit=1000 → 200");
  expect(ran.err + ran.out).not.toContain("secret");
});

it("A command for a guest of the lab may stand behind two dashes or not, with options of its own.", async () => {
  for (const dashes of [["--"], []]) {
    let ran: unknown;
    const program = await createProgram({ ...SILENT, connect }, "lab");
    const lab = program.commands.find((c) => c.name() === "lab");
    lab?.commands
      .find((c) => c.name() === "exec")
      ?.action((where, command) => {
        ran = [where, command];
      });
    const argv = ["lab", "exec", "web-1", ...dashes, "ping", "-c", "3", "--help"];
    await program.parseAsync(withoutDashes(argv), { from: "user" });
    expect(ran).toEqual(["web-1", ["ping", "-c", "3", "--help"]]);
  }
});
