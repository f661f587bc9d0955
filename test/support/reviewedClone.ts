import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { execute, PROJECT_ROOT, type Outcome, type RunOptions } from "./throwAwayStack";

/** What a checkout holds that is in no commit. */
const NOT_COMMITTED = new Set(["node_modules", ".git", ".tools", ".trading"]);
/** Tools that a review uses; those that a set-up writes are the clone's own. */
const [LINKED, COPIED] = [["bin"], ["pulumi-home", "bundles", "certificates"]];

/**
 * A repository in a temporary folder whose first commit is the checkout as it is, for reviews: packages are those of the
 * checkout, and it has no `.trading`, as the machine of a review has none.
 */
export class ReviewedClone {
  private constructor(readonly root: string) {}

  static async make(): Promise<ReviewedClone> {
    const clone = new ReviewedClone(fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "trading-review-"))));
    const { root } = clone;
    for (const entry of fs.readdirSync(PROJECT_ROOT)) {
      if (!NOT_COMMITTED.has(entry)) fs.cpSync(path.join(PROJECT_ROOT, entry), path.join(root, entry), { recursive: true });
    }
    fs.symlinkSync(path.join(PROJECT_ROOT, "node_modules"), path.join(root, "node_modules"), "junction");
    fs.mkdirSync(path.join(root, ".tools"));
    const tools = (entry: string) => [path.join(PROJECT_ROOT, ".tools", entry), path.join(root, ".tools", entry)] as const;
    for (const [from, to] of LINKED.map(tools)) if (fs.existsSync(from)) fs.symlinkSync(from, to, "junction");
    for (const [from, to] of COPIED.map(tools)) if (fs.existsSync(from)) fs.cpSync(from, to, { recursive: true });
    await clone.git(["init", "--quiet", "--initial-branch", "main"]);
    // Git ignores the folders of these names, and here they are links.
    fs.appendFileSync(path.join(root, ".git", "info", "exclude"), "/node_modules\n/.tools\n");
    await clone.commit("The project");
    return clone;
  }

  async git(words: readonly string[]): Promise<string> {
    const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false"];
    const { code, stdout, text } = await execute("git", [...identity, ...words], { cwd: this.root });
    if (code !== 0) throw new Error(`git ${words.join(" ")}: ${text}`);
    return stdout.trim();
  }

  /** Commits everything as it is, and returns the commit. */
  async commit(message: string): Promise<string> {
    await this.git(["add", "--all"]);
    await this.git(["commit", "--quiet", "--allow-empty", "--message", message]);
    return this.git(["rev-parse", "HEAD"]);
  }

  read(file: string): string {
    return fs.readFileSync(path.join(this.root, file), "utf8");
  }

  /** Puts text in the place of other text; it has to be there. */
  replace(file: string, from: string, to: string): void {
    const text = this.read(file);
    if (!text.includes(from)) throw new Error(`${file} does not hold ${from}`);
    fs.writeFileSync(path.join(this.root, file), text.replace(from, to));
  }

  /** Runs `npx trading preview`, with no Docker Engine within reach. */
  preview(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return execute(process.execPath, [path.join(this.root, "operations", "trading.mjs"), "preview", ...args], { cwd: this.root, env: this.environment(), timeoutSeconds: 500, ...options });
  }

  /** An environment that leads to no Engine and to no passphrase. */
  environment(): NodeJS.ProcessEnv {
    const { PULUMI_CONFIG_PASSPHRASE: _passphrase, PULUMI_CONFIG_PASSPHRASE_FILE: _file, ...env } = process.env;
    return { ...env, DOCKER_HOST: "tcp://127.0.0.1:1" };
  }

  remove(): void {
    fs.rmSync(this.root, { recursive: true, force: true, maxRetries: 3 });
  }
}
