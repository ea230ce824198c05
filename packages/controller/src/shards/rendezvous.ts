import { hashOf } from "../compile/index.ts";

/**
 * Who of these is to own the shard: the one whose hash with it is highest, so that a member that comes or goes moves only
 * its own share. Undefined: there is nobody.
 */
export function chosenFor(shard: string, members: Iterable<string>): string | undefined {
  let best: { readonly name: string; readonly weight: string } | undefined;
  for (const name of members) {
    const weight = hashOf(`${shard} ${name}`);
    if (!best || weight > best.weight) best = { name, weight };
  }
  return best?.name;
}
