import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { acknowledge, acknowledgementOf } from "../../../control/acknowledged";
import { readAudit } from "../../../control/audit";
import { controlFolder, ensureControlFolder } from "../../../control/folder";
import type { ActiveAlert, Tried } from "../../../services/shared/alerts/AlertChannel";
import { arrived, Parts, well } from "./alertParts";
import { container, makeClone, NOW, OWNER, PAPER_FILE, trading } from "./support";

const hour = 3_600_000;

function alert(id: string, more: Partial<ActiveAlert> = {}): ActiveAlert {
  return { id, key: `guard.${id}`, severity: "critical", text: `${id} is wrong.`, runbook: "runbooks/Incident_Handling.md, 4.2 Drawdown", since: NOW - 2 * hour, announced: true, toldAt: NOW - hour / 2, acknowledged: false, ...more };
}

describe("npx trading alerts", () => {
  let root: string;
  let control: string;
  let parts: Parts;
  beforeEach(() => {
    root = makeClone();
    control = controlFolder(root, "paper");
    parts = new Parts();
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));
  const alerts = (...words: string[]) => trading(root, ["alerts", ...words], { engine: parts });

  it("says that nothing is wrong, and how each part's way out stands", async () => {
    const { exitCode, out } = await alerts();
    expect(exitCode).to.equal(0);
    expect(out.split("\n")).to.deep.equal(["Nothing is wrong.", ...["guard   ", "backup  "].map((part) => `${part}  all was delivered, last 1 h ago; heartbeat 1 min ago`), ""]);
  });

  it("lists what is wrong in every part, critical ones that nobody has seen first", async () => {
    parts.states = {
      guard: { ...well, active: [alert("seen", { acknowledged: true }), alert("late", { severity: "warning", announced: false, toldAt: null })], undelivered: 1, oldestUndeliveredAt: NOW - hour, lastProblem: "ECONNREFUSED" },
      backup: { ...well, active: [alert("disk")], configured: false, heartbeatConfigured: false },
    };
    const { exitCode, out } = await alerts();
    expect(exitCode).to.equal(1);
    expect(out.split("\n")).to.deep.equal([
      "CRITICAL  guard.disk (backup), since 2024-03-01 10:00 UTC, told 30 min ago, not acknowledged",
      "          disk is wrong.",
      "          runbooks/Incident_Handling.md, 4.2 Drawdown",
      "          npx trading alerts ack disk --stack paper",
      "warning   guard.late (guard), since 2024-03-01 10:00 UTC, NOBODY WAS TOLD YET, not acknowledged",
      "          late is wrong.",
      "          runbooks/Incident_Handling.md, 4.2 Drawdown",
      "          npx trading alerts ack late --stack paper",
      "CRITICAL  guard.seen (guard), since 2024-03-01 10:00 UTC, told 30 min ago, acknowledged",
      "          seen is wrong.",
      "          runbooks/Incident_Handling.md, 4.2 Drawdown",
      "guard     1 notice waits for the receiver since 2024-03-01 11:00 UTC; heartbeat 1 min ago; ECONNREFUSED",
      "backup    nobody is told: trading:alerts.webhook; sends no heartbeat",
      "",
    ]);
  });

  it("says when nobody would notice that the machine is off", async () => {
    const unmissed = { ...well, heartbeatConfigured: false, lastHeartbeatAt: null };
    parts.states = { guard: unmissed, backup: unmissed };
    expect((await alerts()).out.split("\n").slice(-2)).to.deep.equal(["Nobody notices when this machine is off or cut off: trading:alerts.heartbeat, docs/alerts.md", ""]);
    parts.states["backup"] = well;
    expect((await alerts()).out).not.to.include("Nobody notices");
  });

  const codes: [what: string, active: ActiveAlert[], exitCode: number][] = [
    ["a warning", [alert("a", { severity: "warning" })], 0],
    ["a critical one that was acknowledged", [alert("a", { acknowledged: true })], 0],
    ["a critical one that was not", [alert("a", { acknowledged: true }), alert("b")], 1],
  ];
  for (const [what, active, exitCode] of codes) {
    it(`ends with ${exitCode} for ${what}`, async () => {
      parts.states["backup"] = { ...well, active };
      expect((await alerts()).exitCode).to.equal(exitCode);
    });
  }

  it("gives JSON", async () => {
    parts.states["backup"] = { ...well, active: [alert("disk")] };
    const document = JSON.parse((await alerts("--json")).out) as { stack: string; parts: { part: string; problem: string | null; active: { id: string; since: string }[]; undelivered: number }[] };
    expect(document.stack).to.equal("paper");
    expect(document.parts.map(({ part, problem, undelivered, active }) => [part, problem, undelivered, active.map(({ id, since }) => [id, since])])).to.deep.equal([
      ["guard", null, 0, []],
      ["backup", null, 0, [["disk", "2024-03-01T10:00:00.000Z"]]],
    ]);
  });

  const silent: [what: string, spoil: () => void, problem: string][] = [
    ["is not there", () => (parts.all = parts.all.filter(({ service }) => service !== "guard")), "guard     container trading-paper-guard does not exist: npm run pulumi -- up --refresh --stack paper: what is wrong there is not known"],
    ["is another clone's", () => (parts.all = [container("guard", { owner: "c2" }), container("backup")]), "guard     container trading-paper-guard belongs to another clone"],
    ["does not run", () => (parts.all = [container("guard", { state: "exited" }), container("backup")]), "guard     container trading-paper-guard is exited"],
    ["does not answer", () => (parts.execution = { exitCode: 7, output: "curl: (7) Failed to connect" }), "guard     the guard service does not answer: curl: (7) Failed to connect"],
    ["is of another version", () => (parts.states["guard"] = { ...well, active: [alert("a", { severity: "worse" as never })] }), "guard     the guard service is of another version than this command"],
  ];
  for (const [what, spoil, problem] of silent) {
    it(`ends with 1 when a part ${what}`, async () => {
      spoil();
      const { exitCode, out } = await alerts();
      expect(exitCode).to.equal(1);
      expect(out).to.include(problem).and.include("\nbackup  ").and.not.include("Nothing is wrong");
    });
  }

  it("asks only the parts that are declared", async () => {
    fs.writeFileSync(path.join(root, "Pulumi.paper.yaml"), `${PAPER_FILE}  trading:guard: { enabled: false }\n`);
    parts.all = [container("backup")];
    expect((await alerts()).out).to.equal("Nothing is wrong.\nbackup    all was delivered, last 1 h ago; heartbeat 1 min ago\n");
    fs.appendFileSync(path.join(root, "Pulumi.paper.yaml"), "  trading:backup: { enabled: false }\n");
    expect((await alerts()).out).to.equal("Stack paper has neither guard nor backup: nothing tells of alerts.\n");
    expect(await alerts("test")).to.include({ exitCode: 1, error: "error: stack paper has neither guard nor backup: nothing tells of alerts\n" });
  });

  it("knows help, and no other words", async () => {
    expect((await alerts("--help")).out).to.match(/ack <id> +say that you have seen/).and.match(/test +send one notice/).and.include("--json");
    expect(await alerts("tset")).to.include({ exitCode: 2 });
    expect((await alerts("ack")).error).to.include("missing required argument 'id'");
  });

  describe("ack", () => {
    const first = "6f1c2f0e-7d1b-4a63-9d7e-3c9f5b1f0a52";
    const second = "6f1c2f0e-0000-4a63-9d7e-3c9f5b1f0a52";
    beforeEach(() => {
      parts.states = { guard: { ...well, active: [alert(first, { key: "guard.drawdown" })] }, backup: { ...well, active: [alert(second, { key: "backup.clone.unpushed", severity: "warning" })] } };
    });

    it("keeps that it was seen, by whom, and in the audit log", async () => {
      const { exitCode, out } = await alerts("ack", first);
      expect([exitCode, out]).to.deep.equal([0, "guard.drawdown is acknowledged: it is not told of again before it is over.\n"]);
      expect(acknowledgementOf(control, first)).to.include({ at: "2024-03-01T12:00:00.000Z", severity: "critical" });
      const audit = readAudit(control);
      expect(audit).to.have.length(1);
      expect(audit[0]).to.deep.include({ at: "2024-03-01T12:00:00.000Z", act: "acknowledge", by: "person", incident: first, rule: "guard.drawdown", reason: `guard: ${first} is wrong.` });
      expect(audit[0]!.who).not.to.equal("");
    });

    it("says of a warning when it is told of again, and gives JSON", async () => {
      expect((await alerts("ack", second)).out).to.equal("backup.clone.unpushed is acknowledged: it is not told of again before it is over or becomes critical.\n");
      expect(JSON.parse((await alerts("ack", first, "--json")).out)).to.deep.equal({ stack: "paper", acknowledged: first });
    });

    it("takes the beginning of an id where there is one such id", async () => {
      expect((await alerts("ack", "6f1c2f0e-7")).exitCode).to.equal(0);
      expect(acknowledgementOf(control, first)).not.to.equal(undefined);
      expect(await alerts("ack", "6f1c")).to.include({ exitCode: 2, error: `error: "6f1c" is the beginning of several ids; allowed: ${first}, ${second}\n` });
    });

    it("does nothing the second time, also when it is over by then", async () => {
      await alerts("ack", first);
      parts.states["guard"] = { ...well, active: [alert(first, { key: "guard.drawdown", acknowledged: true })] };
      expect(await alerts("ack", first)).to.include({ exitCode: 0, out: "guard.drawdown was acknowledged already.\n" });
      parts.states["guard"] = well;
      expect(await alerts("ack", first)).to.include({ exitCode: 0, out: "was acknowledged already, and is over.\n" });
      expect(readAudit(control)).to.have.length(1);
    });

    it("is done anew for one that became critical since", async () => {
      ensureControlFolder(control, "paper", OWNER);
      acknowledge(control, first, { at: "2024-03-01T11:00:00.000Z", who: "owner", severity: "warning" });
      expect((await alerts("ack", first)).exitCode).to.equal(0);
      expect(acknowledgementOf(control, first)).to.include({ severity: "critical" });
      expect(readAudit(control)).to.have.length(1);
    });

    const unknown: [what: string, id: string, spoil: () => void, exitCode: number, error: string][] = [
      ["nobody knows", "abc", () => undefined, 2, `no alert of stack paper has the id "abc"; allowed: ${first} (guard: guard.drawdown), ${second} (backup: backup.clone.unpushed)`],
      ["is empty", "", () => undefined, 2, 'no alert of stack paper has the id ""'],
      ["is a path", "../halts", () => undefined, 2, 'no alert of stack paper has the id "../halts"'],
      ["is of nothing", first, () => (parts.states = { guard: well, backup: well }), 2, `has the id "${first}"; allowed: none is active`],
      ["a part may know that does not run", "abc", () => (parts.all = [container("backup")]), 1, `allowed: ${second} (backup: backup.clone.unpushed); guard may know it and does not answer: container trading-paper-guard does not exist`],
    ];
    for (const [what, id, spoil, exitCode, error] of unknown) {
      it(`refuses an id that ${what}, and keeps nothing`, async () => {
        spoil();
        const told = await alerts("ack", id);
        expect(told.exitCode).to.equal(exitCode);
        expect(told.error).to.include(error);
        expect(fs.existsSync(control)).to.equal(false);
      });
    }
  });

  describe("test", () => {
    it("says what arrived of every part", async () => {
      const { exitCode, out } = await alerts("test");
      expect(exitCode).to.equal(0);
      expect(out.split("\n").slice(0, 5)).to.deep.equal(["guard: warning raised arrived (HTTP 200, 12 ms)", "guard: critical raised arrived (HTTP 200, 12 ms)", "guard: resolved arrived (HTTP 200, 12 ms)", "guard: heartbeat arrived (HTTP 200, 12 ms)", "backup: warning raised arrived (HTTP 200, 12 ms)"]);
      expect(parts.calls.filter((call) => call.startsWith("execute"))).to.have.length(2).and.satisfy((calls: string[]) => calls.every((call) => call.endsWith("--request POST --write-out \n%{http_code} http://127.0.0.1:8080/v1/alerts/test")));
      expect((JSON.parse((await alerts("test", "--json")).out) as { parts: { tried: Tried[] }[] }).parts.map(({ tried }) => tried)).to.deep.equal([arrived, arrived]);
    });

    const without = (what: Tried["what"], more: Partial<Tried>): Tried[] => arrived.map((tried) => (tried.what === what ? { ...tried, arrived: false, ...more } : tried));
    const results: [what: string, tried: Tried[], exitCode: number, line: string][] = [
      ["a notice did not arrive", without("resolved", { answer: "HTTP 500" }), 1, "backup: resolved did NOT arrive: HTTP 500 (12 ms)"],
      ["the heartbeat did not arrive", without("heartbeat", { answer: "HTTP 404" }), 1, "backup: heartbeat did NOT arrive: HTTP 404 (12 ms)"],
      ["there is no heartbeat", without("heartbeat", { configured: false, answer: "this part has no address for it" }), 0, "backup: heartbeat not sent: this part has no address for it"],
      ["there is no receiver", without("warning raised", { configured: false, answer: "this part has no address for it" }), 1, "backup: warning raised not sent: this part has no address for it"],
    ];
    for (const [what, tried, exitCode, line] of results) {
      it(`ends with ${exitCode} when ${what}`, async () => {
        parts.tried["backup"] = tried;
        const told = await alerts("test");
        expect(told.exitCode).to.equal(exitCode);
        expect(told.out.split("\n")).to.include(line);
      });
    }

    it("ends with 1 when a part is away, and tells of the other", async () => {
      parts.all = [container("backup")];
      const { exitCode, out } = await alerts("test");
      expect(exitCode).to.equal(1);
      expect(out).to.match(/^guard: container trading-paper-guard does not exist/).and.include("backup: heartbeat arrived");
    });
  });
});
