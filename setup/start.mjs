// `npm start`. Written so that an old Node can read it and say that it is too old; everything else is in first-run.mjs.
const MINIMUM = [20, 19];
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < MINIMUM[0] || (major === MINIMUM[0] && minor < MINIMUM[1])) {
  console.error("This needs Node " + MINIMUM.join(".") + " or newer; this is " + process.versions.node + ". Install the LTS release from nodejs.org, then run `npm start` again.");
  process.exit(1);
}
import("./first-run.mjs").then((module) => module.main(process.argv.slice(2)));
