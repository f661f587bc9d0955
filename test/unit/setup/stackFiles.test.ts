import { expect } from "chai";
import { interruptedCreations } from "../../../setup/repair.mjs";
import { opensSalt, readSalt } from "../../../setup/salt.mjs";
import { deriveStackFile, projectName, readPortBase, readStackState } from "../../../setup/stack-files.mjs";
import { useTemporaryFolder } from "./temporaryFolder";

/** Written by Pulumi 3.259.0 for the passphrase "x". */
export const SALT = "v1:8PVqfeZef5M=:v1:B06bmV/X6wXGjrWY:gU8IaAOp5w4wBBPzaVGAO0MAYYM9GQ==";

const PAPER = `encryptionsalt: ${SALT}
config:
  trading:mode: paper
  # the page, and MLflow one above
  trading:portBase: 8400
  trading:feed:
    source: synthetic
`;

describe("a stack's salt", () => {
  for (const [name, text, expected] of [
    ["plain", PAPER, SALT],
    ["quoted", `config: {}\nencryptionsalt: "${SALT}"\n`, SALT],
    ["with Windows line ends", `encryptionsalt: ${SALT}\r\nconfig: {}\r\n`, SALT],
    ["missing", "config:\n  trading:mode: paper\n", undefined],
    ["of another key", `config:\n  x:encryptionsalt: ${SALT}\n`, undefined],
  ] as const) {
    it(`is read where it is ${name}`, () => expect(readSalt(text)).to.equal(expected));
  }

  it("is opened by the passphrase it was made with, and by no other", async () => {
    expect(await Promise.all([opensSalt("x", SALT), opensSalt("y", SALT), opensSalt("x ", SALT)])).to.deep.equal([true, false, false]);
  });

  it("is refused in another form", async () => {
    const failure = await opensSalt("x", "v2:abc").catch((error: unknown) => error);
    expect(failure).to.be.an("error").with.property("message", 'encryptionsalt "v2:abc" is not of the form this program knows');
  });
});

describe("a stack's file", () => {
  const folder = useTemporaryFolder();

  it("of a further stack has its own ports and no salt", () => {
    const derived = deriveStackFile(PAPER, 8600);
    expect(derived).to.equal(PAPER.split("\n").slice(1).join("\n").replace("8400", "8600"));
    expect([readPortBase(derived), readSalt(derived)]).to.deep.equal([8600, undefined]);
  });
  it("cannot be made from one without ports", () => {
    expect(() => deriveStackFile("config: {}\n", 8600)).to.throw("the file it is made from sets no trading:portBase");
  });

  it("has no state before Pulumi made one", async () => {
    folder.write("Pulumi.yaml", "name: trading\nruntime: nodejs\n");
    expect(projectName(folder.path)).to.equal("trading");
    expect(await readStackState(folder.path, "paper")).to.equal(undefined);
  });
  it("has a state that says the salt, what exists and what was interrupted", async () => {
    const pending = [{ type: "creating", resource: { urn: "urn:a", type: "docker:index/volume:Volume", inputs: { name: "v" } } }];
    folder.write("Pulumi.yaml", "name: trading\n");
    folder.write(
      ".trading/state/.pulumi/stacks/trading/paper.json",
      JSON.stringify({ version: 3, checkpoint: { latest: { secrets_providers: { type: "passphrase", state: { salt: SALT } }, resources: [{ urn: "urn:s" }, { urn: "urn:n", id: "n1" }], pending_operations: pending } } }),
    );
    expect(await readStackState(folder.path, "paper")).to.deep.equal({ salt: SALT, pending, ids: new Set(["n1"]) });
  });
});

describe("what an interrupted run was making", () => {
  const operation = (type: string, kind: string, name: unknown) => ({ type, resource: { urn: `urn:${String(name)}`, type: `docker:index/${kind}`, inputs: { name } } });

  it("are the containers and networks it was creating, containers first", () => {
    const pending = [
      operation("creating", "network:Network", "trading-paper"),
      operation("creating", "volume:Volume", "trading-paper-data"),
      operation("deleting", "container:Container", "trading-paper-gui"),
      operation("creating", "container:Container", "trading-paper-broker"),
      operation("creating", "container:Container", { secret: "hidden" }),
      { type: "creating", resource: { urn: "urn:c", type: "command:local:Command" } },
    ];
    expect(interruptedCreations({ salt: undefined, ids: new Set(), pending })).to.deep.equal([
      { kind: "container", name: "trading-paper-broker" },
      { kind: "network", name: "trading-paper" },
    ]);
  });
});
