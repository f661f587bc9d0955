import * as fs from "node:fs";
import * as path from "node:path";
import { execute, PROJECT_ROOT } from "./throwAwayStack";

/** A program that tests need, and the folder below `setup/` whose Go module pins it. */
export interface GoProgram {
  readonly module: string;
  readonly package: string;
  /** As the module pins it: a program is kept by it. */
  readonly version: string;
  /** System that it runs on, in Go's words; this machine's where it is left out. */
  readonly system?: string;
}

const built = new Map<string, Promise<string>>();

/** Path of the program, built from its published Go module and kept in `.tools` by its version. */
export function goProgram(wanted: GoProgram): Promise<string> {
  const key = `${wanted.module}-${wanted.version}`;
  let file = built.get(key);
  if (!file) built.set(key, (file = build(wanted, key)));
  return file;
}

async function build({ module, package: name, system }: GoProgram, key: string): Promise<string> {
  const file = path.join(PROJECT_ROOT, ".tools", "test", key);
  if (fs.existsSync(file)) return file;
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const aside = `${file}.${process.pid}`;
  const env = { ...process.env, CGO_ENABLED: "0", GOWORK: "off", ...(system === undefined ? {} : { GOOS: system }), GOTOOLCHAIN: "local", GOFLAGS: "-mod=readonly -buildvcs=false" };
  const outcome = await execute("go", ["build", "-trimpath", "-ldflags", "-s -w", "-o", aside, name], { cwd: path.join(PROJECT_ROOT, "setup", module), env, timeoutSeconds: 600 });
  if (outcome.code !== 0) throw new Error(`${name} could not be built from its Go module:\n${outcome.text}`);
  fs.renameSync(aside, file);
  return file;
}
