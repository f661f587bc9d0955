import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { IMAGE_NAMES, IMAGES, OPERATING_SYSTEM_IMAGE } from "../../../images/catalog";
import { contentHash, ImageContexts } from "../../../images/context";

const project = path.resolve(__dirname, "../../..");

describe("image contexts", () => {
  let root: string;
  const write = (file: string, text: string) => {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), text);
  };
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), "trading-images-"));
    write("images/base/Dockerfile", "FROM base\n");
    write("images/node/Dockerfile", "FROM node\n");
    write("images/service/Dockerfile", "FROM service\n");
    write("services/bot/main.ts", 'import { fee } from "../../domain/fee";\nconsole.log(fee);\n');
    write("services/gui/main.ts", 'console.log("gui");\n');
    write("services/gui/page/main.ts", "document.title = String(1);\n");
    write("services/gui/page/index.html", "<p>page</p>\n");
    write("domain/fee.ts", "export const fee = 1;\n");
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));
  // Written well before it is bundled: what is younger than its bundling is not kept.
  const settle = () => {
    const past = new Date(Date.now() - 10_000);
    for (const file of fs.readdirSync(root, { recursive: true, encoding: "utf8" })) if (file.endsWith(".ts")) fs.utimesSync(path.join(root, file), past, past);
  };
  const tags = async () => {
    settle();
    return Object.fromEntries(await Promise.all((["base", "node", "bot", "gui"] as const).map(async (name) => [name, (await new ImageContexts(root).get(name)).tag])));
  };
  const changedBy = async (change: () => void) => {
    const before = await tags();
    change();
    const after = await tags();
    return Object.keys(after).filter((name) => after[name] !== before[name]);
  };

  it("change only for the image whose program imports the changed file", async () => {
    expect(await changedBy(() => write("domain/fee.ts", "export const fee = 2;\n"))).to.deep.equal(["bot"]);
    expect(await changedBy(() => write("domain/unused.ts", "export const unused = 2;\n"))).to.deep.equal([]);
    expect(await changedBy(() => write("services/gui/page/index.html", "<p>other</p>\n"))).to.deep.equal(["gui"]);
  });

  it("are the same from what was kept and from a new bundling, and notice a change that is undone", async () => {
    const first = await tags();
    expect(fs.readdirSync(path.join(root, ".tools", "bundles")).filter((name) => name.endsWith(".json"))).to.deep.equal(["bot.json", "gui.json"]);
    expect(await tags()).to.deep.equal(first);
    write("domain/fee.ts", "export const fee = 2;\n");
    expect((await tags()).bot).to.not.equal(first.bot);
    write("domain/fee.ts", "export const fee = 1;\n");
    expect(await tags()).to.deep.equal(first);
    fs.writeFileSync(path.join(root, ".tools", "bundles", "bot.json"), "half a fi");
    expect(await tags()).to.deep.equal(first);
    const [program] = (await new ImageContexts(root).get("bot")).files.filter(({ name }) => name === "main.js");
    fs.rmSync(path.join(root, ".tools", "bundles", program!.digest));
    expect(await tags()).to.deep.equal(first);
    fs.writeFileSync(path.join(root, ".tools", "bundles", program!.digest), "damaged");
    const [damaged] = (await new ImageContexts(root).get("bot")).files.filter(({ name }) => name === "main.js");
    const error = await damaged!.content().catch((reason: Error) => reason);
    expect(String(error)).to.match(/is damaged: delete the folder \.tools\/bundles and run it again/);
  });

  it("notice an import that comes or goes with a file beside it", async () => {
    const before = await tags();
    write("services/bot/main.ts", 'import { fee } from "../../domain/other";\nconsole.log(fee);\n');
    write("domain/other.ts", "export const fee = 1;\n");
    const after = await tags();
    expect(after.bot).to.not.equal(before.bot);
    write("domain/other.ts", "export const fee = 3;\n");
    expect((await tags()).bot).to.not.equal(after.bot);
  });

  it("change with their parents", async () => {
    expect(await changedBy(() => write("images/node/Dockerfile", "FROM newer\n"))).to.deep.equal(["node", "bot", "gui"]);
    expect(await changedBy(() => write(".tools/certificates/a.crt", "certificate\n"))).to.deep.equal(["base", "node", "bot", "gui"]);
  });

  it("do not change with line ends or with the folder the project is in", async () => {
    expect(await changedBy(() => write("images/base/Dockerfile", "FROM base\r\n"))).to.deep.equal([]);
    const before = await tags();
    const moved = `${root}-moved`;
    fs.renameSync(root, moved);
    root = moved;
    expect(await tags()).to.deep.equal(before);
  });

  it("hold the page as the service serves it", async () => {
    expect((await new ImageContexts(root).get("gui")).files.map(({ name }) => name)).to.deep.equal(["Dockerfile", "main.js", "page/index.html", "page/page.js"]);
  });

  it("tell apart contents that would run together", () => {
    const hash = (...files: [string, string][]) => contentHash(files.map(([name, digest]) => ({ name, digest })), "parent");
    expect(hash(["a", "1"], ["b", "2"])).to.not.equal(hash(["a", "2"], ["b", "1"]));
    expect(hash(["a", "1"])).to.not.equal(contentHash([{ name: "a", digest: "1" }], "another parent"));
  });

  it("exist for every image of the catalog, parents first", () => {
    for (const name of IMAGE_NAMES) {
      expect(fs.existsSync(path.join(project, "images", IMAGES[name].folder, "Dockerfile")), name).to.equal(true);
      const parent = IMAGES[name].parent;
      if (parent) expect(IMAGE_NAMES.indexOf(parent)).to.be.lessThan(IMAGE_NAMES.indexOf(name));
    }
    expect(OPERATING_SYSTEM_IMAGE).to.match(/^trading-os:/);
  });
});
