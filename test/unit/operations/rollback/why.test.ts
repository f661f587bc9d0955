import { expect } from "chai";
import { reasonLines } from "../../../../operations/deploy/why";

const output = (diagnostics: string) => `Updating (live):\n ~  docker:index:Container bot-a updating (0s)\nDiagnostics:\n${diagnostics}\nOutputs:\n    fills: "simulated"\n\nResources:\n    ~ 1 updated\n\nDuration: 12s\n`;

describe("why an up failed", () => {
  it("is what Pulumi found, without frames and without what it puts around it", () => {
    const text = output(`  pulumi:pulumi:Stack (trading-live):
    error: Running program '/x/index.ts' failed with an unhandled exception:
    Error: invocation of command:local:run returned an error: exit status 1: running "node components/waitUntilHealthy.mjs":
    container trading-live-bot-a keeps ending (exit code 3, restarted 2 times)
    its last log lines:
    the bot cannot go on
        at Object.<anonymous> (/x/index.ts:3:7)
  pulumi:pulumi:Stack (trading-live):
    error: update failed
`);
    expect(reasonLines(text)).to.deep.equal([
      "pulumi:pulumi:Stack (trading-live):",
      'Error: invocation of command:local:run returned an error: exit status 1: running "node components/waitUntilHealthy.mjs":',
      "container trading-live-bot-a keeps ending (exit code 3, restarted 2 times)",
      "its last log lines:",
      "the bot cannot go on",
    ]);
  });

  it("fits on a screen, and says that there is more", () => {
    const lines = reasonLines(output(Array.from({ length: 60 }, (_, index) => `    line ${index} ${"x".repeat(400)}`).join("\n")));
    expect(lines).to.have.length(24);
    expect(lines.at(-1)).to.equal("(37 more lines: npm run pulumi -- up says all)");
    for (const line of lines) expect(line.length).to.be.at.most(240);
  });

  it("is all that was said where nothing was found", () => {
    expect(reasonLines("error: no stack named 'live' found\n")).to.deep.equal(["error: no stack named 'live' found"]);
  });
});
