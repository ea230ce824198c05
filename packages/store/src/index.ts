export * from "./clock.ts";
export * from "./index_map.ts";
export * from "./intent_view.ts";
export * from "./keys.ts";
export * from "./memory/memory_store.ts";
export * from "./repository.ts";
export * from "./store.ts";
