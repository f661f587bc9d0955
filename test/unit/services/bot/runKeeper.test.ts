import { expect } from "chai";
import { RunKeeper } from "../../../../services/bot/RunKeeper";
import { createLogger } from "../../../../services/shared/log";
import { eventually } from "./support";

const log = createLogger("bot", "silent");

/** Table `runs` as far as the keeper writes it. */
class Rows {
  readonly calls: string[] = [];
  readonly begun: string[] = [];
  failures = 0;
  running = true;
  private call(text: string): void {
    this.calls.push(text);
    if (this.failures > 0) {
      this.failures--;
      throw new Error("the database is away");
    }
  }
  async begin({ id, image, params }: { id: string; image: string | null; params: Readonly<Record<string, string>> }): Promise<void> {
    this.call(`begin ${image} ${params["symbol"]}`);
    this.begun.push(id);
    this.running = true;
  }
  async touch(id: string, bar: number | null): Promise<boolean> {
    this.call(`touch ${this.begun.indexOf(id)} ${bar}`);
    return this.running;
  }
  async end(id: string, status: string): Promise<void> {
    this.call(`end ${this.begun.indexOf(id)} ${status}`);
  }
}

describe("the row of a bot's run", () => {
  let rows: Rows;
  let changes: number;
  beforeEach(() => {
    rows = new Rows();
    changes = 0;
  });
  const keeper = (note = 5): RunKeeper =>
    new RunKeeper({ store: rows, image: "sha256:ab", log, onChange: () => changes++, milliseconds: { note, retry: 5 } });

  it("begins with the registration, follows the account and ends", async () => {
    const run = keeper();
    run.bar(1);
    run.registered({ symbol: "BTCUSDT" });
    await eventually(() => rows.calls.length === 1);
    run.bar(7);
    run.bar(8);
    await eventually(() => rows.calls.length === 2);
    await run.end("FINISHED");
    expect(rows.calls).to.deep.equal(["begin sha256:ab BTCUSDT", "touch 0 8", "end 0 FINISHED"]);
    expect(changes).to.equal(3);
  });

  it("is written once a while, however often the account goes on", async () => {
    const run = keeper(600_000);
    run.registered({ symbol: "BTCUSDT" });
    await eventually(() => rows.calls.length === 1);
    for (let bar = 0; bar < 1000; bar++) run.bar(bar);
    await run.end("FINISHED");
    expect(rows.calls).to.deep.equal(["begin sha256:ab BTCUSDT", "end 0 FINISHED"]);
  });

  it("is written when the database is back", async () => {
    rows.failures = 3;
    const run = keeper();
    run.registered({ symbol: "BTCUSDT" });
    await eventually(() => rows.begun.length === 1);
    expect(rows.calls).to.deep.equal(Array(4).fill("begin sha256:ab BTCUSDT"));
    await run.end("FAILED");
  });

  it("is another one after another instance took it for killed", async () => {
    const run = keeper();
    run.registered({ symbol: "BTCUSDT" });
    await eventually(() => rows.begun.length === 1);
    rows.running = false;
    run.registered({ symbol: "BTCUSDT" });
    await eventually(() => rows.begun.length === 2);
    expect(rows.begun[1]).to.not.equal(rows.begun[0]);
    await run.end("FINISHED");
    expect(rows.calls.at(-1)).to.equal("end 1 FINISHED");
  });

  it("is none when the bot never registered", async () => {
    const run = keeper();
    run.bar(1);
    await run.end("FINISHED");
    expect(rows.calls).to.deep.equal([]);
  });

  it("says that the end could not be noted", async () => {
    const run = keeper();
    run.registered({ symbol: "BTCUSDT" });
    await eventually(() => rows.begun.length === 1);
    rows.failures = 1;
    expect(await run.end("FINISHED").then(() => "noted", (error: Error) => error.message)).to.equal("the database is away");
  });
});
