import { z } from "zod";

/** Where a tool is. */
const progress = z.object({
  kind: z.literal("progress"),
  step: z.string(),
  text: z.string(),
  done: z.number().optional(),
  total: z.number().optional(),
});
const result = z.looseObject({ kind: z.literal("result") });
const failed = z.object({ kind: z.literal("error"), message: z.string() });
const held = z.object({ kind: z.literal("held") });
const message = z.discriminatedUnion("kind", [progress, result, failed, held]);

export type ToolProgress = z.infer<typeof progress>;
export type ToolResult = Readonly<Record<string, unknown>>;
export type ToolMessage = z.infer<typeof message>;

/** One line of a tool's output; undefined where it is none of its messages. */
export function toolMessage(line: string): ToolMessage | undefined {
  try {
    return message.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** Cuts what comes in pieces into lines. */
export class LineReader {
  private rest = "";

  constructor(private readonly onLine: (line: string) => void) {}

  add(piece: string): void {
    const lines = (this.rest + piece).split("\n");
    this.rest = lines.pop()!;
    for (const line of lines) if (line.trim() !== "") this.onLine(line.trimEnd());
  }

  end(): void {
    if (this.rest.trim() !== "") this.onLine(this.rest.trimEnd());
    this.rest = "";
  }
}
