import { openStore } from "@onehop/store";
import { serve } from "./fixture.ts";

/** Serves the API on the store named by the first argument until it is killed; prints the socket's url when ready. */
const served = await serve({ store: openStore(process.argv[2] ?? "memory:") });
console.log(await served.server.listen(`unix:${process.argv[3]}`));
