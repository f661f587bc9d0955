// Where a worker thread begins: it takes TypeScript as `npx trading` itself does.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
require("tsx/cjs");
require("./worker.ts");
