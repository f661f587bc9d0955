import { expect } from "chai";
import { alertSettings } from "../../../../config/alertSecrets";
import { alerts } from "../../../../config/alertsSchema";
import { liveBackup } from "../../../../config/backupSchema";
import { loadBackupSettings } from "../../../../services/backup/settings";
import { sampleSettings } from "./samples";

const environment = (settings: unknown) => ({ TRADING_STACK: "paper", TRADING_MODE: "paper", SETTINGS: JSON.stringify(settings) });

describe("settings of the backup service", () => {
  it("are taken as they are", () => {
    expect(loadBackupSettings(environment(sampleSettings))).to.deep.equal({ stack: "paper", mode: "paper", logLevel: "info", settings: sampleSettings });
  });

  it("are what the stack's configuration holds, without addresses", () => {
    const { schedule, retention, secondCopy, alarms, restoreTest } = liveBackup.parse({});
    const settings = { schedule, retention, secondCopy: { kind: secondCopy.kind }, alarms, restoreTest, alerts: alertSettings("backup", alerts.parse({ format: "ntfy", webhook: "https://ntfy.example/topic" }), true) };
    expect(loadBackupSettings(environment(settings)).settings).to.deep.equal(settings);
  });

  const wrong: [what: string, settings: object, message: string][] = [
    ["a pattern of six fields", { ...sampleSettings, schedule: { ...sampleSettings.schedule, point: "0 10 */6 * * *" } }, 'SETTINGS.schedule.point: "0 10 */6 * * *" - allowed: a cron pattern of five fields in UTC, for example "10 */6 * * *"'],
    ["no pattern", { ...sampleSettings, schedule: { ...sampleSettings.schedule, copy: "soon" } }, 'SETTINGS.schedule.copy: "soon" - allowed: a cron pattern of five fields in UTC, for example "10 */6 * * *"'],
    ["a pattern that never comes", { ...sampleSettings, schedule: { ...sampleSettings.schedule, copy: "0 0 30 2 *" } }, 'SETTINGS.schedule.copy: "0 0 30 2 *" - allowed: a cron pattern of five fields in UTC, for example "10 */6 * * *"'],
    ["an unknown key", { ...sampleSettings, passwords: 1 }, "SETTINGS.passwords: unknown key (1) - allowed: schedule, retention, secondCopy, alarms, restoreTest, alerts"],
    ["an unknown copy", { ...sampleSettings, secondCopy: { kind: "tape" } }, 'SETTINGS.secondCopy.kind: "tape" - allowed: "none", "path", "rest"'],
    ["a share beyond 1", { ...sampleSettings, alarms: { ...sampleSettings.alarms, fullShare: 90 } }, "SETTINGS.alarms.fullShare: 90 - allowed: at most 1"],
  ];
  for (const [what, settings, message] of wrong) {
    it(`name ${what} and what is allowed`, () => {
      expect(() => loadBackupSettings(environment(settings))).to.throw(`the settings are wrong:\n  ${message}`);
    });
  }

  it("name a missing variable", () => {
    expect(() => loadBackupSettings({ SETTINGS: JSON.stringify(sampleSettings) })).to.throw("TRADING_STACK: missing");
  });
});
