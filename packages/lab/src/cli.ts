import { type Command, InvalidArgumentError, Option } from "commander";
import { exec, ls } from "./commands/look.ts";
import { demo, up } from "./commands/run.ts";
import { down } from "./detached.ts";

const number = (text: string): number => {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError("It must be a number from 1 on.");
  return n;
};

/** Adds `onehop lab up|ls|exec|down|demo`. */
export function registerLabCommands(program: Command): void {
  const lab = program.command("lab").description("a data centre of network namespaces on this machine");
  withShape(lab.command("up").description("build one and keep it until Ctrl-C"))
    .option("-f, --file <file>", "documents to apply; their namespaces become the lab's")
    .option("-d, --detach", "come back once it is up; end it with: onehop lab down")
    .action(up);
  lab
    .command("ls")
    .description("the guests of the running labs")
    .addOption(new Option("-o, --output <format>", "how to print").choices(["table", "json"]).default("table"))
    .option("--lab <id>", "only of this lab")
    .action(ls);
  lab
    .command("exec <where> <command...>")
    .description("run a command in a guest or on a host: onehop lab exec web-1 -- ping 10.0.1.11")
    .option("--lab <id>", "in this lab, where several run")
    .passThroughOptions()
    .action(exec);
  lab.command("down [id]").description("end a lab, and remove what killed ones left").action(down);
  withDemoShape(lab.command("demo").description("build one, apply an example, prove and measure it (npm start)"))
    .option("-f, --file <file>", "documents to apply (default: two tenants of equal addresses)")
    .option("--once", "leave when it is done; the exit code says whether everything held")
    .option("--json <file>", "write the result there")
    .action(demo);
}

const count = (text: string): number => (text === "0" ? 0 : number(text));

const withShape = (command: Command): Command =>
  withLinks(
    command
      .option("--hosts <number>", "hosts", number, 3)
      .option("--hubs <number>", "of the hosts, how many are hubs: with two, VPCs learn where ports are", count, 0),
  );

/** The demonstration's example has guests on three hosts. */
const withDemoShape = (command: Command): Command =>
  withLinks(
    command
      .option("--hosts <number>", "hosts, the hubs among them (default: 3 and the hubs)", number)
      .option("--hubs <number>", "of the hosts, how many are hubs (default: 2 where that leaves 3, else 0)", count),
  );

const withLinks = (command: Command): Command =>
  command
    .option("--uplinks <number>", "links of each host to the router", number, 1)
    .option("--mtu <bytes>", "MTU of the underlay; a guest's is 50 less", number, 1550);
