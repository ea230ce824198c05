import { spawn } from "node:child_process";
import { inNamespace, run, until } from "@onehop/lab";
import { raiseMtu } from "@onehop/testkit/netns/mtu";
import type { Operator } from "../operator/operator.ts";

/** Makes a fault; what it gives takes it away again, as far as the page has not. */
type Fault = (operator: Operator) => Promise<() => Promise<unknown>>;
const nothing = async (): Promise<void> => undefined;

/** Goes on in a guest until it is ended. */
function goesOn(operator: Operator, guest: string, argv: readonly string[]): () => Promise<void> {
  const [file, ...args] = inNamespace(operator.guest(guest).namespace, argv) as [string, ...string[]];
  const child = spawn(file, args, { stdio: "ignore" });
  const ended = new Promise<void>((done) => child.once("close", () => done()));
  return () => {
    child.kill("SIGKILL");
    return ended;
  };
}

const pinging = (operator: Operator, to: string, ...more: readonly string[]) =>
  goesOn(operator, "blue-web-1", ["ping", "-q", "-i", "0.2", ...more, to]);

const degraded = (operator: Operator, plural: "hosts" | "ports", name: string): Promise<true> =>
  until(`${name} to be told degraded`, async () => {
    const found = await operator.lab.client.list(plural, { name });
    return found.some((thing) => thing.status.state === "degraded") || undefined;
  });

const typed = async (operator: Operator, ...words: readonly string[]): Promise<void> => {
  const { code, stderr } = await operator.typesAs({ ONEHOP_PROJECT: "blue" }, ...words);
  if (code !== 0) throw new Error(stderr);
};

const HUBS = ["h4", "h5"];

/** The machine is as good as off: nothing of it is left on the underlay. */
async function cutOff(operator: Operator, name: string): Promise<void> {
  const { namespace, uplinks } = operator.lab.host(name);
  await operator.lab.agents.get(name)!.kill();
  await operator.ip(namespace, "link", "set", uplinks[0]!.device, "down");
}

async function putBack(operator: Operator, name: string): Promise<void> {
  const { namespace, uplinks, tunnelAddress } = operator.lab.host(name);
  const { device, routerAddress } = uplinks[0]!;
  await operator.ip(namespace, "link", "set", device, "up");
  await operator.ip(namespace, "route", "replace", "default", "via", routerAddress, "src", tunnelAddress);
  await operator.lab.startAgent(name);
}

const SERVER = "import socket\nl, kept = socket.create_server(('', 80)), []\nwhile True: kept.append(l.accept())";
/** A new connection now and then, each with more than fits into a small packet. */
const CLIENT = `import socket, time
while True:
  try:
    s = socket.create_connection(("10.0.2.11", 80)); s.sendall(b"x" * 20000); time.sleep(0.7); s.close()
  except OSError: time.sleep(0.05)`;

/** What the pages' marks stand for. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  well: async () => nothing,

  unrouted: async (operator) => {
    for (let n = 0; n < 3; n++) await operator.pings("blue-web-1", "172.16.5.5");
    return nothing;
  },

  unbound: async (operator) => {
    await typed(operator, "port", "unbind", "app-2");
    return nothing;
  },

  blackhole: async (operator) => {
    const { lab } = operator;
    const rule = ["to", lab.host("h3").tunnelAddress, "iif", lab.host("h1").uplinks[0]!.routerDevice, "blackhole"];
    await operator.ip(lab.fabric.namespace, "rule", "add", ...rule);
    return () => operator.ip(lab.fabric.namespace, "rule", "del", ...rule);
  },

  spoof: async (operator) => {
    const { namespace } = operator.guest("blue-web-2");
    const address = ["10.0.1.66/32", "dev", "eth0"];
    // The guest knows the other's MAC already, so that ARP in the wrong name is not what is dropped.
    await operator.pings("blue-web-2", "10.0.1.10");
    await operator.ip(namespace, "address", "add", ...address);
    for (let n = 0; n < 3; n++) await operator.pings("blue-web-2", "10.0.1.10", "-I", "10.0.1.66", "-W", "0.1");
    const stop = goesOn(operator, "blue-web-2", ["ping", "-q", "-i", "0.2", "-I", "10.0.1.66", "10.0.1.10"]);
    return async () => {
      await stop();
      await operator.ip(namespace, "address", "del", ...address);
    };
  },

  mute: async (operator) => {
    const deaf = (flag: number): Promise<string> =>
      run(
        inNamespace(operator.guest("blue-app-2").namespace, ["sysctl", "-q", `net.ipv4.icmp_echo_ignore_all=${flag}`]),
      );
    await deaf(1);
    const stop = pinging(operator, "10.0.2.11");
    return async () => {
      await stop();
      await deaf(0);
    };
  },

  busy: async (operator) => pinging(operator, "10.0.2.11", "-i", "0.002"),

  narrow: async (operator) => {
    const { lab } = operator;
    const mtu = (bytes: number): Promise<string> =>
      operator.ip(lab.fabric.namespace, "link", "set", lab.host("h3").uplinks[0]!.routerDevice, "mtu", String(bytes));
    await mtu(1000);
    const server = goesOn(operator, "blue-app-2", ["python3", "-c", SERVER]);
    const client = goesOn(operator, "blue-web-1", ["python3", "-c", CLIENT]);
    return async () => {
      await Promise.all([client(), server()]);
      await mtu(lab.fabric.mtu);
    };
  },

  oversize: async (operator) => {
    const guest = operator.guest("blue-web-1");
    await raiseMtu(operator.lab, guest, 2000);
    await operator.pings("blue-web-1", "10.0.2.11", "-s", "1800", "-M", "do");
    return async () => {
      await raiseMtu(operator.lab, guest, operator.lab.fabric.mtu - 50);
      await operator.ip(guest.namespace, "route", "flush", "cache");
    };
  },

  "no-hub": async (operator) => {
    const { lab } = operator;
    const stop = pinging(operator, "10.0.3.10");
    for (const hub of HUBS) await cutOff(operator, hub);
    for (const hub of HUBS) await degraded(operator, "hosts", hub);
    for (let n = 0; n < 3; n++) await operator.pings("blue-app-2", "10.0.3.10", "-W", "0.1");
    return async () => {
      await stop();
      for (const hub of HUBS) await putBack(operator, hub);
      await lab.realised();
      await typed(operator, "host", "update", "h3", "--roles", "compute", "--wait");
    };
  },

  "agent-dead": async (operator) => {
    await operator.lab.agents.get("h3")!.kill();
    await degraded(operator, "hosts", "h3");
    return pinging(operator, "10.0.2.11");
  },

  "no-device": async (operator) => {
    await typed(operator, "port", "bind", "web-2", "--host", "h1", "--device", "tap7");
    await degraded(operator, "ports", "web-2");
    return nothing;
  },

  "host-dead": async (operator) => {
    await cutOff(operator, "h2");
    await degraded(operator, "hosts", "h2");
    const stop = pinging(operator, "10.0.1.12");
    return async () => {
      await stop();
      await putBack(operator, "h2");
    };
  },
};
