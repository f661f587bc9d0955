import { existsSync } from "node:fs";
import path from "node:path";
import { canInstallPackages, installPackages } from "../common/debian.mjs";
import { StepError } from "../common/schedule.mjs";
import { pathKey } from "../environment.mjs";

const FIX = "install Chromium or Chrome";

function findBrowser() {
  const folders = (process.env[pathKey(process.env)] ?? "").split(path.delimiter);
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    const folder = folders.find((candidate) => candidate !== "" && existsSync(path.join(candidate, name)));
    if (folder !== undefined) return path.join(folder, name);
  }
  const fixed = ["C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"];
  return fixed.find((file) => existsSync(file));
}

/** The browser in which the page is tested; only the tests need it. @type {import("../common/schedule.mjs").Step} */
export const chromiumStep = {
  name: "Chromium",
  after: ["Node"],
  async check(context) {
    const file = findBrowser();
    if (file === undefined) return { ok: false, detail: "no Chromium and no Chrome here", fix: FIX };
    // A package that was unpacked and not configured has its program and lacks what it needs.
    const result = await context.processes.run(file, ["--version"], { timeout: 30_000 });
    return result.code === 0 || process.platform !== "linux" ? { ok: true, detail: file } : { ok: false, detail: `${file} does not start`, fix: FIX };
  },
  async run(context, report) {
    if (!(await canInstallPackages())) throw new StepError("no Chromium and no Chrome here", FIX);
    await installPackages(context, ["chromium"], report.at);
    return "installed";
  },
};
