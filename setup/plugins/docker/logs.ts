import type Docker from "dockerode";
import { PassThrough } from "node:stream";

/** Collects standard output and error together; `text` resolves when the process has ended. Call it before the start. */
export async function attachOutput(container: Docker.Container): Promise<{ text: Promise<string> }> {
  const stream = await container.attach({ stream: true, stdout: true, stderr: true });
  const chunks: Buffer[] = [];
  const collected = new PassThrough();
  collected.on("data", (chunk: Buffer) => chunks.push(chunk));
  container.modem.demuxStream(stream, collected, collected);
  const text = new Promise<string>((resolve, reject) => {
    stream.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    stream.on("error", reject);
  });
  return { text };
}
