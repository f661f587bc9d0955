import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { migrateConfiguration } from "../../../config/migrations";
import { parseStackConfiguration } from "../../../config/stackConfiguration";
import { readStackFile } from "../../../config/stackFile";

/** A stack file as it was written when the backups still told of what was wrong by themselves. */
const OLD_FILE = `encryptionsalt: v1:abc:v1:def
config:
  trading:mode: live
  trading:portBase: "8500"
  trading:feed:
    source: synthetic
  trading:bots:
    - name: refstrat01
      limits: { orderQuantity: 0.5, orderNotional: 12000 }
  trading:performance:
    parityDays: 3660
  trading:backup:
    secondCopy: { kind: path, path: 'E:\\backups\\live' }
    alarms: { webhook: file, heartbeat: "https://ping.example/secret", repeatMinutes: 30, restoreTestDays: 20 }
`;

const bots = [{ name: "refstrat01", limits: { orderQuantity: 1, orderNotional: 12_000 } }];
const base = { mode: "paper", portBase: 8400, feed: { source: "synthetic" }, bots };

describe("configuration of an earlier version", () => {
  it("is read from a stack file as it was written then", () => {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), "old-stack-file-"));
    try {
      fs.writeFileSync(path.join(root, "Pulumi.live.yaml"), OLD_FILE);
      const { alerts, backup, performance } = readStackFile(root, "live");
      expect(alerts).to.deep.equal({ webhook: "file", backupHeartbeat: "https://ping.example/secret", repeatMinutes: 30, format: "json" });
      expect(backup.alarms).to.deep.equal({ overdueMinutes: 90, smallShare: 0.5, archiveMinutes: 5, fullShare: 0.9, restoreTestDays: 20, secondCopyHours: 6, unpushedHours: 24 });
      expect(performance.parityDays).to.equal(1100);
    } finally {
      fs.rmSync(root, { recursive: true, force: true });
    }
  });

  const cases: [what: string, given: object, becomes: object, warnings: string[]][] = [
    [
      "alarms that named who is told",
      { backup: { alarms: { webhook: "https://hooks.example/secret", fullShare: 0.8 } } },
      { backup: { alarms: { fullShare: 0.8 } }, alerts: { webhook: "https://hooks.example/secret" } },
      ["trading:backup.alarms.webhook: read as trading:alerts.webhook; write it there"],
    ],
    [
      "addresses in files, which have other names now",
      { backup: { alarms: { webhook: "file", heartbeat: "file" } } },
      { backup: { alarms: {} }, alerts: { webhook: "file", backupHeartbeat: "file" } },
      [
        "trading:backup.alarms.webhook: read as trading:alerts.webhook; write it there (the file alarm-webhook is called alert-webhook now)",
        "trading:backup.alarms.heartbeat: read as trading:alerts.backupHeartbeat; write it there (the file alarm-heartbeat is called alert-backup-heartbeat now)",
      ],
    ],
    [
      "a key that stands in both places: the present one counts",
      { backup: { alarms: { repeatMinutes: 30 } }, alerts: { repeatMinutes: 90, format: "ntfy" } },
      { backup: { alarms: {} }, alerts: { repeatMinutes: 90, format: "ntfy" } },
      ["trading:backup.alarms.repeatMinutes: not read, for trading:alerts.repeatMinutes is there as well; take it out"],
    ],
    ["more days of parity than are compared now", { performance: { parityDays: 1101 } }, { performance: { parityDays: 1100 } }, ["trading:performance.parityDays: more than 1100 are no longer compared at a time, and 1100 are read; write that in its place"]],
  ];
  for (const [what, given, becomes, warnings] of cases) {
    it(`keeps ${what}`, () => {
      const before = structuredClone(given);
      expect(migrateConfiguration(given as Record<string, unknown>)).to.deep.equal({ values: becomes, warnings });
      expect(given, "what was handed in").to.deep.equal(before);
      const told: string[] = [];
      parseStackConfiguration("paper", { ...base, ...given }, (line) => told.push(line));
      expect(told).to.deep.equal(warnings);
      expect(told.join()).not.to.include("secret");
    });
  }

  it("of today is left as it is, and nothing is told", () => {
    const values = { ...base, performance: { parityDays: 1100 }, backup: { alarms: { fullShare: 0.8 } }, alerts: { webhook: "file" } };
    const { values: after, warnings } = migrateConfiguration(values);
    expect(after).to.equal(values);
    expect(warnings).to.deep.equal([]);
  });

  for (const [what, given, message] of [
    ["a wrong value under an old key", { backup: { alarms: { repeatMinutes: 0 } } }, /trading:alerts\.repeatMinutes = 0: allowed: at least 1/],
    ["alarms that are no keys", { backup: { alarms: "none" } }, /trading:backup\.alarms = "none"/],
    ["a bot from before there were limits: none is invented", { bots: [{ name: "refstrat01" }] }, /trading:bots\[0\]\.limits = nothing/],
  ] as const) {
    it(`is refused with ${what}`, () => expect(() => parseStackConfiguration("paper", { ...base, ...given })).to.throw(message));
  }
});
