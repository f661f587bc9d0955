import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";

const ROOT = path.resolve(__dirname, "../../..");

describe("the policy pack of our own commands", () => {
  let withPolicyPack: (args: readonly string[]) => string[];
  before(async () => {
    ({ withPolicyPack } = (await import("../../../setup/policy-pack.mjs")) as { withPolicyPack: typeof withPolicyPack });
  });
  const line = (text: string) => withPolicyPack(text === "" ? [] : text.split(" ")).join(" ");

  for (const [given, made] of [
    ["up --stack paper", "up --policy-pack policy --stack paper"],
    ["update", "update --policy-pack policy"],
    ["preview --diff", "preview --policy-pack policy --diff"],
    ["pre", "pre --policy-pack policy"],
    ["--non-interactive up --yes", "--non-interactive up --policy-pack policy --yes"],
    ["--color never preview", "--color never preview --policy-pack policy"],
    ["--color=never -v 3 up", "--color=never -v 3 up --policy-pack policy"],
    ["-e --logtostderr up", "-e --logtostderr up --policy-pack policy"],
  ] as const) {
    it(`is added to: pulumi ${given}`, () => expect(line(given)).to.equal(made));
  }

  for (const given of ["", "destroy --yes", "refresh", "stack output page", "config set up x", "stack select up", "--color up", "up --policy-pack other", "up --policy-pack=other", "--cwd other up", "-C other preview", "up --cwd=other", "--help"]) {
    it(`is not added to: pulumi ${given}`, () => expect(line(given)).to.equal(given));
  }

  it("is found by Pulumi, on every system", () => {
    const folder = path.join(ROOT, "policy");
    const runtime = /^runtime: (\S+)$/m.exec(fs.readFileSync(path.join(folder, "PulumiPolicy.yaml"), "utf8"))![1]!;
    const project = fs.readFileSync(path.join(ROOT, "Pulumi.yaml"), "utf8");
    const { name, at } = /- name: (?<name>\S+)\n\s+path: (?<at>\S+)/.exec(project)!.groups as { name: string; at: string };
    expect(name).to.equal(`policy-${runtime}`);
    const program = path.join(ROOT, at, `pulumi-analyzer-${name}`);
    if (process.platform !== "win32") expect(fs.statSync(program).mode & 0o111, "can be executed").to.equal(0o111);
    // cmd reads a batch file with other line ends wrongly, as soon as there is a goto in it.
    const batch = fs.readFileSync(`${program}.cmd`, "utf8");
    expect(batch.split("\n").slice(0, -1).every((each) => each.endsWith("\r")), "Windows' line ends").to.equal(true);
    expect(batch).to.include(path.basename(program));
  });
});
