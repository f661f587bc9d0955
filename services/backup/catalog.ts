import { mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import { pointIdAt, proof, recoveryPoint, timeOfPoint, type Proof, type RecoveryPoint } from "../../domain/backup/recoveryPoint";
import { describeProblems } from "../shared/settingsProblems";
import type { Paths } from "./context";
import { removeDurably, removeUnfinished, writeDurably } from "./durableFile";

/** A file that should be a manifest or a proof and is none. */
export interface Broken {
  readonly file: string;
  readonly reason: string;
}

export interface Contents {
  /** Oldest first. */
  readonly points: RecoveryPoint[];
  /** In the order in which they were proved. */
  readonly proofs: Proof[];
  readonly broken: Broken[];
}

/** The manifests of good recovery points and what restore tests proved of them: a point without its manifest is none. */
export class Catalog {
  private readonly rememberedPoints: Remembered<RecoveryPoint> = new Map();
  private readonly rememberedProofs: Remembered<Proof> = new Map();

  constructor(private readonly paths: Pick<Paths, "points" | "proofs">) {}

  /** Makes the folders, and takes away what a crash left half written. Under the mutex, or before anything else runs. */
  async prepare(): Promise<void> {
    for (const folder of [this.paths.points, this.paths.proofs]) {
      await mkdir(folder, { recursive: true });
      await removeUnfinished(folder);
    }
  }

  /** @throws when a folder cannot be read; a file that cannot be understood is told as broken */
  async read(): Promise<Contents> {
    const broken: Broken[] = [];
    const points = await readAll(this.paths.points, recoveryPoint, this.rememberedPoints, broken);
    const proofs = await readAll(this.paths.proofs, proof, this.rememberedProofs, broken);
    return {
      points: points.sort((one, other) => one.id.localeCompare(other.id)),
      proofs: proofs.sort((one, other) => one.provedAt.localeCompare(other.provedAt)),
      broken,
    };
  }

  /** An id for a point that begins now; clocks that were set back, and two points in one second, do not give one twice. */
  async freshId(now: number): Promise<string> {
    const taken = new Set(await readdir(this.paths.points));
    let time = now;
    while (taken.has(`${pointIdAt(time)}.json`)) time += 1000;
    return pointIdAt(time);
  }

  /**
   * Makes a recovery point a good one. The last thing a job does.
   * @throws when it is not what a manifest has to be: then nothing is written
   */
  async add(point: RecoveryPoint): Promise<void> {
    const checked = recoveryPoint.safeParse(point, { reportInput: true });
    if (!checked.success) {
      throw new Error(`the manifest is not complete: ${describeProblems(recoveryPoint, point, checked.error, "manifest").join("; ")}`);
    }
    await writeDurably(join(this.paths.points, `${point.id}.json`), `${JSON.stringify(checked.data, null, 2)}\n`);
  }

  async remove(id: string): Promise<void> {
    await removeDurably(join(this.paths.points, `${id}.json`));
  }

  async addProof(value: Proof): Promise<void> {
    await mkdir(this.paths.proofs, { recursive: true });
    const provedAt = new Date(value.provedAt).toISOString().replace(/[-:.]/g, "");
    await writeDurably(join(this.paths.proofs, `${value.point}-${provedAt}.json`), `${JSON.stringify(value, null, 2)}\n`);
  }
}

/** Ids of the points that a restore test brought back and found right. */
export function provedIds(proofs: readonly Proof[]): Set<string> {
  return new Set(proofs.filter(({ passed }) => passed).map(({ point }) => point));
}

/** Epoch milliseconds of the newest point, or null. */
export function newestTime(points: readonly RecoveryPoint[]): number | null {
  return points.length === 0 ? null : Math.max(...points.map(({ id }) => timeOfPoint(id)));
}

/** What a file held when it was of this age and size; it is read again when it is another one. */
type Remembered<T> = Map<string, { readonly age: string; readonly value: T } | { readonly age: string; readonly reason: string }>;

async function readAll<T>(folder: string, schema: z.ZodType<T>, remembered: Remembered<T>, broken: Broken[]): Promise<T[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json"));
  for (const name of remembered.keys()) if (!names.includes(name)) remembered.delete(name);
  const values: T[] = [];
  for (const name of names) {
    const file = join(folder, name);
    try {
      const { mtimeMs, size, ino } = await stat(file);
      const age = `${mtimeMs} ${size} ${ino}`;
      if (remembered.get(name)?.age !== age) remembered.set(name, { age, ...(await readOne(file, schema, name)) });
    } catch (error) {
      // One that was removed meanwhile is none.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") continue;
      remembered.set(name, { age: "", reason: (error as Error).message });
    }
    const known = remembered.get(name)!;
    if ("value" in known) values.push(known.value);
    else broken.push({ file, reason: known.reason });
  }
  return values;
}

async function readOne<T>(file: string, schema: z.ZodType<T>, name: string): Promise<{ value: T } | { reason: string }> {
  const text = await readFile(file, "utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { reason: (error as Error).message };
  }
  const parsed = schema.safeParse(value, { reportInput: true });
  return parsed.success ? { value: parsed.data } : { reason: describeProblems(schema, value, parsed.error, name).join("; ") };
}
