// Checks that images are there before any container is touched: a replacement removes the old container first.
// Usage: node images/verify.mjs NAME=ID [NAME=ID ...]
import { execFileSync } from "node:child_process";

const pairs = process.argv.slice(2).map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]);
const inspect = (ids) => execFileSync("docker", ["image", "inspect", "--format", "{{.Id}}", ...ids], { stdio: ["ignore", "ignore", "pipe"] });
const reasonOf = (error) => String(error.stderr ?? error).trim();

function isMissing(id) {
  try {
    inspect([id]);
    return false;
  } catch (error) {
    if (/no such image/i.test(reasonOf(error))) return true;
    throw error;
  }
}

try {
  // One question for all of them; which one is missing is asked only where one is.
  inspect(pairs.map(([, id]) => id));
} catch {
  try {
    const missing = pairs.filter(([, id]) => isMissing(id)).map(([name, id]) => `${name} (${id})`);
    if (missing.length > 0) {
      console.error(
        `the image of ${missing.join(", of ")} is gone from this Docker Engine; no container was touched. ` +
          'Bring it back with `docker load`, or build it anew: npm run pulumi -- up --replace "**image-<name>" with the name above',
      );
      process.exit(1);
    }
  } catch (error) {
    console.error(reasonOf(error));
    process.exit(1);
  }
}
