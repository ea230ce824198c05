/**
 * YAML, loaded by whoever prints it: `await import("./yaml.ts")`. The names are imported here and not there, since in the
 * bundle a package of CommonJS that is imported lazily has no names, only a default.
 */
export { stringify } from "yaml";
