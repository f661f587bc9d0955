import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { z } from "zod";
import { writeWhole } from "../control/folder";
import { CLONE_FOLDER } from "./clone";

const schema = z.record(z.string(), z.string());

/**
 * A mark for each filling of a stack's volumes. A volume that is gone, for example because all of Docker's data was
 * deleted, is made again empty, under the name by which Pulumi knows it: nothing but a new mark tells Pulumi that what it
 * once put there has to be put there again.
 */
export class Fillings {
  private readonly marks: Record<string, string>;

  /**
   * @param there names of the volumes on the Engine; undefined where nothing is going to be filled, as in a preview
   * @throws when the marks cannot be read
   */
  constructor(
    private readonly root: string,
    private readonly stack: string,
    private readonly there?: ReadonlySet<string>,
  ) {
    this.marks = this.read();
  }

  /** The mark of a volume's present filling; undefined for one that was filled before there were marks. */
  markOf(volume: string): string | undefined {
    if (this.there && !this.there.has(volume)) {
      this.marks[volume] = randomBytes(6).toString("hex");
      // Before the volume is made: an update that is interrupted before it has filled it finds another mark than Pulumi's.
      fs.mkdirSync(path.dirname(this.file), { recursive: true });
      writeWhole(this.file, `${JSON.stringify(this.marks, null, 2)}\n`);
    }
    return this.marks[volume];
  }

  private get file(): string {
    return path.join(this.root, CLONE_FOLDER, "stacks", this.stack, "fillings.json");
  }

  private read(): Record<string, string> {
    try {
      return schema.parse(JSON.parse(fs.readFileSync(this.file, "utf8")));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
      throw new Error(`${path.relative(this.root, this.file)} is damaged: remove it, and every volume of secrets is filled again`);
    }
  }
}
