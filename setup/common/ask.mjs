import { createInterface } from "node:readline";
import { Writable } from "node:stream";

/**
 * Asks for a secret on the terminal; what is typed is not shown.
 *
 * @param {string} question
 * @returns {Promise<string>} empty when the input ended
 */
export function askSecret(question) {
  process.stdout.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: silent, terminal: true });
  return new Promise((resolve) => {
    let answer = "";
    let interrupted = false;
    reader.once("line", (line) => {
      answer = line;
      reader.close();
    });
    reader.once("SIGINT", () => {
      interrupted = true;
      reader.close();
      process.kill(process.pid, "SIGINT");
    });
    reader.once("close", () => {
      process.stdout.write("\n");
      // An interruption is no answer: it ends this process.
      if (!interrupted) resolve(answer);
    });
  });
}
