// `npm start`. Written so that an old Node can read it and say that it is too old; everything else is in first-run.mjs.
const MINIMUM = "20.19";
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error("This needs Node " + MINIMUM + " or newer; this is " + process.versions.node + ". Install the LTS release from nodejs.org, then run `npm start` again.");
  process.exit(1);
}
import("./first-run.mjs").then((module) => module.main(process.argv.slice(2)));
