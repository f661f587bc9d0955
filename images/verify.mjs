// Checks that images are there before any container is touched: a replacement removes the old container first.
// Usage: node images/verify.mjs NAME=ID [NAME=ID ...]
import { execFileSync } from "node:child_process";

const missing = [];
for (const pair of process.argv.slice(2)) {
  const separator = pair.indexOf("=");
  const [name, id] = [pair.slice(0, separator), pair.slice(separator + 1)];
  try {
    execFileSync("docker", ["image", "inspect", "--format", "{{.Id}}", id], { stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    const message = String(error.stderr ?? error).trim();
    if (!/no such image/i.test(message)) {
      console.error(message);
      process.exit(1);
    }
    missing.push(`${name} (${id})`);
  }
}
if (missing.length > 0) {
  console.error(`the image of ${missing.join(", of ")} is gone from this Docker Engine; no container was touched. Bring it back with \`docker load\`, or build it anew: npm run pulumi -- up --replace "**image-<name>" with the name above`);
  process.exit(1);
}
