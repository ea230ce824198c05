import { join } from "node:path";

/** Everything of a lab carries its id, so that two labs fit on one machine and a dead one's remains can be told apart. */
export const RUN_DIR = "/run/onehop";
/** Where `onehop` looks for the API unless told otherwise. */
export const DEFAULT_API_SOCKET = join(RUN_DIR, "api.sock");

const ID = /^[a-z][a-z0-9]{2}$/;
export const isLabId = (text: string): boolean => ID.test(text);

/** Three characters: names of namespaces stay short, and few labs ever live at once. */
export function newLabId(random: () => number): string {
  const pick = (from: string): string => from[Math.floor(random() * from.length)]!;
  const letters = "abcdefghijkmnpqrstuvwxyz";
  return pick(letters) + pick(`${letters}23456789`) + pick(`${letters}23456789`);
}

export const labDir = (id: string): string => join(RUN_DIR, `lab-${id}`);
export const labOfDir = (name: string): string | undefined => {
  const id = name.startsWith("lab-") ? name.slice(4) : "";
  return isLabId(id) ? id : undefined;
};

export const namespacePrefix = (id: string): string => `oh${id}-`;
/** Network namespace of a host, a guest, or the fabric (the router between the hosts). */
export const namespaceOf = (id: string, name: string): string => namespacePrefix(id) + name;
export const namespacePath = (namespace: string): string => `/run/netns/${namespace}`;
export const FABRIC = "fabric";

/** Files of a lab, all under its directory. */
export const labFiles = (id: string) => {
  const dir = labDir(id);
  return {
    dir,
    state: join(dir, "lab.json"),
    /** A bpffs of the lab's own, mounted here. */
    bpf: join(dir, "bpf"),
    apiSocket: join(dir, "api.sock"),
    agentSocket: join(dir, "agents.sock"),
    etcd: join(dir, "etcd"),
    log: (process: string) => join(dir, "log", `${process}.log`),
    logs: join(dir, "log"),
    hostDir: (host: string) => join(dir, "hosts", host),
    pins: (host: string) => join(dir, "bpf", "onehop", host),
  };
};
export type LabFiles = ReturnType<typeof labFiles>;
