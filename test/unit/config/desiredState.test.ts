import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { derivePassword, readOwner, readStackKey } from "../../../config/clone";
import { desiredStateFile, readDesiredState, wishFor, writeDesiredState } from "../../../config/desiredState";

describe("what the clone's folder holds", () => {
  let root: string;
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), "trading-clone-"));
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));

  it("wants every bot running while nothing was said", () => {
    expect(wishFor(readDesiredState(root, "paper"), "refstrat01")).to.equal("running");
  });

  it("keeps what was written", () => {
    writeDesiredState(root, "paper", { bots: { refstrat01: "stopped" } });
    expect(wishFor(readDesiredState(root, "paper"), "refstrat01")).to.equal("stopped");
    expect(wishFor(readDesiredState(root, "live"), "refstrat01")).to.equal("running");
    expect(fs.readdirSync(path.dirname(desiredStateFile(root, "paper")))).to.deep.equal(["desired.json"]);
  });

  for (const [name, text, message] of [
    ["half a file", '{"bots": {', /desired\.json is not JSON: mend it, or remove it to want every bot running/],
    ["an unknown wish", '{"bots": {"a": "maybe"}}', /bots\.a = "maybe": allowed: "running", "stopped"/],
    ["an unknown key", '{"bot": {}}', /bot = \{\}: unknown key; allowed here: bots/],
  ] as const) {
    it(`starts nothing on ${name}`, () => {
      const file = desiredStateFile(root, "paper");
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, text);
      expect(() => readDesiredState(root, "paper")).to.throw(message);
    });
  }

  it("says what to do when the key or the owner is missing or damaged", () => {
    expect(() => readOwner(root)).to.throw(/owner is missing: run `npm start` first, or bring \.trading back from the backup/);
    fs.mkdirSync(path.join(root, ".trading", "stacks", "paper"), { recursive: true });
    fs.writeFileSync(path.join(root, ".trading", "stacks", "paper", "key"), "short\n");
    expect(() => readStackKey(root, "paper")).to.throw(/key does not hold 64 hexadecimal digits/);
  });

  it("derives a password of its own for each purpose and key, always the same", () => {
    const [a, b] = ["0".repeat(64), "1".repeat(64)];
    const passwords = [derivePassword(a, "database/bot"), derivePassword(a, "database/gui"), derivePassword(b, "database/bot")];
    expect(new Set(passwords).size).to.equal(3);
    expect(derivePassword(a, "database/bot")).to.equal(passwords[0]);
    for (const password of passwords) expect(password).to.match(/^[A-Za-z0-9_-]{43}$/);
  });
});
