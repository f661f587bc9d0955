import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { hashFolder, replaceFile, writeOnce } from "../../../setup/common/files.mjs";
import { useTemporaryFolder } from "./temporaryFolder";

describe("files of set-up", () => {
  const folder = useTemporaryFolder();
  const file = () => path.join(folder.path, "secret");

  it("are written once, closed to others, and never again", async () => {
    expect(await writeOnce(file(), "first")).to.equal(true);
    expect(await writeOnce(file(), "second")).to.equal(false);
    expect(folder.read("secret")).to.equal("first");
    expect(folder.list()).to.deep.equal(["secret"]);
    if (process.platform !== "win32") expect(fs.statSync(file()).mode & 0o777).to.equal(0o600);
  });

  it("are written by exactly one of many at once", async () => {
    const wrote = await Promise.all(Array.from({ length: 20 }, (_, index) => writeOnce(file(), `content ${index}`)));
    expect(wrote.filter(Boolean)).to.have.length(1);
    expect(folder.read("secret")).to.equal(`content ${wrote.indexOf(true)}`);
    expect(folder.list()).to.deep.equal(["secret"]);
  });

  it("are not hindered by what an interrupted writing left beside them", async () => {
    folder.write("secret.1-deadbeef.tmp", "hal");
    expect(await writeOnce(file(), "whole")).to.equal(true);
    expect(folder.read("secret")).to.equal("whole");
  });

  it("are replaced as a whole", async () => {
    await replaceFile(file(), "old");
    await replaceFile(file(), "new");
    expect(folder.read("secret")).to.equal("new");
    expect(folder.list()).to.deep.equal(["secret"]);
  });

  it("have a hash that follows names and contents, and not what is hidden or installed", async () => {
    folder.write("a/one.ts", "1");
    const before = await hashFolder(folder.path);
    folder.write(".hidden/x", "x");
    folder.write("node_modules/x", "x");
    expect(await hashFolder(folder.path)).to.equal(before);
    folder.write("a/one.ts", "2");
    const changed = await hashFolder(folder.path);
    folder.write("a/two.ts", "");
    expect(new Set([before, changed, await hashFolder(folder.path)]).size).to.equal(3);
  });
});
