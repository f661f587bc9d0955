import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** A temporary folder, with a repository in it once `init` was called; `remove` takes it away. */
export class GitRepository {
  readonly root = fs.mkdtempSync(path.join(os.tmpdir(), "trading-git-"));

  git(...words: string[]): string {
    return execFileSync("git", words, { cwd: this.root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
  }

  init(): this {
    this.git("init", "--quiet", "--initial-branch=main");
    fs.appendFileSync(path.join(this.root, ".git", "config"), "[user]\n\tname = Owner\n\temail = owner@example.com\n");
    return this;
  }

  write(name: string, text: string): void {
    const file = path.join(this.root, ...name.split("/"));
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  }

  read(name: string): string {
    return fs.readFileSync(path.join(this.root, ...name.split("/")), "utf8");
  }

  /** Commits everything that is there. @returns the commit */
  commit(message = "a commit"): string {
    this.git("add", "--all");
    this.git("commit", "--quiet", "--allow-empty", "--message", message);
    return this.git("rev-parse", "HEAD");
  }

  /** A remote beside it that has everything that is committed now. */
  push(): void {
    const remote = path.join(this.root, ".git", "remote.git");
    if (!fs.existsSync(remote)) {
      this.git("init", "--quiet", "--bare", remote);
      this.git("remote", "add", "origin", remote);
    }
    this.git("push", "--quiet", "origin", "HEAD:main");
  }

  remove(): void {
    fs.rmSync(this.root, { recursive: true, force: true });
  }
}
