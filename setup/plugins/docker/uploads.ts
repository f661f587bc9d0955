import type Docker from "dockerode";
import { readFile } from "node:fs/promises";
import { attempt } from "./engine";
import type { KnownArgs } from "./containerOptions";

type Upload = NonNullable<KnownArgs["uploads"]>[number];

async function contentOf({ content, contentBase64, source }: Upload): Promise<Buffer> {
  if (source) return readFile(source);
  return contentBase64 ? Buffer.from(contentBase64, "base64") : Buffer.from(content ?? "");
}

/** Writes the files of `uploads` into a container that is not started yet, owned by root. */
export async function upload(container: Docker.Container, { uploads }: KnownArgs): Promise<void> {
  if (!uploads?.length) return;
  const { pack } = await import("tar-stream");
  for (const file of uploads) {
    const archive = pack();
    const mode = file.permissions ? Number.parseInt(file.permissions, 8) : file.executable ? 0o744 : 0o644;
    archive.entry({ name: file.file.replace(/^\/+/, ""), mode }, await contentOf(file));
    archive.finalize();
    const stream = archive as unknown as NodeJS.ReadableStream;
    await attempt("Unable to upload volume content", container.putArchive(stream, { path: "/" }));
  }
}
