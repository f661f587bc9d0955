import { execFileSync } from "node:child_process";
import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { appendAudit, readAudit } from "../../../control/audit";
import { controlFolder, ensureControlFolder } from "../../../control/folder";
import { haltsOf } from "../../../control/LatchFolder";
import type { Halt } from "../../../control/records";
import { incidentFilesText } from "../../../operations/incidents/incidentFiles";
import { incidentMarkdown } from "../../../operations/incidents/incidentText";
import { haltOf, makeClone, NOW, OWNER, trading } from "./support";

describe("the file of an incident", () => {
  let root: string;
  let control: string;
  const git = (...words: string[]) => execFileSync("git", words, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  const keep = () => incidentFilesText(root, "paper", NOW + 61_000);
  const place = (more: Partial<Halt> = {}) => {
    const halt = haltOf(more);
    haltsOf(control).place(halt);
    return halt;
  };
  const lift = (id: string) => haltsOf(control).lift(id, { liftedAt: "2024-03-01T13:30:00.000Z", liftedBy: "person", liftedWho: "owner", liftedReason: "mended" });
  const fileOf = (id: string) => `reports/incidents/${id}.md`;
  const text = (id: string) => fs.readFileSync(path.join(root, fileOf(id)), "utf8");
  const commits = () => git("log", "--format=%s").trim().split("\n");

  beforeEach(() => {
    root = makeClone();
    control = controlFolder(root, "paper");
    ensureControlFolder(control, "paper", OWNER);
    git("init", "--quiet", "--initial-branch=main");
    git("config", "user.name", "Owner");
    git("config", "user.email", "owner@example.com");
    fs.writeFileSync(path.join(root, ".gitignore"), ".trading/\n");
    git("add", ".");
    git("commit", "--quiet", "--message", "first");
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));

  it("is opened once for a halt at level kill, in Git, also for one that the guard placed", async () => {
    const { id } = place({ by: "guard", who: "guard", rule: "drawdown", numbers: { drawdown: 0.131, limit: 0.12 }, runbook: "4.2 Drawdown", reason: "fell | far\nand fast" });
    expect(await keep()).to.equal(`1 report put into Git (${fileOf(id)})`);
    expect(text(id)).to.include("| Hvem | guard (af sig selv) |").and.include("| Regel | drawdown |").and.include("| drawdown | 0.131 |").and.include("| Hvorfor | fell \\| far; and fast |");
    expect(commits()).to.deep.equal([`Report: ${fileOf(id)}`, "first"]);
    expect(await keep()).to.equal(null);
    expect(commits()).to.have.length(2);
  });

  for (const [name, more] of [
    ["at another level", { level: "reduce" }],
    ["of the drill, which reports by itself", { by: "drill" }],
  ] as [string, Partial<Halt>][]) {
    it(`is not opened for a halt ${name}`, async () => {
      const { id } = place(more);
      expect([await keep(), fs.existsSync(path.join(root, fileOf(id)))]).to.deep.equal([null, false]);
    });
  }

  it("tells what was open and what was done", async () => {
    const halt = place();
    const act = { by: "person", who: "owner", incident: halt.id, bot: null, level: "kill", reason: "a test", rule: null, numbers: {}, open: [] as string[] } as const;
    appendAudit(control, { ...act, act: "halt", at: halt.at, open: ["second: position 1 bought at 2.00, protective stop 1.00"] });
    appendAudit(control, { ...act, act: "stop bot", by: "guard", who: "guard", bot: "second", at: "2024-03-01T12:00:01.000Z", reason: "runs though halted" });
    await keep();
    expect(text(halt.id)).to.include("\n- second: position 1 bought at 2.00, protective stop 1.00\n");
    expect(text(halt.id)).to.include("\n- 2024-03-01 12:00:00 UTC: stop kill, owner ved kommandolinjen: a test\n- 2024-03-01 12:00:01 UTC: bot stoppet kill (second), guard af sig selv: runs though halted\n");
  });

  it("comes with what a halt that was cut off did not write into the audit log, once", async () => {
    const kill = place({ reason: "cut off" });
    const pause = place({ level: "pause", at: new Date(NOW + 30_000).toISOString() });
    await keep();
    await keep();
    // Whoever placed the other one may be about to write.
    expect(readAudit(control).map(({ incident, reason, open }) => [incident, reason, open])).to.deep.equal([[kill.id, "cut off", ["not known: it was not written down then"]]]);
    await incidentFilesText(root, "paper", NOW + 91_000);
    expect(readAudit(control).map(({ incident }) => incident)).to.deep.equal([kill.id, pause.id]);
  });

  it("has the end put into it, under what the owner wrote there", async () => {
    const { id } = place();
    await keep();
    fs.writeFileSync(path.join(root, fileOf(id)), text(id).replace("_Udfyldes: tab", "Intet tab. _Udfyldes: tab"));
    expect(await keep(), "the owner's own words are the owner's to commit").to.equal(null);
    lift(id);
    expect(await keep()).to.equal(`1 report put into Git (${fileOf(id)})`);
    expect(text(id)).to.match(/Intet tab\.[^]*\n## Stoppet er ophævet\n\n- 2024-03-01 13:30:00 UTC af owner \(ved kommandolinjen\): mended\n$/);
    expect(await keep()).to.equal(null);
    expect(commits()).to.have.length(3);
  });

  it("is written whole for a halt that was lifted before any command ran", async () => {
    const { id } = place();
    lift(id);
    await keep();
    expect(text(id)).to.include("# Hændelse").and.include("## Stoppet er ophævet");
    expect(git("status", "--porcelain")).to.equal("");
  });

  it("is in force still when lifting it was cut off", async () => {
    const halt = place();
    lift(halt.id);
    haltsOf(control).place(halt);
    await keep();
    expect(text(halt.id)).to.not.include("## Stoppet er ophævet");
  });

  for (const [what, act] of [
    ["the opening", () => undefined],
    ["the end", lift],
  ] as const) {
    it(`waits while Git is busy, and is committed by a later command: ${what}`, async () => {
      const { id } = place();
      if (what === "the end") await keep();
      act(id);
      const lock = path.join(root, ".git", "index.lock");
      fs.writeFileSync(lock, "");
      expect(await keep()).to.match(/^1 wait: .*index\.lock/);
      fs.rmSync(lock);
      expect(await keep()).to.equal(`1 report put into Git (${fileOf(id)})`);
      expect(git("status", "--porcelain")).to.equal("");
    });
  }

  it("is not made again when the owner took it away", async () => {
    const { id } = place();
    await keep();
    git("rm", "--quiet", fileOf(id));
    git("commit", "--quiet", "--message", "away");
    expect([await keep(), fs.existsSync(path.join(root, fileOf(id)))]).to.deep.equal([null, false]);
  });

  it("is written where there is no repository, and said to wait", async () => {
    fs.rmSync(path.join(root, ".git"), { recursive: true });
    const { id } = place();
    expect(await keep()).to.equal("1 wait: this folder is no Git repository");
    expect(text(id)).to.include(id);
  });

  it("is written by the commands halt, status and rearm themselves", async () => {
    const halted = await trading(root, ["halt", "--reason", "x"]);
    const [name] = fs.readdirSync(path.join(root, "reports", "incidents"));
    expect(halted.error).to.include(`1 report put into Git (reports/incidents/${name})`);
    const { id } = place({ by: "page" });
    expect((await trading(root, ["status"])).error).to.include(fileOf(id));
    expect((await trading(root, ["rearm", "--incident", id])).error).to.include(fileOf(id));
    expect(text(id)).to.include("## Stoppet er ophævet");
    expect(git("status", "--porcelain")).to.equal("");
  });

  it("never makes a command fail", async () => {
    place();
    fs.writeFileSync(path.join(root, "reports"), "a file in its place");
    const told = await trading(root, ["rearm", "--incident", "INC-20240301-120000-0000"]);
    expect(told.exitCode).to.equal(2);
    expect(await keep()).to.match(/^Incident files of stack paper could not be written; the next command tries again: /);
  });

  it("is one whole page", () => {
    const halt = haltOf({ id: "INC-20240301-120000-4f2a", bot: "second" });
    const act = { at: new Date(NOW).toISOString(), act: "halt", by: "person", who: "owner", incident: halt.id, bot: "second", level: "kill", reason: "a test", rule: null, numbers: {}, open: [] as string[] } as const;
    expect(incidentMarkdown({ halt, open: ["not known: the page does not answer"], acts: [act] })).to.equal(
      [
        "# Hændelse INC-20240301-120000-4f2a: stak paper stoppet",
        "",
        "| | |",
        "|---|---|",
        "| Hvad | kill: ingen ordrer, botten er stoppet; beskyttende stop bliver hos brokeren |",
        "| Bot | second |",
        "| Hvornår | 2024-03-01 12:00:00 UTC |",
        "| Hvem | owner (ved kommandolinjen) |",
        "| Hvorfor | a test |",
        "",
        "Fremgangsmåden står i [Incident_Handling.md](../../runbooks/Incident_Handling.md), afsnit 6.",
        "",
        "## Tal",
        "",
        "Ingen: et menneske stoppede.",
        "",
        "## Åbne positioner, da der blev stoppet",
        "",
        "- Ikke kendt.",
        "",
        "## Hvad der blev gjort",
        "",
        "- 2024-03-01 12:00:00 UTC: stop kill (second), owner ved kommandolinjen: a test",
        "",
        "## Årsag",
        "",
        "_Udfyldes: hvad skete der, og hvorfor? Hvad viste status, loggen og siden?_",
        "",
        "## Virkning",
        "",
        "_Udfyldes: tab, manglende handler, forkerte tal._",
        "",
        "## Opfølgning",
        "",
        "- [ ] Årsagen er fundet og rettet",
        "- [ ] Positioner og ordrer er gennemgået",
        "- [ ] Grænser, strategi eller runbook er ændret, hvis det var nødvendigt",
        "",
      ].join("\n"),
    );
  });
});
