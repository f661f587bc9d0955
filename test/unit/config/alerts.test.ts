import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { alertAddresses, alertFiles, alertsOf, alertSettings } from "../../../config/alertSecrets";
import { parseStackConfiguration } from "../../../config/stackConfiguration";

const base = { portBase: 8400, feed: { source: "synthetic" }, bots: [{ name: "refstrat01", limits: { orderQuantity: 1, orderNotional: 12_000 } }] };
const parse = (alerts: unknown, mode = "paper") => parseStackConfiguration(mode, { ...base, mode, ...(alerts === undefined ? {} : { alerts }) }).alerts;

describe("the configuration of alerts", () => {
  for (const mode of ["paper", "live"]) {
    it(`tells nobody of ${mode} where nothing is said`, () => expect(parse(undefined, mode)).to.deep.equal({ format: "json", repeatMinutes: 60 }));
  }

  const wrong: [what: string, alerts: object, message: RegExp][] = [
    ["a webhook that is no address", { webhook: "me@example.org" }, /trading:alerts\.webhook = "me@example.org": allowed: an address such as https:\/\/host\/path, or the word file when it stands in .*alert-webhook/],
    ["a heartbeat that is no address", { heartbeat: "ftp://ping.example" }, /trading:alerts\.heartbeat = "ftp:\/\/ping.example": allowed: .*alert-heartbeat/],
    ["a format that nobody reads", { format: "xml" }, /trading:alerts\.format = "xml": allowed: "json", "ntfy"/],
    ["no time between two", { repeatMinutes: 0 }, /trading:alerts\.repeatMinutes = 0: allowed: at least 1/],
    ["a key that does not exist", { hook: "file" }, /trading:alerts\.hook = "file": unknown key; allowed here: webhook, format, heartbeat, backupHeartbeat, repeatMinutes/],
  ];
  for (const [what, alerts, message] of wrong) it(`refuses ${what}`, () => expect(() => parse(alerts)).to.throw(message));
});

describe("the addresses of alerts", () => {
  let root: string;
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), "alert-secrets-"));
    fs.mkdirSync(path.join(root, ".trading", "stacks", "paper"), { recursive: true });
  });
  afterEach(() => fs.rmSync(root, { recursive: true, force: true }));
  const write = (name: string, text: string) => fs.writeFileSync(path.join(root, ".trading", "stacks", "paper", name), text);
  const addresses = (alerts: unknown) => alertAddresses(root, "paper", parse(alerts));

  it("come from the stack's file, or from a file of their own", () => {
    write("alert-webhook", "https://hooks.example/secret\n");
    const found = addresses({ webhook: "file", heartbeat: "https://ping.example/1" });
    expect(found).to.deep.equal({ webhook: "https://hooks.example/secret", heartbeat: "https://ping.example/1", backupHeartbeat: undefined });
    expect(alertFiles("guard", found, true)).to.deep.equal({ "alert-webhook": "https://hooks.example/secret", "alert-heartbeat": "https://ping.example/1" });
  });

  it("are not there where nobody is told", () => {
    expect(alertFiles("guard", addresses(undefined), true)).to.deep.equal({});
    expect(alertSettings("guard", parse(undefined), true)).to.deep.equal({ webhook: false, format: "json", heartbeat: false, repeatMinutes: 60 });
  });

  for (const [sender, guarded, given, heartbeat] of [
    ["guard", true, { heartbeat: "of the guard", backupHeartbeat: "of the backups" }, "of the guard"],
    ["backup", true, { heartbeat: "of the guard", backupHeartbeat: "of the backups" }, "of the backups"],
    ["backup", true, { heartbeat: "of the guard" }, undefined],
    ["backup", false, { heartbeat: "of the stack" }, "of the stack"],
    ["backup", false, { heartbeat: "of the stack", backupHeartbeat: "of the backups" }, "of the backups"],
  ] as const) {
    it(`give the ${sender} ${heartbeat === undefined ? "no heartbeat" : `the heartbeat ${heartbeat}`} ${guarded ? "beside" : "without"} a guard`, () => {
      expect(alertsOf<string>(sender, given, guarded).heartbeat).to.equal(heartbeat);
    });
  }

  it("are in no settings", () => {
    const settings = alertSettings("guard", parse({ webhook: "https://ntfy.example/secret", format: "ntfy", heartbeat: "file", repeatMinutes: 5 }), true);
    expect(settings).to.deep.equal({ webhook: true, format: "ntfy", heartbeat: true, repeatMinutes: 5 });
  });

  const wrong: [what: string, alerts: object, files: Record<string, string>, message: RegExp][] = [
    ["a webhook's file that is not there", { webhook: "file" }, {}, /trading:alerts\.webhook is "file": .*alert-webhook is missing; write it there/],
    ["a heartbeat's file that is empty", { heartbeat: "file" }, { "alert-heartbeat": "\n" }, /trading:alerts\.heartbeat is "file": .*alert-heartbeat is empty; write it there/],
    ["a webhook's file without an address", { webhook: "file" }, { "alert-webhook": "hello" }, /alert-webhook does not hold an address/],
    ["a webhook's file with half an address", { webhook: "file" }, { "alert-webhook": "https://hello:hello" }, /alert-webhook does not hold an address/],
    ["an ntfy without a topic", { webhook: "https://hello.example/", format: "ntfy" }, {}, /trading:alerts\.webhook names no topic of ntfy; allowed: an address that ends with it/],
    ["an ntfy without a topic, in a file", { webhook: "file", format: "ntfy" }, { "alert-webhook": "https://hello.example" }, /names no topic of ntfy/],
  ];
  for (const [what, alerts, files, message] of wrong) {
    it(`refuse ${what}, and tell nothing of what it holds`, () => {
      for (const [name, text] of Object.entries(files)) write(name, text);
      expect(() => addresses(alerts)).to.throw(message).with.property("message").that.does.not.include("hello");
    });
  }
});
