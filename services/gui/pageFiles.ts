import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";

const files = [
  { path: "/", file: "index.html", type: "text/html; charset=utf-8" },
  { path: "/style.css", file: "style.css", type: "text/css; charset=utf-8" },
  { path: "/page.js", file: "page.js", type: "text/javascript; charset=utf-8" },
  { path: "/icon.svg", file: "icon.svg", type: "image/svg+xml" },
] as const;

// The chart library adds the style of its attribution logo at run time; this is the SHA-256 of exactly that text.
const logoStyle = "'sha256-3pRED1tOXas1FXFoPb9TGCjmYe9XQsmO9OV23khV2nY='";

/** Sent with every answer: the page loads nothing from elsewhere, sends nothing elsewhere, and cannot be framed. */
export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' ${logoStyle}`,
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/**
 * Serves the page from memory.
 * @param folder holds index.html, style.css, icon.svg and the bundled page.js
 * @throws when a file is missing
 */
export function addPage(app: FastifyInstance, folder: string): void {
  for (const { path, file, type } of files) {
    const content = readFileSync(join(folder, file));
    app.get(path, (_request, reply) => reply.type(type).header("cache-control", "no-cache").send(content));
  }
}
