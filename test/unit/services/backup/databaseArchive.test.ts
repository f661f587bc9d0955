import { expect } from "chai";
import { promises as fs } from "node:fs";
import * as path from "node:path";
import { archivedFiles, archivedSegments } from "../../../../services/backup/database/archiveFiles";
import { temporaryPaths } from "./samples";

const hex = (value: number, digits: number) => value.toString(16).toUpperCase().padStart(digits, "0");
const segment = (log: number, number: number, timeline = 1) => hex(timeline, 8) + hex(log, 8) + hex(number, 8);
/** Long ago, so that folders count as settled. */
const past = new Date(2026, 0, 1);

describe("the archive of the database's log", () => {
  let home: Awaited<ReturnType<typeof temporaryPaths>>;
  let repository: string;
  let archive: string;
  let read: string[];
  const { readdir } = fs;

  const add = async (name: string, at = past) => {
    const folder = path.join(archive, name.slice(0, 16));
    await fs.mkdir(folder, { recursive: true });
    const file = path.join(folder, `${name}-${"a".repeat(40)}.zst`);
    await fs.writeFile(file, "");
    await fs.utimes(file, at, at);
  };
  /** All folders are as if nothing had happened in them for long. */
  const settle = async (at = past) => {
    for (const name of await readdir(archive)) await fs.utimes(path.join(archive, name), at, at);
    await fs.utimes(archive, at, at);
    read = [];
  };

  beforeEach(async () => {
    home = await temporaryPaths();
    repository = home.paths.pgbackrest;
    archive = path.join(repository, "archive", "trading", "17-1");
    await fs.mkdir(archive, { recursive: true });
    for (const name of [segment(0, 254), segment(0, 255), segment(1, 0), segment(2, 0), segment(2, 1, 2)]) await add(name);
    await fs.writeFile(path.join(archive, "00000002.history"), "");
    await fs.writeFile(path.join(archive, hex(1, 8) + hex(0, 8), "backup.manifest"), "");
    await settle();
    fs.readdir = ((folder: string, options: object) => (read.push(path.basename(folder)), (readdir as (folder: string, options: object) => unknown)(folder, options))) as typeof fs.readdir;
  });
  afterEach(async () => {
    fs.readdir = readdir;
    await home.remove();
  });

  it("is read whole, sorted, and without what is no log", async () => {
    expect(await archivedSegments(repository, "17-1")).to.deep.equal([segment(0, 254), segment(0, 255), segment(1, 0), segment(2, 0), segment(2, 1, 2)]);
    expect((await archivedFiles(repository, "17-1")).map(({ name, kind }) => `${kind} ${name}`)).to.include.members(["history 00000002.history", `segment ${segment(1, 0)}`]);
    expect(await archivedSegments(repository, "17-2")).to.deep.equal([]);
  });

  it("is read again only where something changed", async () => {
    await archivedSegments(repository, "17-1");
    read = [];
    await archivedSegments(repository, "17-1");
    expect(read).to.deep.equal([]);
    await add(segment(2, 1));
    expect(await archivedSegments(repository, "17-1")).to.include(segment(2, 1));
    expect(read).to.deep.equal([segment(2, 0).slice(0, 16)]);
  });

  it("is read again where something changed a moment ago, which may not show by its time", async () => {
    const now = new Date();
    await settle(now);
    await archivedSegments(repository, "17-1");
    await add(segment(2, 1));
    await settle(now);
    expect(await archivedSegments(repository, "17-1")).to.include(segment(2, 1));
  });

  it("is read only between the ends of a stretch, over timelines too", async () => {
    const [from, to] = [segment(1, 0), segment(2, 1, 2)];
    expect(await archivedSegments(repository, "17-1", { from, to: segment(1, 9) })).to.deep.equal([from]);
    expect(read).to.deep.equal(["17-1", from.slice(0, 16)]);
    expect(await archivedSegments(repository, "17-1", { from, to })).to.deep.equal([from, segment(2, 0), to]);
    expect(read).not.to.include(segment(0, 0).slice(0, 16));
  });

  it("forgets what retention took away", async () => {
    await archivedFiles(repository, "17-1");
    await fs.rm(path.join(archive, segment(0, 0).slice(0, 16)), { recursive: true });
    expect((await archivedFiles(repository, "17-1")).map(({ name }) => name)).not.to.include(segment(0, 254));
  });

  it("is an error where its volume is missing", async () => {
    const error = await archivedSegments(path.join(home.root, "elsewhere"), "17-1").catch((reason: Error) => reason);
    expect((error as Error).message).to.match(/is its volume mounted/);
  });
});
