/// <reference lib="dom" />
import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Browser, Page } from "playwright-core";
import { readAudit } from "../../control/audit";
import { writeBrokerSight } from "../../control/brokerSight";
import { ensureControlFolder } from "../../control/folder";
import { freezesOf, haltsOf } from "../../control/LatchFolder";
import { HaltReader } from "../../control/standing";
import { FakeService, launchChromium, startGui, type RunningGui } from "./rig";
import { alertsSay, guardSays, raised } from "../unit/services/gui/rows";

const patience = 20_000;
const bots = ["refstrat01", "second"];

/** What broker and guard do about halts: the broker writes what it holds to, the guard stops the bots of a kill. */
class Stack {
  readonly folder: string;
  readonly guard = new FakeService({ "/v1/status": () => this.guardStatus(), "/v1/alerts": () => this.alerts });
  readonly broker = new FakeService();
  readonly livefeed = new FakeService();
  alerts = alertsSay();
  private readonly root = fs.mkdtempSync(path.join(os.tmpdir(), "trading-halt-page-"));
  private readonly reader: HaltReader;
  private timer: NodeJS.Timeout | undefined;

  constructor(readonly mode: "paper" | "live") {
    this.folder = path.join(this.root, "stack", "control");
    ensureControlFolder(this.folder, mode, "test");
    this.reader = new HaltReader(this.folder, mode);
  }

  async start(): Promise<RunningGui> {
    await Promise.all([this.guard, this.broker, this.livefeed].map((service) => service.start()));
    this.brokerLooks();
    return startGui({
      // Nobody listens there: a halt needs no database.
      database: { host: "127.0.0.1", port: 9, name: "trading", user: "gui", password: "none" },
      ...{ mode: this.mode, control: this.folder },
      settings: {
        bots: bots.map((name) => ({ name, symbol: "BTCUSDT", interval: "1h", strategy: "RefStrat_01" })),
        ...{ brokerUrl: this.broker.url, livefeedUrl: this.livefeed.url, backupUrl: null, guardUrl: this.guard.url, mlflowPageUrl: null },
        configuration: { hash: "0123456789abcdef" },
      },
    });
  }

  brokerLooks(): void {
    this.timer = setInterval(() => {
      const { halts, unreadable } = this.reader.read();
      writeBrokerSight(this.folder, { at: new Date().toISOString(), incidents: [...halts.map(({ id }) => id), ...unreadable], problem: null });
    }, 100);
  }

  brokerFreezes(): void {
    clearInterval(this.timer);
  }

  private guardStatus(): object {
    return guardSays({ bots: bots.map((name) => ({ name, running: this.reader.of(name).level !== "kill" })) });
  }

  /** As `rearm` does. */
  lift(): void {
    const halts = haltsOf(this.folder);
    for (const { id } of halts.inForce().entries) halts.lift(id, { liftedAt: new Date().toISOString(), liftedBy: "person", liftedWho: "test", liftedReason: "test" });
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all([this.guard, this.broker, this.livefeed].map((service) => service.stop()));
    fs.rmSync(this.root, { recursive: true, force: true });
  }
}

