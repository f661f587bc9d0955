import { expect } from "chai";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { parse } from "yaml";
import { MARKER } from "../../operations/review/markdown";
import { packagesStep } from "../../setup/steps/packages.mjs";
import { createContext } from "../../setup/context.mjs";
import { goProgram } from "../support/goProgram";
import { ReviewedClone } from "../support/reviewedClone";
import { execute, PROJECT_ROOT, type Outcome } from "../support/throwAwayStack";

const FILE = path.join(".github", "workflows", "pull-request.yml");

interface Step {
  readonly name?: string;
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly shell?: string;
  readonly env?: Readonly<Record<string, string>>;
}
interface Workflow {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, { readonly permissions: Readonly<Record<string, string>>; readonly steps: readonly Step[] }>>;
}

const workflow = parse(fs.readFileSync(path.join(PROJECT_ROOT, FILE), "utf8")) as Workflow;

interface Comment {
  readonly id: number;
  readonly user: { readonly login: string };
  body: string;
}

/** The part of GitHub's API that the workflow uses. */
class GitHub {
  readonly comments: Comment[] = [];
  readonly asked: string[] = [];
  private readonly server = http.createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => (text += String(chunk)));
    request.on("end", () => {
      const url = new URL(request.url ?? "/", "http://github");
      this.asked.push(`${request.method} ${url.pathname} ${request.headers.authorization}`);
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(this.answer(request.method ?? "", url, text)));
    });
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private answer(method: string, { pathname, searchParams }: URL, text: string): unknown {
    if (method === "GET") {
      const [size, page] = [Number(searchParams.get("per_page")), Number(searchParams.get("page"))];
      return this.comments.slice(size * (page - 1), size * page);
    }
    const { body } = JSON.parse(text) as { body: string };
    const known = this.comments.find(({ id }) => pathname.endsWith(`/issues/comments/${id}`));
    if (known) known.body = body;
    else this.comments.push({ id: this.comments.length + 1, user: { login: "github-actions[bot]" }, body });
    return {};
  }
}

