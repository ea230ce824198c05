import { MAX_SLOTS } from "./entries.ts";

/**
 * A slot for every port: a port keeps the one it has, a new one gets the lowest that is free. Ports beyond the last
 * slot get none.
 */
export function assignSlots(had: ReadonlyMap<string, number>, portIds: Iterable<string>): Map<string, number> {
  const slots = new Map<string, number>();
  const wanted = [...portIds].sort();
  for (const id of wanted) {
    const slot = had.get(id);
    if (slot !== undefined) slots.set(id, slot);
  }
  const used = new Set(slots.values());
  let next = 0;
  for (const id of wanted) {
    if (slots.has(id)) continue;
    while (used.has(next)) next++;
    if (next >= MAX_SLOTS) break;
    slots.set(id, next);
    used.add(next);
  }
  return slots;
}
