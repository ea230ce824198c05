import { Option } from "commander";
import { collect } from "./collect.ts";
import { usage } from "./exit.ts";

export const AGENT_SOCKET = "unix:/run/onehop/agent.sock";
export const STATE_DIR = "/var/lib/onehop";
export const PINS = "/sys/fs/bpf/onehop";

export interface AgentFlags {
  readonly host: string;
  readonly controller?: readonly string[];
  readonly stateDir: string;
  readonly pins?: string;
  readonly uplink: readonly string[];
  readonly objects?: string;
  readonly learnedAge?: number;
}

export interface ControllerFlags {
  readonly store: string;
  readonly name: string;
  readonly listen?: readonly string[];
  readonly agentListen: string;
  readonly agentAddress?: string;
  readonly pki?: string;
  readonly storeCa?: string;
  readonly storeCert?: string;
  readonly storeKey?: string;
}

export interface UpFlags {
  readonly host: string;
  readonly dataDir: string;
  readonly runDir: string;
  readonly uplink?: readonly string[];
  readonly tunnelAddress?: string;
  readonly listen?: readonly string[];
  readonly pins?: string;
  readonly objects?: string;
}

export const uplinkOption = (): Option =>
  new Option("--uplink <device>", "an underlay device; may be repeated").argParser(collect);

export const pinsOption = (): Option =>
  new Option("--pins <dir>", `folder of this host on a bpf file system (default: ${PINS}/HOST)`);

export const objectsOption = (): Option =>
  new Option("--objects <dir>", "folder of the compiled programs (default: those of this installation)");

export const learnedAgeOption = (): Option =>
  new Option("--learned-age <seconds>", "how long an address that was learned may lie unused (default: 300)").argParser(
    secondsOf,
  );

/** Of a learned address, a day at most. */
function secondsOf(text: string): number {
  const seconds = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (seconds < 1 || seconds > 86_400) throw usage(`--learned-age ${text}: it is a number of seconds from 1 to 86400.`);
  return seconds;
}

export const listenOption = (text: string): Option => new Option("--listen <address>", text).argParser(collect);
