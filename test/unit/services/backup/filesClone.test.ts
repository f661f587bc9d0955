import { expect } from "chai";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { pack } from "tar-stream";
import { standardPaths } from "../../../../services/backup/context";
import { isPassing } from "../../../../services/backup/files/clone";
import { archiveName, newestClone } from "../../../../services/backup/files/cloneArchive";
import { unpushed } from "../../../../services/backup/files/git";
import { readImageArchive } from "../../../../services/backup/files/imageArchive";

describe("the clone in a backup", () => {
  const names: [string, boolean][] = [
    ["passphrase", false],
    ["stacks/paper/key", false],
    ["stacks/lock/key", false],
    ["state/.pulumi/stacks/lock.json", false],
    ["state/.pulumi/locks/organization/x.json", true],
    ["state/.pulumi/locks", true],
    ["stacks/paper/runs/lock", true],
    ["stacks/paper/runs/one.json", false],
    ["stacks/paper/desired.json.lock", true],
    ["stacks/paper/desired.json.4711.tmp", true],
  ];
  for (const [name, passing] of names) it(`${passing ? "leaves out" : "has"} .trading/${name}`, () => expect(isPassing(name)).to.equal(passing));

  const stored: [string, string | null][] = [
    ["project/.trading/stacks/paper/key", ".trading/stacks/paper/key"],
    ["/project/Pulumi.paper.yaml", "working-files/Pulumi.paper.yaml"],
    ["/project/docs/new file.md", "working-files/docs/new file.md"],
    ["backups/scratch/clone/repository.bundle", "repository.bundle"],
    ["/backups/other", null],
    ["/project", null],
  ];
  for (const [path, name] of stored) it(`calls ${path} ${name ?? "nothing"} in the archive`, () => expect(archiveName(path, standardPaths)).to.equal(name));

  it("says which clone there is not", () => {
    expect(() => newestClone([], null, "the second copy")).to.throw("the second copy holds no clone");
    expect(() => newestClone([], "20261121T020000Z", "the first copy")).to.throw("the first copy holds no clone of the recovery point 20261121T020000Z");
  });

  it("counts what no remote has, and since when", () => {
    expect(unpushed("")).to.deep.equal({ unpushedCommits: 0, oldestUnpushedAt: null });
    expect(unpushed("1767323045\n1767323000\n1767330000")).to.deep.equal({ unpushedCommits: 3, oldestUnpushedAt: "2026-01-02T03:03:20.000Z" });
  });
});

describe("an archive of images", () => {
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const [layer, config] = ["layer ".repeat(200), '{"os":"linux"}'];
  const blob = (text: string) => `blobs/sha256/${sha256(text)}`;

  async function archive(files: Record<string, string>): Promise<Buffer> {
    const tar = pack();
    for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
    tar.finalize();
    const chunks: Buffer[] = [];
    for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
  const whole = { [blob(layer)]: layer, [blob(config)]: config, "manifest.json": JSON.stringify([{ Config: blob(config), RepoTags: null, Layers: [blob(layer)] }]) };
  const read = async (content: Buffer) => readImageArchive(Readable.from([content])).then(({ ids }) => ids.join(), (error: Error) => `error: ${error.message}`);

  it("has the images that it names", async () => {
    expect(await read(await archive(whole))).to.equal(`sha256:${sha256(config)}`);
    expect(await read(await archive({ ...whole, "index.json": JSON.stringify({ manifests: [{ digest: `sha256:${"b".repeat(64)}` }] }) }))).to.equal(`sha256:${sha256(config)},sha256:${"b".repeat(64)}`);
  });

  it("is refused wherever it is cut off", async () => {
    const content = await archive(whole);
    for (let length = 0; length < content.length; length += 512) expect(await read(content.subarray(0, length)), `${length} of ${content.length}`).to.match(/^error: /);
  });

  const wrong: [string, Record<string, string>, RegExp][] = [
    ["a layer is missing", { [blob(config)]: config, "manifest.json": whole["manifest.json"]! }, /lacks blobs/],
    ["a layer has another content", { ...whole, [blob(layer)]: `${layer}x` }, /does not have the content/],
    ["it has no manifest", { [blob(config)]: config }, /no manifest\.json/],
    ["it is empty", {}, /no manifest\.json/],
  ];
  for (const [what, files, message] of wrong) it(`is refused when ${what}`, async () => expect(await read(await archive(files))).to.match(message));
});
