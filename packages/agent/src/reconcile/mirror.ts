import type { Attached, Attachment, Kernel } from "../kernel/kernel.ts";
import { KEY_TEXT, type Rows, TABLE_NAMES, type TableName } from "../lower/index.ts";
import { DeltaTracker } from "./delta_tracker.ts";

export type AttachmentRow = readonly [Attachment, Attached];
export const attachmentText = ({ place, owner }: Attachment): string => `${place} ${owner}`;

/** What the kernel holds, as far as the agent knows, beside what it should hold. */
export class Mirror {
  readonly attached = new DeltaTracker<AttachmentRow>();
  readonly #tables = new Map<TableName, unknown>(
    TABLE_NAMES.map((name) => [name, new DeltaTracker<Rows[typeof name]>()]),
  );

  table<T extends TableName>(name: T): DeltaTracker<Rows[T]> {
    return this.#tables.get(name) as DeltaTracker<Rows[T]>;
  }

  /** Reads everything: what start-up adopts, and how repair finds what others changed. */
  reread(kernel: Kernel): void {
    for (const name of TABLE_NAMES) this.#reread(name, kernel);
    const rows = [...kernel.attachments()].map((row) => [attachmentText(row[0]), row] as const);
    this.attached.replaceActual(rows);
  }

  /** Slots that ports of this host have in the kernel, by port id. */
  slots(): Map<string, number> {
    return new Map([...this.table("endpoints").actual().values()].map(([slot, { port }]) => [port, slot]));
  }

  #reread<T extends TableName>(name: T, kernel: Kernel): void {
    const text = KEY_TEXT[name];
    this.table(name).replaceActual([...kernel.read(name)].map((row) => [text(row[0]), row] as const));
  }
}