describe("the workflow of a pull request", function () {
  this.timeout(600_000);

  it("is what GitHub takes, as actionlint sees it", async () => {
    const actionlint = await goProgram({ module: "actionlint", package: "github.com/rhysd/actionlint/cmd/actionlint", version: "1.7.12" });
    const { code, text } = await execute(actionlint, ["-no-color", "-shellcheck=", "-pyflakes=", path.join(PROJECT_ROOT, FILE)]);
    expect([code, text]).to.deep.equal([0, ""]);
  });

  it("may do as little as it needs, and runs no action that can become another one", () => {
    expect(workflow.permissions).to.deep.equal({});
    expect(Object.fromEntries(Object.entries(workflow.jobs).map(([name, { permissions }]) => [name, permissions]))).to.deep.equal({ preview: { contents: "read" }, comment: { "pull-requests": "write" } });
    for (const { steps } of Object.values(workflow.jobs)) for (const { uses } of steps) if (uses !== undefined) expect(uses).to.match(/^actions\/[a-z-]+@[0-9a-f]{40}$/);
    expect(workflow.jobs["comment"]!.steps.map(({ uses }) => uses), "what may write runs nothing of the pull request").to.deep.equal([undefined]);
  });

  describe("run here", () => {
    let clone: ReviewedClone;
    const github = new GitHub();
    let api: string;
    let markdown = "";

    before(async () => {
      // The clone's packages are a link to these: a set-up that would install them anew must not reach them.
      const { ok, detail } = await packagesStep.check(createContext());
      expect(ok, `npm packages: ${detail}; run npm start -- --review first`).to.equal(true);
      clone = await ReviewedClone.make();
      api = await github.start();
    });
    after(() => {
      github.stop();
      clone?.remove();
    });

    /** Runs a step's script as GitHub's runner does, with the values that it would put in the place of expressions. */
    async function runStep({ run, shell = "bash -e {0}", env = {} }: Step, values: Readonly<Record<string, string>>): Promise<Outcome & { readonly files: Record<"GITHUB_OUTPUT" | "GITHUB_STEP_SUMMARY", string> }> {
      const own = fs.mkdtempSync(path.join(clone.root, ".tools", "step-"));
      const script = path.join(own, "script");
      fs.writeFileSync(script, run!);
      const files = { GITHUB_OUTPUT: path.join(own, "output"), GITHUB_STEP_SUMMARY: path.join(own, "summary") };
      for (const file of Object.values(files)) fs.writeFileSync(file, "");
      const resolved = Object.fromEntries(
        Object.entries(env).map(([key, value]) => [key, value.replace(/\$\{\{ *(.+?) *\}\}/g, (_, expression: string) => values[expression] ?? expect.fail(`no value for ${expression}`))]),
      );
      const [program = "", ...args] = shell.split(" ").map((word) => word.replace("{0}", script));
      const outcome = await execute(program, args, { cwd: clone.root, env: { ...clone.environment(), GITHUB_API_URL: api, GITHUB_REPOSITORY: "owner/trading", ...files, ...resolved }, timeoutSeconds: 500 });
      return { ...outcome, files: { GITHUB_OUTPUT: fs.readFileSync(files.GITHUB_OUTPUT, "utf8"), GITHUB_STEP_SUMMARY: fs.readFileSync(files.GITHUB_STEP_SUMMARY, "utf8") } };
    }

    it("previews what a pull request is merged to, and fails where limits are raised", async () => {
      const base = await clone.git(["rev-parse", "HEAD"]);
      await clone.git(["checkout", "--quiet", "-b", "pull-request"]);
      // One stack is enough here: what both take is measured elsewhere.
      clone.replace("Pulumi.paper.yaml", "orderQuantity: 0.5", "orderQuantity: 1");
      await clone.commit("More");
      await clone.git(["checkout", "--quiet", "--detach", "main"]);
      await clone.git(["merge", "--quiet", "--no-ff", "--message", "Merge", "pull-request"]);
      const scripts = workflow.jobs["preview"]!.steps.filter(({ run }) => run !== undefined);
      const codes: (number | null)[] = [];
      for (const step of scripts) {
        const { code, text, files } = await runStep(step, { "github.event.pull_request.base.sha": base });
        codes.push(code);
        expect(code, text).to.be.oneOf([0, 2]);
        if (step.id !== "preview") continue;
        const [, end = "", output] = /^markdown<<(\S+)\n([\s\S]*)\n\1\n$/.exec(files.GITHUB_OUTPUT) ?? [];
        markdown = output ?? "";
        expect(end).to.have.length(36);
        expect(markdown.split("\n")[0]).to.equal(MARKER);
        expect(markdown).to.contain("🛑 **Risk limits are raised** in paper");
        expect(files.GITHUB_STEP_SUMMARY).to.contain("<summary>pulumi preview: pulumi-paper</summary>").and.to.match(/docker:index\/container:Container: \(replace\)/);
      }
      expect(codes).to.deep.equal([0, 2]);
    });

    it("keeps one comment up to date among many others", async () => {
      const [step] = workflow.jobs["comment"]!.steps;
      for (let id = 1001; id <= 1120; id++) github.comments.push({ id, user: { login: id === 1001 ? "somebody" : "github-actions[bot]" }, body: id === 1001 ? `${MARKER}\nnot ours` : "another" });
      const values = { "github.token": "token-of-the-run", "needs.preview.outputs.markdown": markdown, "github.event.pull_request.number": "7" };
      for (const text of [markdown, `${MARKER}\nnewer`]) {
        const { code, text: said } = await runStep(step!, { ...values, "needs.preview.outputs.markdown": text });
        expect(code, said).to.equal(0);
        const ours = github.comments.filter(({ user, body }) => user.login === "github-actions[bot]" && body.startsWith(MARKER));
        expect(ours.map(({ body }) => body)).to.deep.equal([text]);
      }
      expect(github.comments).to.have.length(121);
      expect(github.asked.every((line) => / \/repos\/owner\/trading\/issues\/(7\/comments|comments\/121) Bearer token-of-the-run$/.test(line)), github.asked.join("\n")).to.equal(true);
    });
  });
});
