import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";

/** The controllers' addresses as last told: an agent that starts finds one even where those that it was given are gone. */
export interface AddressBook {
  load(): Promise<string[]>;
  save(addresses: readonly string[]): Promise<void>;
}

export class AddressFile implements AddressBook {
  readonly #path: string;

  constructor(stateDir: string) {
    this.#path = join(stateDir, "controllers.v1.json");
  }

  async load(): Promise<string[]> {
    let text: string;
    try {
      text = await readFile(this.#path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter((address) => typeof address === "string") : [];
  }

  async save(addresses: readonly string[]): Promise<void> {
    const file = await open(`${this.#path}.new`, "w", 0o600);
    try {
      await file.writeFile(JSON.stringify(addresses));
    } finally {
      await file.close();
    }
    await rename(`${this.#path}.new`, this.#path);
  }
}