describe("halting on the page in Chromium", function () {
  this.timeout(120_000);
  let browser: Browser;
  const complaints: string[] = [];
  before(async () => (browser = await launchChromium()));
  after(() => browser?.close());

  async function open(url: string, width = 1280): Promise<Page> {
    const context = await browser.newContext({ viewport: { width, height: 900 }, permissions: ["clipboard-read", "clipboard-write"] });
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    await page.goto(url);
    return page;
  }
  /** Sends the form; who asks again too soon is told so and asks again, as a person would. */
  async function send(page: Page): Promise<void> {
    for (;;) {
      await page.locator("#halt-submit:enabled").click();
      await page.locator("#halt-result:visible, #halt-problem:not(:empty)").waitFor({ timeout: patience });
      const problem = await page.locator("#halt-problem").textContent();
      if (problem === null || !problem.includes("within the last second")) return;
    }
  }
  /** The browser itself calls an answer of 4xx or 5xx an error. */
  const forget = (status: number) => complaints.splice(0, Infinity, ...complaints.filter((text) => !text.includes(`status of ${status} `)));
  const see = (page: Page, selector: string, hasText: string | RegExp) => page.locator(selector, { hasText }).first().waitFor({ timeout: patience });
  const sees = (page: Page, list: string, label: string, value: RegExp) => page.locator(`${list} dt:text-is("${label}") + dd`, { hasText: value }).waitFor({ timeout: patience });

  describe("of a paper stack, with its database away", () => {
    const stack = new Stack("paper");
    let gui: RunningGui;
    let page: Page;
    before(async () => {
      gui = await stack.start();
      page = await open(gui.url);
    });
    after(async () => {
      await gui?.close();
      await stack.close();
    });
    afterEach(() => stack.lift());

    it("shows no banner while nothing is in force", async () => {
      await see(page, "#trust-title", "No");
      expect(await page.locator("#halts").isVisible()).to.equal(false);
    });

    it("halts by keyboard, shows that the broker holds to it and the bots are stopped, and then the banner", async () => {
      await page.locator("#halt-open:enabled").waitFor({ timeout: patience });
      await page.locator("#halt-open").focus();
      await page.keyboard.press("Enter");
      expect(await page.locator("#halt-confirm-row").isVisible()).to.equal(false);
      await page.keyboard.type("the books look wrong");
      expect(await page.locator('input[name="level"]:checked').inputValue()).to.equal("kill");
      await page.locator("#halt-submit").focus();
      await page.keyboard.press("Enter");
      await see(page, "#halt-placed", "Halted at level kill: every bot");
      await sees(page, "#halt-progress", "Broker", /^in force \d\.\d s after it was placed: the broker holds to it$/);
      for (const bot of bots) await sees(page, "#halt-progress", `Bot ${bot}`, /^stopped$/);
      await see(page, "#halt-how", "A halt is lifted by its command alone, not on this page");
      const incident = await page.locator("#halt-progress dt:text-is('Incident') + dd").textContent();
      const [halt] = haltsOf(stack.folder).inForce().entries;
      expect(halt).to.include({ id: incident, level: "kill", bot: null, reason: "the books look wrong", by: "page", who: "page" });
      expect(readAudit(stack.folder).at(-1)).to.deep.include({ act: "halt", incident, open: ["not known: the database was not read yet"] });
      await page.keyboard.press("Enter");
      expect(await page.locator("#halt").isVisible()).to.equal(false);

      await see(page, "#halts h2", "Halted at level kill: every bot");
      await see(page, "#halts p", /^Since 20\d\d-.* UTC, from this page: the books look wrong$/);
      await see(page, "#halts p", /The broker holds to it\.$/);
      await see(page, "#trust-reasons li", `Every bot is halted at level kill since`);
      const command = `npx trading rearm --incident ${incident} --stack paper`;
      expect(await page.locator("#halts code").textContent()).to.equal(command);
      await page.locator("#halts button").click();
      await see(page, "#halts button", "Copied");
      expect(await page.evaluate("navigator.clipboard.readText()")).to.equal(command);
      expect(await page.locator("button", { hasText: /rearm|lift/i }).count()).to.equal(0);
    });

    it("halts one bot at another level, and the banner goes when the halt was lifted elsewhere", async () => {
      await page.locator("#halt-open").click();
      await page.locator("#halt-levels label", { hasText: "pause" }).click();
      await page.locator("#halt-bot").selectOption("second");
      await page.locator("#halt-reason").fill("odd fills");
      await send(page);
      await sees(page, "#halt-progress", "Broker", /^in force /);
      await page.locator("#halt-close").click();
      await see(page, "#halts .banner.care h2", "Halted at level pause: bot second");
      stack.lift();
      await page.locator("#halts").waitFor({ state: "hidden", timeout: patience });
    });

    it("asks for a reason before anything is sent, and can be left", async () => {
      await page.locator("#halt-open").click();
      await page.locator("#halt-submit").click();
      expect(await page.locator("#halt-form").isVisible()).to.equal(true);
      await page.keyboard.press("Escape");
      expect(await page.locator("#halt").isVisible()).to.equal(false);
      expect(haltsOf(stack.folder).inForce().entries).to.deep.equal([]);
    });

    it("says when the broker does not confirm it", async () => {
      stack.brokerFreezes();
      await page.locator("#halt-open").click();
      await page.locator("#halt-reason").fill("a frozen broker");
      await send(page);
      await sees(page, "#halt-progress", "Broker", /has NOT confirmed it within 5\.0 s\. .*docker stop trading-paper-broker$/);
      await page.locator("#halt-close").click();
      await see(page, "#trust-reasons li", "The broker has not said that it holds to");
      stack.brokerLooks();
      await see(page, "#halts p", /The broker holds to it\.$/);
    });

    it("shows a halt of the guard, a file that cannot be read, and frozen deploys", async () => {
      const guard = { by: "guard", who: "guard", cause: "x", at: new Date().toISOString(), runbook: "runbooks/Incident_Handling.md, 4.2 Drawdown", stack: "paper", format: 1 } as const;
      haltsOf(stack.folder).place({ ...guard, id: "INC-20260101-000000-aaaa", level: "reduce", bot: "refstrat01", rule: "drawdown", reason: "13.1 % below the peak", numbers: { drawdown: 0.131, limit: 0.12 }, open: [] });
      freezesOf(stack.folder).place({ ...guard, id: "FRZ-20260101-000000-aaaa", bot: "refstrat01", rule: "decision-mismatch", reason: "decisions differ", numbers: {}, until: null, open: [] });
      fs.writeFileSync(path.join(stack.folder, "halts", "INC-20260101-000000-bbbb.json"), "");
      await see(page, "#halts h2", "Halted at level reduce: bot refstrat01");
      expect(await page.locator("#halts h2").allTextContents()).to.deep.equal(["Halted at level kill: every bot", "Halted at level reduce: bot refstrat01", "Deploys are frozen: bot refstrat01"]);
      await see(page, "#halts p", "halts/INC-20260101-000000-bbbb.json cannot be read, which counts as the worst");
      await see(page, "#halts p", /by the guard \(rule drawdown\): 13\.1 % below the peak$/);
      await see(page, "#halts code", "npx trading rearm --incident INC-20260101-000000-bbbb --stack paper");
      haltsOf(stack.folder).lift("INC-20260101-000000-bbbb", { liftedAt: new Date().toISOString(), liftedBy: "person", liftedWho: "test", liftedReason: "test" });
      freezesOf(stack.folder).lift("FRZ-20260101-000000-aaaa", { liftedAt: new Date().toISOString(), liftedBy: "person", liftedWho: "test", liftedReason: "test" });
    });

    it("shows the guard's rules, and alerts with the command that acknowledges them", async () => {
      await sees(page, "#guard", "State", /^answers and watches its rules$/);
      await see(page, "#guard-rules td", "more than 12.0 % below the highest equity: kill");
      await see(page, "#alerts td.empty", "No alert is raised");
      stack.alerts = alertsSay(raised("guard.clock", "critical", 1), raised("guard.halt-drill", "warning", 1, true));
      await see(page, "#alerts td", "text of guard.clock");
      expect(await page.locator("#alerts code").allTextContents()).to.deep.equal(["npx trading alerts ack id-guard.clock --stack paper"]);
      await see(page, "#trust-reasons li", "The guard raised an alert that nobody has acknowledged: text of guard.clock");
      stack.alerts = alertsSay();
      await see(page, "#alerts td.empty", "No alert is raised");
      await stack.guard.stop();
      await see(page, "#trust-reasons li", "The guard does not answer (no connection (ECONNREFUSED)): no rule is watched, and entries are blocked when its lease ends");
      await sees(page, "#guard", "State", /^does not answer \(no connection \(ECONNREFUSED\)\)/);
      await stack.guard.start();
      await sees(page, "#guard", "State", /^answers and watches its rules$/);
    });

    it("says when the control folder is gone, and that nothing was halted then", async () => {
      const marker = path.join(stack.folder, "stack.json");
      stack.brokerFreezes();
      fs.renameSync(marker, `${marker}.away`);
      await see(page, "#halts h2", "Whether trading is halted is not known");
      await page.locator("#halt-open").click();
      await page.locator("#halt-reason").fill("the folder is gone");
      await send(page);
      await see(page, "#halt-problem", /^NOT halted: .*stack\.json is missing or cannot be read; on the machine: npx trading halt --stack paper --level kill --reason TEXT$/);
      forget(503);
      await page.locator("#halt-cancel").click();
      fs.renameSync(`${marker}.away`, marker);
      stack.brokerLooks();
      await page.locator("#halts").waitFor({ state: "hidden", timeout: patience });
    });

    it("fits a phone without scrolling sideways, halted and with the dialog open", async () => {
      haltsOf(stack.folder).place({ format: 1, id: "INC-20260101-000000-cccc", stack: "paper", level: "kill", bot: null, reason: "the books look wrong", by: "person", who: "anna", at: new Date().toISOString(), rule: null, cause: null, numbers: {}, runbook: null, open: [] });
      const phone = await open(gui.url, 360);
      await see(phone, "#halts h2", "Halted at level kill: every bot");
      const widths = () => phone.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]") as Promise<[number, number]>;
      expect((await widths())[0]).to.equal((await widths())[1]);
      await phone.locator("#halt-open").click();
      const box = await phone.locator("#halt").boundingBox();
      expect(box!.x).to.be.at.least(0);
      expect(box!.x + box!.width).to.be.at.most(360);
      await phone.context().close();
    });

    it("refuses a page of another site that posts to it, and writes nothing", async () => {
      const stranger = new FakeService();
      await stranger.start();
      // Another port of this machine is another origin, and the same site: what a stranger could at best be.
      const other = await browser.newPage();
      await other.goto(stranger.url);
      const statuses = await other.evaluate(async (url) => {
        const body = JSON.stringify({ level: "kill", bot: null, reason: "forged" });
        const attempts = ["text/plain", "application/json"].map((type) => fetch(`${url}/api/halt`, { method: "POST", mode: type === "text/plain" ? "no-cors" : "cors", headers: { "content-type": type }, body }));
        return (await Promise.allSettled(attempts)).map((result) => (result.status === "fulfilled" ? result.value.type : "blocked"));
      }, gui.url);
      expect(statuses).to.deep.equal(["blocked", "blocked"]);
      expect(haltsOf(stack.folder).inForce().entries).to.deep.equal([]);
      await other.close();
      await stranger.stop();
    });

    it("complained about nothing", () => {
      // Halts that followed each other within a second.
      forget(429);
      expect(complaints).to.deep.equal([]);
    });
  });

  describe("of a live stack", () => {
    const stack = new Stack("live");
    let gui: RunningGui;
    let page: Page;
    before(async () => {
      gui = await stack.start();
      page = await open(gui.url);
    });
    after(async () => {
      await gui?.close();
      await stack.close();
    });

    it("halts only when the name of the stack was typed", async () => {
      await page.locator("#halt-open:enabled").waitFor({ timeout: patience });
      await page.locator("#halt-open").click();
      await see(page, "#halt-confirm-row", "This is LIVE: type the name of the stack, live");
      await page.locator("#halt-reason").fill("stop");
      await page.locator("#halt-submit").click();
      expect(haltsOf(stack.folder).inForce().entries).to.deep.equal([]);
      await page.locator("#halt-confirm").fill("paper");
      await page.locator("#halt-submit").click();
      await see(page, "#halt-problem", 'confirm: "paper" - allowed: "live", the name of the stack, since this is live');
      expect(haltsOf(stack.folder).inForce().entries).to.deep.equal([]);
      await page.locator("#halt-confirm").fill("live");
      await page.locator("#halt-submit").click();
      await sees(page, "#halt-progress", "Broker", /^in force /);
      expect(haltsOf(stack.folder).inForce().entries.map(({ level, bot, stack: of }) => [level, bot, of])).to.deep.equal([["kill", null, "live"]]);
    });
  });
});
