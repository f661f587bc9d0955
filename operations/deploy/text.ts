import { duration } from "../format";
import { wayForward } from "../rollback/plan";
import { doneLines } from "../rollback/run";
import type { Deployed } from "./run";

/** What a deploy came to, what was done about it, and what is to be done; a line each. */
export function deployedLines(stack: string, deployed: Deployed): string[] {
  if (deployed.result === "good") return [`Stack ${stack} is up and healthy (${duration(deployed.upSeconds)}).`, ...deployed.bots];
  return [`The deploy of stack ${stack} failed:`, ...deployed.why.map((line) => `  ${line}`), ...endOf(stack, deployed)];
}

function endOf(stack: string, deployed: Exclude<Deployed, { result: "good" }>): string[] {
  switch (deployed.result) {
    case "untouched":
      return ["No container was touched."];
    case "rolled back":
      return [
        `It was rolled back to ${deployed.target.id}, which is up and healthy (${duration(deployed.rollback.upSeconds)}).`,
        ...doneLines(stack, deployed.rollback),
        "When it is mended:",
        ...wayForward(stack, undefined, deployed.rollback.commit).map((command) => `  ${command}`),
      ];
    case "stopped":
      return [
        ...(deployed.instead === null ? [] : ["It could not be rolled back:", ...deployed.instead.split("\n").map((line) => `  ${line}`)]),
        deployed.bots.length === 0 ? "No bot runs." : `Stopped: ${deployed.bots.join(", ")}; no bot runs. Protective stops stay with the broker.`,
        `When it is mended: npx trading deploy --stack ${stack}; to go back: npx trading rollback --stack ${stack}`,
      ];
  }
}

/** The same for programs. */
export function deployedDocument(stack: string, deployed: Deployed): object {
  return { stack, ...deployed, ...(deployed.result === "rolled back" ? { target: deployed.target.id } : {}) };
}
