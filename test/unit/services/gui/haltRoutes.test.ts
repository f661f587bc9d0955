import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { FastifyInstance } from "fastify";
import { readAudit } from "../../../../control/audit";
import { writeBrokerSight } from "../../../../control/brokerSight";
import { ensureControlFolder } from "../../../../control/folder";
import { haltsOf } from "../../../../control/LatchFolder";
import type { HaltAnswer, HaltsView } from "../../../../services/gui/api";
import { ControlReader } from "../../../../services/gui/controlReader";
import { addHaltRoutes } from "../../../../services/gui/haltRoutes";
import { createLogger } from "../../../../services/shared/log";
import { createServer } from "../../../../services/shared/server";

const page = { host: "127.0.0.1:8400", origin: "http://127.0.0.1:8400", "sec-fetch-site": "same-origin", "content-type": "application/json" };
const good = { level: "kill", bot: null, reason: "the books look wrong" };

describe("gui: halting from the page", () => {
  let root: string;
  let folder: string;
  let app: FastifyInstance;
  let clock: number;
  const inForce = () => haltsOf(folder).inForce();

  function start(mode: "paper" | "live", control = folder): FastifyInstance {
    // As in the service: what it makes of an error of its own is part of what the person reads.
    app = createServer({ log: createLogger("gui", "silent"), readiness: () => ({ ready: true, reason: "" }) }).app;
    const open = (bot: string | null) => [`${bot ?? "all"}: no position`];
    addHaltRoutes(app, { stack: mode, mode, bots: ["refstrat01", "second"], control: new ControlReader(control, mode), open, log: createLogger("gui", "silent"), monotonic: () => clock });
    return app;
  }
  const send = (body: unknown, headers: Record<string, string | undefined> = {}, url = "/api/halt") =>
    app.inject({ method: "POST", url, headers: Object.fromEntries(Object.entries({ ...page, ...headers }).filter(([, value]) => value !== undefined)), payload: typeof body === "string" ? body : JSON.stringify(body) });

  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), "trading-gui-halt-"));
    folder = path.join(root, "stack", "control");
    clock = 0;
  });
  afterEach(async () => {
    await app.close();
    fs.rmSync(root, { recursive: true, force: true });
  });

  it("places the halt, puts it on record, and answers the incident", async () => {
    ensureControlFolder(folder, "paper", "c1");
    start("paper");
    const response = await send({ level: "reduce", bot: "second", reason: "  odd fills " });
    expect(response.statusCode).to.equal(201);
    const { incident, at, note } = response.json<HaltAnswer>();
    expect(note).to.equal(null);
    const { entries } = inForce();
    expect(entries.map(({ id, stack, level, bot, reason, by, who }) => ({ id, stack, level, bot, reason, by, who }))).to.deep.equal([
      { id: incident, stack: "paper", level: "reduce", bot: "second", reason: "odd fills", by: "page", who: "page" },
    ]);
    expect(entries[0]).to.deep.include({ open: ["second: no position"], runbook: "runbooks/Incident_Handling.md", rule: null });
    expect(Date.parse(entries[0]!.at)).to.equal(at);
    expect(readAudit(folder).map(({ act, incident: about, level, bot, by, open }) => [act, about, level, bot, by, open])).to.deep.equal([["halt", incident, "reduce", "second", "page", ["second: no position"]]]);
  });

  it("shows it, and whether the broker holds to it", async () => {
    ensureControlFolder(folder, "paper", "c1");
    start("paper");
    const look = async () => (await app.inject({ url: "/api/halts", headers: page })).json<HaltsView>();
    const { incident, at } = (await send(good)).json<HaltAnswer>();
    expect((await look()).inForce[0]).to.deep.include({ id: incident, level: "kill", held: false, rearm: `npx trading rearm --incident ${incident} --stack paper` });
    writeBrokerSight(folder, { at: new Date(at + 300).toISOString(), incidents: [incident], problem: null });
    const { inForce: [halt], broker } = await look();
    expect([halt?.held, broker]).to.deep.equal([true, { at: at + 300, problem: null }]);
  });

  const asker: [string, Record<string, string | undefined>, number, RegExp][] = [
    ["another site, with its own address", { origin: "https://evil.example" }, 403, /only from the page itself, http:\/\/127\.0\.0\.1:8400/],
    ["another site, without an address", { origin: "null" }, 403, /only from the page itself/],
    ["another port of this machine", { origin: "http://127.0.0.1:8500" }, 403, /only from the page itself/],
    ["somebody who does not say from where", { origin: undefined }, 403, /only from the page itself/],
    ["a page that the browser calls cross-site", { "sec-fetch-site": "cross-site" }, 403, /only from the page itself/],
    ["a page that the browser calls same-site", { "sec-fetch-site": "same-site" }, 403, /only from the page itself/],
    ["a container of the stack", { host: "gui:8080", origin: "http://gui:8080" }, 403, /use localhost or 127\.0\.0\.1/],
    ["a name that points here", { host: "evil.example:8400", origin: "http://evil.example:8400" }, 403, /use localhost or 127\.0\.0\.1/],
    ["a form", { "content-type": "text/plain" }, 415, /must be application\/json/],
    ["a form of fields", { "content-type": "application/x-www-form-urlencoded" }, 415, /must be application\/json/],
    ["somebody who does not say what it is", { "content-type": undefined }, 415, /must be application\/json/],
  ];
  for (const [who, headers, status, words] of asker) {
    it(`refuses ${who} (${status}) and writes nothing`, async () => {
      ensureControlFolder(folder, "paper", "c1");
      start("paper");
      const response = await send(good, headers);
      expect(response.json<{ error: string }>().error).to.match(words);
      expect(response.statusCode).to.equal(status);
      expect(inForce()).to.deep.equal({ entries: [], unreadable: [] });
      expect(readAudit(folder)).to.deep.equal([]);
    });
  }

  const asked: [string, "paper" | "live", unknown, string | RegExp][] = [
    ["no level", "paper", { ...good, level: undefined }, 'level: missing - allowed: "pause", "reduce", "kill"'],
    ["an unknown level", "paper", { ...good, level: "stop" }, 'level: "stop" - allowed: "pause", "reduce", "kill"'],
    ["an unknown bot", "paper", { ...good, bot: "nobody" }, 'bot: "nobody" - allowed: refstrat01, second; null is every bot'],
    ["no word of the bot", "paper", { level: "kill", reason: "x" }, 'bot: missing - allowed: refstrat01, second; null is every bot'],
    ["no reason", "paper", { ...good, reason: "  " }, 'reason: "  " - allowed: at least 1 characters'],
    ["an unknown key", "paper", { ...good, rearm: true }, "rearm: unknown key (true) - allowed: level, bot, reason, confirm"],
    ["several wrong keys at once", "paper", { level: "x", bot: 1, reason: "" }, /level: .*; bot: .*; reason: /],
    ["no object", "paper", [], /allowed: a value of type object/],
    ["no JSON", "paper", "{", /JSON/],
    ["live without the name of the stack", "live", good, 'confirm: missing - allowed: "live", the name of the stack, since this is live'],
    ["live with another name", "live", { ...good, confirm: "Live" }, 'confirm: "Live" - allowed: "live", the name of the stack, since this is live'],
  ];
  for (const [what, mode, body, words] of asked) {
    it(`refuses ${what} (400) and writes nothing`, async () => {
      ensureControlFolder(folder, mode, "c1");
      start(mode);
      const response = await send(body);
      const { error } = response.json<{ error: string }>();
      if (typeof words === "string") expect(error).to.equal(words);
      else expect(error).to.match(words);
      expect(response.statusCode).to.equal(400);
      expect(inForce()).to.deep.equal({ entries: [], unreadable: [] });
      expect(readAudit(folder)).to.deep.equal([]);
    });
  }

  it("halts live when the name of the stack was typed", async () => {
    ensureControlFolder(folder, "live", "c1");
    start("live");
    expect((await send({ ...good, confirm: "live" })).statusCode).to.equal(201);
    expect(inForce().entries).to.have.length(1);
  });

  it("halts at most once a second, and what is refused does not count", async () => {
    ensureControlFolder(folder, "paper", "c1");
    start("paper");
    const at = async (milliseconds: number, body: unknown = good) => {
      clock = milliseconds;
      return (await send(body)).statusCode;
    };
    expect([await at(0, {}), await at(0), await at(999), await at(1000)]).to.deep.equal([400, 201, 429, 201]);
    expect(inForce().entries).to.have.length(2);
  });

  it("says that nothing is halted, and how to, where the folder is not this stack's", async () => {
    ensureControlFolder(folder, "live", "c1");
    start("paper");
    const response = await send(good);
    expect(response.statusCode).to.equal(503);
    expect(response.json<{ error: string }>().error).to.match(/^NOT halted: .*stack\.json is of stack "live"; on the machine: npx trading halt --stack paper --level kill --reason TEXT$/);
    expect(inForce()).to.deep.equal({ entries: [], unreadable: [] });
  });

  it("says that nothing is halted where the folder cannot be written, and may be asked again at once", async () => {
    ensureControlFolder(folder, "paper", "c1");
    fs.rmSync(path.join(folder, "halts"), { recursive: true });
    fs.writeFileSync(path.join(folder, "halts"), "");
    start("paper");
    const response = await send({ ...good, bot: "second" });
    expect(response.statusCode).to.equal(503);
    expect(response.json<{ error: string }>().error).to.match(/^NOT halted: the control folder cannot be written \(ENOTDIR\); on the machine: npx trading halt --stack paper --bot second --level kill --reason TEXT$/);
    fs.rmSync(path.join(folder, "halts"));
    ensureControlFolder(folder, "paper", "c1");
    expect((await send(good)).statusCode).to.equal(201);
  });

  it("halts all the same where the audit log cannot be written, and says so", async () => {
    ensureControlFolder(folder, "paper", "c1");
    fs.rmSync(path.join(folder, "audit.jsonl"));
    fs.mkdirSync(path.join(folder, "audit.jsonl"));
    start("paper");
    const response = await send(good);
    expect(response.statusCode).to.equal(201);
    expect(response.json<HaltAnswer>().note).to.equal("it is not in the audit log (EISDIR)");
    expect(inForce().entries).to.have.length(1);
  });

  it("has nothing that lifts a halt", async () => {
    ensureControlFolder(folder, "paper", "c1");
    start("paper");
    const { incident } = (await send(good)).json<HaltAnswer>();
    for (const url of ["/api/rearm", `/api/halt/${incident}`, "/api/halts"]) {
      for (const method of ["POST", "DELETE", "PUT"] as const) expect((await app.inject({ method, url, headers: { ...page, "content-type": "application/json" }, payload: "{}" })).statusCode, `${method} ${url}`).to.equal(404);
    }
    expect(inForce().entries.map(({ id }) => id)).to.deep.equal([incident]);
  });
});
