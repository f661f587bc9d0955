import { expect } from "chai";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { BackupReader, backupView } from "../../../../services/gui/backupReader";
import { backupFacts } from "../../../../services/gui/page/backup";
import { trust } from "../../../../services/gui/trust";
import { statusInput } from "./rows";
import { statusView } from "../../../../services/gui/status";
import type { BackupView } from "../../../../services/gui/api";

const now = Date.parse("2026-11-21T12:00:00Z");
const hour = 3_600_000;
const job = (name: string, more: Partial<BackupView["jobs"][number]> = {}) => ({ job: name, lastGood: now - hour, next: now + hour, failures: 0, lastReason: "good", running: null, overdueSince: null, ...more });
const healthy: BackupView = {
  problem: null,
  readAt: now - 1000,
  jobs: ["point", "dump", "copy", "prune", "check"].map((name) => job(name)),
  points: 12,
  newestPoint: { id: "20261121T110000Z", at: now - hour, bytes: 650_000_000 },
  newestDump: { id: "20261121T024000Z", at: now - 9 * hour, bytes: 650_000_000 },
  restorable: { from: now - 100 * hour, to: now - 30_000 },
  proof: { point: "20261120T110000Z", at: now - 20 * hour, from: "second" },
  secondCopy: { kind: "path", lastGood: now - hour / 2 },
  diskUsed: 0.41,
  alarms: [],
  undelivered: 0,
};
const valueOf = (view: BackupView | null, label: string) => backupFacts(view, now).filter((fact) => fact.label === label).map(({ value, tone }) => `${tone || "plain"}: ${value}`);

describe("the page's backups", () => {
  it("say what can be restored, what was proved, and when each job was good", () => {
    expect(backupFacts(healthy, now).map(({ label }) => label)).to.deep.equal(["State", "Restorable", "Proved by a restore", "Recovery point", "Logical dump", "Second copy", "Retention", "Check of what is stored", "Disk of the backups"]);
    expect(valueOf(healthy, "State")).to.deep.equal(["good: everything is as it should be"]);
    expect(valueOf(healthy, "Restorable")).to.deep.equal(["plain: any second from 2026-11-17 08:00 UTC to 2026-11-21 11:59 UTC"]);
    expect(valueOf(healthy, "Recovery point")).to.deep.equal(["plain: good 60 min ago, 650.0 MB of databases, 12 kept; next in 60 min"]);
  });

  const cases: [string, BackupView | null, string, string[]][] = [
    ["a stack without backups", null, "State", ["warning: this stack is not backed up"]],
    ["a service that never answered", { ...healthy, readAt: null, problem: "no connection (ECONNREFUSED)" }, "State", ["bad: the backup service does not answer (no connection (ECONNREFUSED))"]],
    ["a service that went silent", { ...healthy, readAt: now - 2 * hour, problem: "no answer within 2.5 s" }, "State", ["bad: the backup service does not answer (no answer within 2.5 s); what follows is from 2 h ago"]],
    ["a failed job", { ...healthy, jobs: [job("dump", { failures: 2, lastReason: "no space left" })] }, "Logical dump", ["bad: good 60 min ago; failed 2 times since: no space left; next in 60 min"]],
    ["a running job", { ...healthy, jobs: [job("check", { running: { since: now - 5000, step: "reads the files" } })] }, "Check of what is stored", ["plain: good 60 min ago; running for 5 s: reads the files"]],
    ["no second copy", { ...healthy, secondCopy: { kind: "none", lastGood: null } }, "Second copy", ["warning: none is configured: the loss of this disk is the loss of every backup"]],
    ["alarms", { ...healthy, alarms: [{ severity: "critical", text: "the log is not archived" }] }, "Alarm", ["bad: the log is not archived"]],
    ["alarms that nobody got", { ...healthy, undelivered: 3 }, "Not delivered", ["warning: 3 alarms wait for their receiver"]],
  ];
  for (const [what, view, label, expected] of cases) it(`tell ${what}`, () => expect(valueOf(view, label)).to.deep.equal(expected));

  it("stand against trust when something is critical or silent, and not for a warning", () => {
    const input = statusView(statusInput());
    const levelWith = (backup: BackupView | null) => trust({ ...input, stale: false, backup });
    const plain = levelWith(null).reasons.length;
    expect(levelWith({ ...healthy, alarms: [{ severity: "warning", text: "no second copy" }] }).reasons).to.have.length(plain);
    expect(levelWith({ ...healthy, alarms: [{ severity: "critical", text: "no good point" }] }).reasons).to.include("Backup: no good point");
    expect(levelWith({ ...healthy, problem: "HTTP 500" }).reasons).to.include("The backup service does not answer (HTTP 500): nothing is backed up now");
  });

  describe("are read from the service", () => {
    let server: Server;
    let answer: { code: number; body: string };
    let url: string;
    before(async () => {
      server = createServer((_request, response) => response.writeHead(answer.code).end(answer.body));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    after(() => new Promise((resolve) => server.close(resolve)));

    for (const [code, body, problem] of [
      [500, "{}", "HTTP 500"],
      [200, "{}", "its answer is not understood"],
    ] as const) {
      it(`say so when the answer is ${code} ${body}`, async () => {
        answer = { code, body };
        expect(await new BackupReader(url).read()).to.deep.equal(backupView(problem, undefined, null));
      });
    }

    it("say so when nobody answers", async () => {
      expect((await new BackupReader("http://127.0.0.1:9").read()).problem).to.match(/^(no connection|fetch failed|bad port)/);
    });
  });
});
