import { MINIMUM_NODE } from "../pinned.mjs";
import { isAtLeast } from "../versions.mjs";

/** @type {import("../common/schedule.mjs").Step} */
export const nodeStep = {
  name: "Node",
  after: [],
  async check() {
    const version = process.versions.node;
    if (isAtLeast(version, MINIMUM_NODE)) return { ok: true, detail: version };
    return { ok: false, detail: `${version} is older than ${MINIMUM_NODE}`, fix: "install the LTS release of Node from nodejs.org" };
  },
  async run() {
    return "";
  },
};
