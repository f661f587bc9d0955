import { X509Certificate } from "node:crypto";
import fs from "node:fs/promises";
import path from "node:path";
import tls from "node:tls";
import { exists, readIfThere, replaceFile } from "../common/files.mjs";

/** Where Debian keeps the public authorities, which the base image has as well. */
const PUBLIC_FOLDER = "/usr/share/ca-certificates";
const HOST_FOLDER = "/usr/local/share/ca-certificates";

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * The certificate authorities in some texts that are not among the public ones, each once, by fingerprint.
 *
 * @param {readonly string[]} texts PEM, with anything around the certificates
 * @param {readonly string[]} publicTexts PEM of the public authorities
 * @returns {Map<string, string>} SHA-256 fingerprint in hexadecimal -> PEM
 */
export function extraAuthorities(texts, publicTexts) {
  const known = new Set(publicTexts.flatMap((text) => [...readCertificates(text).keys()]));
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const text of texts) {
    for (const [fingerprint, certificate] of readCertificates(text)) {
      if (certificate.ca && !known.has(fingerprint)) found.set(fingerprint, certificate.toString());
    }
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** @param {string} text @returns {Map<string, X509Certificate>} */
function readCertificates(text) {
  /** @type {Map<string, X509Certificate>} */
  const certificates = new Map();
  for (const [block] of text.matchAll(BLOCK)) {
    try {
      const certificate = new X509Certificate(block);
      certificates.set(certificate.fingerprint256.replaceAll(":", "").toLowerCase(), certificate);
    } catch {
      // What this Node cannot read, no program in a container could use either.
    }
  }
  return certificates;
}

/**
 * Content of every certificate file below a folder.
 *
 * @param {string} folder
 */
async function readFolder(folder) {
  const entries = await fs.readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  const files = entries.filter((entry) => !entry.isDirectory() && /\.(crt|pem)$/.test(entry.name)).map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
  return (await Promise.all(files.map((file) => readIfThere(file).catch(() => undefined)))).filter((text) => text !== undefined);
}

/** @returns {Promise<Map<string, string>>} */
async function hostAuthorities() {
  const named = [process.env.NODE_EXTRA_CA_CERTS, process.env.SSL_CERT_FILE].filter((file) => file !== undefined && file !== "");
  const texts = (await Promise.all([...new Set(named)].map((file) => readIfThere(/** @type {string} */ (file)).catch(() => undefined)))).filter((text) => text !== undefined);
  return extraAuthorities([...texts, ...(await readFolder(HOST_FOLDER))], [...tls.rootCertificates, ...(await readFolder(PUBLIC_FOLDER))]);
}

/** @param {import("../context.mjs").Context} context @param {string} fingerprint */
const fileOf = (context, fingerprint) => path.join(context.tools, "certificates", `${fingerprint.slice(0, 32)}.crt`);

/**
 * Takes the authorities that only this network has into the base image. What was taken in once stays, because a shell
 * that happens not to name them must not make every image anew; delete `.tools/certificates` to start over.
 *
 * @type {import("../common/schedule.mjs").Step}
 */
export const certificatesStep = {
  name: "certificates",
  after: ["Node"],
  async check(context) {
    const authorities = await hostAuthorities();
    const missing = [];
    for (const fingerprint of authorities.keys()) if (!(await exists(fileOf(context, fingerprint)))) missing.push(fingerprint);
    if (missing.length > 0) return { ok: false, detail: `${missing.length} of this network's own authorities are not in the base image yet`, fix: "`npm start` takes them in" };
    return { ok: true, detail: authorities.size === 0 ? "only the public authorities" : `${authorities.size} of this network's own taken in` };
  },
  async run(context) {
    const authorities = await hostAuthorities();
    for (const [fingerprint, text] of authorities) {
      if (!(await exists(fileOf(context, fingerprint)))) await replaceFile(fileOf(context, fingerprint), text.endsWith("\n") ? text : `${text}\n`);
    }
    return `${authorities.size} taken in`;
  },
};
