import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WebSocketServer } from "ws";
import { FakeKernel } from "../src/kernel/fake.ts";
import { type RunningAgent, startAgent } from "../src/main.ts";
import { PlanServer, until } from "./netns_world.ts";
import { planOf, portId } from "./world.ts";

let dir: string;
let kernel: FakeKernel;
let agent: RunningAgent;
const ends: (() => unknown)[] = [];

const start = async (...controllers: string[]) => {
  const parts = { stateDir: join(dir, "state"), pins: "", uplinks: ["up0"], objectDir: "" };
  agent = await startAgent({ host: "h1", controllers, ...parts, kernel, logger: pino({ level: "silent" }) });
  ends.push(() => agent.stop());
};
const server = (name: string, epoch = 1) => {
  const made = new PlanServer(join(dir, name), epoch);
  ends.push(() => made.close());
  return made;
};

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "onehop-agent-"));
  kernel = new FakeKernel();
  kernel.addDevice("up0");
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(dir, { recursive: true });
});

/** A controller that refuses everybody. */
function refuser(name: string): { address: string; asked: () => number } {
  let asked = 0;
  const http = createServer().listen(join(dir, name));
  const sockets = new WebSocketServer({ server: http });
  sockets.on("connection", (socket) => {
    asked++;
    socket.send(JSON.stringify({ type: "refused", code: "unknown_host", message: "There is no such host." }));
    socket.close();
  });
  ends.push(() => http.close());
  return { address: `unix:${join(dir, name)}`, asked: () => asked };
}

const local = (path: string) =>
  new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
    const socketPath = join(dir, "state", "metrics.sock");
    get({ socketPath, path }, (response: IncomingMessage) => {
      let text = "";
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode, text }));
    }).on("error", reject);
  });

describe("an agent", () => {
  it("is served by one controller while another refuses it", async () => {
    const other = refuser("first");
    const owner = server("second");
    await start(other.address, owner.address);
    await owner.set("h1", planOf(1, [{ name: "a1", host: 1 }]));
    expect(other.asked()).toBeGreaterThan(0);
    expect(kernel.guarded().has(portId("a1"))).toBe(true);
  });

  it("comes back to a controller that started again, and tells it what it holds", async () => {
    const ports = [{ name: "a1", host: 1 }];
    const first = server("one");
    await start(first.address);
    await first.set("h1", planOf(1, ports));
    first.close();
    await until("the stream is lost", () => !agent.agent.connected || undefined);
    const second = server("one", 2);
    const report = await until("it reports to the new one", () => second.reports.get("h1"));
    expect(report.applied.map((h) => h.id)).toContain("network/n1");
    await second.set("h1", planOf(1, []));
    expect(kernel.guarded().size).toBe(0);
  });

  it("changes nothing for a controller that was replaced and wakes up again", async () => {
    const paused = server("old", 1);
    const owner = server("new", 2);
    await start(owner.address);
    await owner.set("h1", planOf(1, [{ name: "a1", host: 1 }]));
    await agent.stop();
    paused.put("h1", planOf(1, []));
    await start(paused.address);
    await until("it reports to the old one", () => paused.reports.get("h1"));
    expect(kernel.guarded().has(portId("a1"))).toBe(true);
    paused.close();
  });

  it("restores its plan from disk before any controller answers", async () => {
    const first = server("one");
    await start(first.address);
    await first.set("h1", planOf(1, [{ name: "a1", host: 1 }]));
    await agent.stop();
    first.close();
    kernel = new FakeKernel();
    kernel.addDevice("up0");
    await start(first.address);
    await until("the port is back", () => kernel.guarded().has(portId("a1")) || undefined);
  });

  it("saves later what could not be saved when it came", async () => {
    const first = server("one");
    await start(first.address);
    const inTheWay = join(dir, "state", "plan", "network_n1.v1.json.new");
    mkdirSync(inTheWay, { recursive: true });
    await first.set("h1", planOf(1, [{ name: "a1", host: 1 }]));
    rmSync(inTheWay, { recursive: true });
    await agent.stop();
    first.close();
    kernel = new FakeKernel();
    kernel.addDevice("up0");
    await start(first.address);
    await until("the port is back", () => kernel.guarded().has(portId("a1")) || undefined);
  });

  it("says so while the kernel refuses the plan", async () => {
    const one = server("one");
    await start(one.address);
    await one.set("h1", planOf(1, []));
    expect((await local("/healthz")).status).toBe(200);
    const refusing = vi.spyOn(kernel, "write").mockImplementation(() => {
      throw new Error("E2BIG");
    });
    one.put("h1", planOf(1, [{ name: "a1", host: 1 }]));
    await until("it is said", async () => (await local("/healthz")).status === 503 || undefined);
    const reason = "Its host cannot do what is planned: E2BIG.";
    await until("it is reported", () => one.reports.get("h1")?.degraded.some((p) => p.reason === reason) || undefined);
    refusing.mockRestore();
    await until("it is done after all", async () => (await local("/healthz")).status === 200 || undefined);
    expect(kernel.guarded().has(portId("a1"))).toBe(true);
  });

  it("does not start beside another one on the same state folder", async () => {
    await start();
    const first = agent;
    await expect(start()).rejects.toThrow("an agent works on this state folder");
    expect((await local("/healthz")).status).toBe(503);
    await first.stop();
    await start();
  });

  it("tells its health and its metrics on its own socket", async () => {
    const one = server("one");
    await start(one.address);
    expect((await local("/healthz")).status).toBe(503);
    await one.set("h1", planOf(1, [{ name: "a1", host: 1, device: { kind: "adopt", name: "none" } }]));
    expect((await local("/healthz")).status).toBe(200);
    const { text } = await local("/metrics");
    expect(text).toContain("onehop_agent_degraded_ports 1");
    expect(text).toContain("onehop_agent_connected 1");
    expect(text).toContain('onehop_datapath_packets_total{class="arp"} 0');
  });
});
