import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** Gives every test of a suite an empty folder of its own. */
export function useTemporaryFolder(): { readonly path: string; write(name: string, content: string): void; read(name: string): string; list(): string[] } {
  let folder = "";
  beforeEach(() => {
    folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "trading-setup-")));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));
  return {
    get path() {
      return folder;
    },
    write(name, content) {
      fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      fs.writeFileSync(path.join(folder, name), content);
    },
    read: (name) => fs.readFileSync(path.join(folder, name), "utf8"),
    list: () => fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => name.split(path.sep).join("/")).sort(),
  };
}
