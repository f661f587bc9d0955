import { expect } from "chai";
import { meaningOf, type StackChanges } from "../../../../operations/review/meaning";
import type { Action, PreviewedResource } from "../../../../operations/review/previewEvents";

const DATA = "docker:index/volume:Volume";

function resource(more: Partial<PreviewedResource>): PreviewedResource {
  const inputs = more.action === "added" ? { before: null, after: {} } : more.action === "removed" ? { before: {}, after: null } : { before: {}, after: {} };
  return { action: "untouched", urn: "urn", type: "docker:index/container:Container", name: "thing", properties: [], retained: false, ...inputs, ...more };
}

function container(service: string, action: Action, after: object = {}, before: object = {}): PreviewedResource {
  const labels = [{ label: "trading.service", value: service }];
  return resource({ action, name: service, before: action === "added" ? null : { labels, start: true, ...before }, after: action === "removed" ? null : { labels, start: true, ...after } });
}

const command = (name: string, action: Action, before: string, after: string) => resource({ type: "command:local:Command", name, action, before: { triggers: [before] }, after: { triggers: [after] } });

/** Everything that trading stands on, untouched, but for what is given. */
function changes(given: readonly PreviewedResource[], more: Partial<StackChanges> = {}): StackChanges {
  const named = new Set(given.map(({ name }) => name));
  const rest = ["bot-a", "broker", "livefeed", "timescaledb"].filter((service) => !named.has(service)).map((service) => container(service, "untouched"));
  return { stack: "live", resources: [...given, ...rest], configuration: [], limits: [], migrations: [], ...more };
}

const said = (given: readonly PreviewedResource[], more: Partial<StackChanges> = {}) => meaningOf(changes(given, more)).map(({ weight, text }) => `${weight}: ${text}`);

describe("what changes mean for trading", () => {
  for (const [name, resources, expected] of [
    ["nothing where nothing changes", [], []],
    ["a bot that is replaced", [container("bot-a", "replaced")], ["attention: live bot a replaced: about 20 s without a bot; its protective stop is worked meanwhile", "note: database untouched"]],
    ["a bot that is replaced with the broker, which works its stop", [container("bot-a", "replaced"), container("broker", "replaced")], ["attention: live bot a replaced: about 20 s without a bot", "attention: broker replaced: for about 20 s no order leaves and no protective stop is worked", "note: database untouched"]],
    ["a bot that is replaced and not started", [container("bot-a", "replaced", { start: false })], ["attention: live bot a replaced; it is not started", "note: database untouched"]],
    ["a bot that is stopped", [container("bot-a", "changed", { start: false })], ["attention: live bot a is stopped", "note: database untouched"]],
    ["a bot that is started", [container("bot-a", "changed", {}, { start: false })], ["attention: live bot a is started", "note: database untouched"]],
    ["a bot that is changed in place", [container("bot-a", "changed", { memory: 1 })], ["note: live bot a changed in place, and goes on running", "note: database untouched"]],
    ["a bot that is new, and one that is gone", [container("bot-b", "added"), container("bot-a", "removed")], ["attention: live bot b is new", "attention: live bot a is gone: nothing decides over its position any more", "note: database untouched"]],
    ["a feed, and a guard with its way to Docker", [container("livefeed", "replaced"), container("guard", "replaced"), container("guard-proxy", "replaced")], [
      "attention: market feed replaced: no entries until it is HEALTHY again",
      "attention: guard replaced: for about 20 s nothing is guarded and no entry is let through",
      "attention: guard's way to Docker replaced: meanwhile it can stop no bot",
      "note: database untouched",
    ]],
    ["a database that is restarted", [container("timescaledb", "replaced")], ["attention: database restarted on the same data: for about 20 s nothing is decided, and no order is worked"]],
    ["what stands beside trading in one line", [container("gui", "replaced"), container("mlflow", "replaced")], ["note: replaced beside trading: page, MLflow", "note: database untouched"]],
    ["a guard that is gone", [container("guard", "removed")], ["danger: guard is gone from the stack", "note: database untouched"]],
    ["an image by what it is built of", [command("image-bot", "replaced", "a1b2c3d4e5", "c3d4e5f6a7"), container("bot-a", "replaced")], ["attention: live bot a replaced: about 20 s without a bot; its protective stop is worked meanwhile", "note: database untouched", "note: image bot a1b2c3d4 → c3d4e5f6"]],
    ["a volume of data that is replaced, first of all", [container("bot-a", "replaced"), resource({ type: DATA, action: "replaced", retained: true, before: { name: "old" }, after: { name: "new" } })], [
      "danger: data volume old is replaced: the stack goes on with an empty one",
      "attention: live bot a replaced: about 20 s without a bot; its protective stop is worked meanwhile",
      "note: database untouched",
    ]],
    ["a volume of data that leaves the stack", [resource({ type: DATA, action: "removed", retained: true, before: { name: "data" } })], ["danger: data volume data leaves the stack: its content stays on the Engine, and nothing uses it any more", "note: database untouched"]],
    ["no volume that can be filled again", [resource({ type: DATA, action: "replaced", before: { name: "secrets" } })], ["note: database untouched"]],
  ] as const) {
    it(`tells of ${name}`, () => expect(said(resources)).to.deep.equal(expected));
  }

  it("tells which migrations are new, and that roles are brought up to date without one", () => {
    const migrated = command("timescaledb-migrate", "replaced", "1", "2");
    expect(said([migrated], { migrations: ["0012_more.sql"] })).to.deep.equal(["attention: database gets a new migration: 0012_more.sql", "note: database untouched, but for its schema"]);
    expect(said([migrated])).to.include("note: roles and schema of the database are brought up to date; no migration is new");
  });

  it("tells limits in words, and marks the raised ones", () => {
    const limits = [{ key: "k", words: "max position of a", before: 1, after: 2, raised: true }, { key: "g", words: "guard", before: false, after: true, raised: false }, { key: "x", words: "max exposure of all bots", before: 5, after: null, raised: true }];
    expect(said([], { limits })).to.deep.equal(["attention: max position of a 1 → 2 (raised)", "attention: max exposure of all bots 5 → none (raised)", "note: guard off → on"]);
  });

  for (const [path, text] of [
    ["bots.a.settings.emaFast", "attention: a trades by another setting emaFast: 1 → 2"],
    ["bots.a.strategy", "attention: a trades by another strategy: 1 → 2"],
    ["feed.source", "danger: candles come from another source: 1 → 2; a stack whose source changes begins with new data"],
    ["portBase", "note: the page moves: port 1 → 2"],
    ["mode", "danger: mode 1 → 2"],
  ] as const) {
    it(`tells of ${path}`, () => expect(said([], { configuration: [{ path, before: "1", after: "2" }] })).to.deep.equal([text]));
  }
  it("leaves the rest of a configuration to its own table", () => expect(said([], { configuration: [{ path: "gui.memoryMegabytes", before: "1", after: "2" }] })).to.deep.equal([]));
});
