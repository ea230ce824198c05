export * from "./authority.ts";
export * from "./cluster.ts";
export * from "./files.ts";
export * from "./folder.ts";
export { newKey } from "./keys.ts";
export * from "./names.ts";
export * from "./request.ts";
export * from "./token.ts";
