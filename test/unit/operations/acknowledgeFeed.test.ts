import { expect } from "chai";
import * as fs from "node:fs";
import { container, FakeEngine, healthyStack, makeClone, trading } from "./support";

const line = ["acknowledge-feed", "--reason", "  the exchange was away  "];

describe("acknowledge-feed", () => {
  let root: string;
  beforeEach(() => (root = makeClone()));
  afterEach(() => fs.rmSync(root, { recursive: true }));

  /** The stack with a feed that answers so. */
  function answering(output: string, exitCode = 0): FakeEngine {
    const engine = new FakeEngine(healthyStack());
    engine.execution = { exitCode, output };
    return engine;
  }

  it("asks the feed inside its container, with the words as they are", async () => {
    const engine = answering('{"acknowledged":["BTCUSDT"]}\n200');
    const told = await trading(root, [...line, "--symbol", "BTCUSDT"], { engine });
    expect(told).to.deep.equal({
      exitCode: 0,
      out: "Acknowledged in stack paper: BTCUSDT. Entries are allowed again when the feed is HEALTHY: npx trading status --stack paper\n",
      error: "",
    });
    const curl = "curl --silent --show-error --max-time 15 --header content-type: application/json";
    expect(engine.calls).to.deep.equal([
      "inspect",
      `execute id-livefeed ${curl} --data-raw {"by":"the exchange was away","symbol":"BTCUSDT"} --write-out \n%{http_code} http://127.0.0.1:8080/v1/acknowledge`,
    ]);
  });

  it("asks for all feeds without a symbol, and says it in JSON", async () => {
    const engine = answering('{"acknowledged":["BTCUSDT"]}\n200');
    const told = await trading(root, [...line, "--json"], { engine });
    expect(JSON.parse(told.out)).to.deep.equal({ stack: "paper", acknowledged: ["BTCUSDT"], reason: "the exchange was away" });
    expect(engine.calls[1]).to.include('--data-raw {"by":"the exchange was away"} ');
  });

  for (const output of ['{"error":"nothing to acknowledge"}\n409', '{"acknowledged":[]}\n200']) {
    it(`is done when there is nothing to acknowledge: ${output.replace("\n", " ")}`, async () => {
      const told = await trading(root, line, { engine: answering(output) });
      expect(told).to.deep.equal({ exitCode: 0, out: "There is nothing to acknowledge in stack paper.\n", error: "" });
    });
  }

  for (const [what, output, exitCode, problem] of [
    ["the feed refuses", '{"error":"body.by: missing"}\n400', 0, "body.by: missing"],
    ["the feed answers something else", "<html>\nno\n</html>\n200", 0, "<html> no </html> 200"],
    ["nobody listens", "curl: (7) Failed to connect to 127.0.0.1 port 8080\n\n000", 7, "curl: (7) Failed to connect to 127.0.0.1 port 8080 000"],
    ["nothing is said", "", 28, "no answer"],
  ] as const) {
    it(`fails when ${what}`, async () => {
      const told = await trading(root, line, { engine: answering(output, exitCode) });
      expect(told).to.deep.equal({ exitCode: 1, out: "", error: `error: the feed did not take it: ${problem}; nothing was acknowledged\n` });
    });
  }

  for (const [what, containers, problem] of [
    ["there is no container", [], "container trading-paper-livefeed does not exist: npm run pulumi -- up --refresh --stack paper"],
    ["it is another clone's", [container("livefeed", { owner: "c2" })], "container trading-paper-livefeed belongs to another clone of this project and was left as it is"],
    ["it does not run", [container("livefeed", { state: "exited" })], "container trading-paper-livefeed is exited: npm run pulumi -- up --refresh --stack paper"],
  ] as const) {
    it(`asks nobody when ${what}`, async () => {
      const engine = new FakeEngine([...containers]);
      expect(await trading(root, line, { engine })).to.deep.equal({ exitCode: 1, out: "", error: `error: ${problem}\n` });
      expect(engine.calls).to.deep.equal(["inspect"]);
    });
  }

  it("says that Docker is away", async () => {
    const engine = answering("");
    engine.unreachable = true;
    expect((await trading(root, line, { engine })).error).to.equal("error: Docker cannot be reached: is it running?\n");
  });
});
