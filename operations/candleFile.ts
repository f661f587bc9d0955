import * as fs from "node:fs";
import * as zlib from "node:zlib";
import { readCandles, type CandleFile } from "../domain/candles";
import { usage } from "./errors";

/** Unpacked size up to which a file is read: about ten million candles. */
const MAXIMUM_BYTES = 1024 ** 3;

/**
 * Reads a file of candles, plain or gzipped whatever its name says.
 *
 * @throws {CommandError} with exit code 2 and the path, and for a wrong value its line
 */
export function readCandleFile(file: string): CandleFile {
  let bytes: Buffer;
  try {
    bytes = fs.readFileSync(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const reason = code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "is a folder; allowed: a .csv or .csv.gz file" : (error as Error).message;
    throw usage(`${file}: ${reason}`);
  }
  try {
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = zlib.gunzipSync(bytes, { maxOutputLength: MAXIMUM_BYTES });
  } catch (error) {
    throw usage(`${file}: cannot be unpacked as gzip (${(error as Error).message})`);
  }
  try {
    return readCandles(bytes.toString("utf8"));
  } catch (error) {
    throw usage(`${file}: ${(error as Error).message}`);
  }
}
