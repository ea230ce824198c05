import type { IntentChange } from "@onehop/store";

/** Changes by whom they are to wait for: those of a VPC wait for that VPC's only. */
export function byCause(changes: readonly IntentChange[]): Map<string, IntentChange[]> {
  const causes = new Map<string, IntentChange[]>();
  for (const change of changes) {
    const cause = causeOf(change);
    const some = causes.get(cause);
    if (some) some.push(change);
    else causes.set(cause, [change]);
  }
  return causes;
}

function causeOf(change: IntentChange): string {
  if (change.kind === "vpc") return `vpc ${change.id}`;
  if (change.kind === "host" || change.kind === "project") return `${change.kind}s`;
  return `vpc ${(change.after ?? change.before)?.vpc_id}`;
}
