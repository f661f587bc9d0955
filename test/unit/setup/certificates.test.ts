import { X509Certificate } from "node:crypto";
import * as tls from "node:tls";
import { expect } from "chai";
import { extraAuthorities } from "../../../setup/steps/certificates.mjs";

const [first, second, third] = tls.rootCertificates as unknown as [string, string, string];

/** A server's certificate, made for this test; it is no authority. */
const SERVER = `
-----BEGIN CERTIFICATE-----
MIIBgDCCASagAwIBAgIUQMIYXHZLoTJJWIlYM81epY7dR9YwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLc2VydmVyLnRlc3QwIBcNMjYxMTIxMTExODExWhgPMjEyNjEw
MjgxMTE4MTFaMBYxFDASBgNVBAMMC3NlcnZlci50ZXN0MFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEBQmgCDIZaoEAt1vnQGy3TyLDhwxs0lHZKq4yJ1dBtirW2SJY
5JCfwK3wGuK55DpqvsF/o+mftjZYCeTJxflmMaNQME4wHQYDVR0OBBYEFJ3OUnBQ
mTkEb7KbAwdQ+MKqA/8YMB8GA1UdIwQYMBaAFJ3OUnBQmTkEb7KbAwdQ+MKqA/8Y
MAwGA1UdEwEB/wQCMAAwCgYIKoZIzj0EAwIDSAAwRQIgCEvfDUYYSRRJkuYR0Ybb
mX7L2ZHe6Fhxh00EsiivdLECIQCHcn3Gdaamo3y8l7WbWaG8W/6xYHwGDEQbMu08
8UpmEg==
-----END CERTIFICATE-----
`;

const fingerprint = (pem: string) => new X509Certificate(pem).fingerprint256.replaceAll(":", "").toLowerCase();
const fingerprints = (texts: string[], known: string[]) => [...extraAuthorities(texts, known).keys()];

describe("authorities beyond the public ones", () => {
  it("are those that are in no public list", () => {
    expect(fingerprints([`${first}\n${second}`, third], [first, third])).to.deep.equal([fingerprint(second)]);
  });
  it("are taken once, in the order of their fingerprints, wherever they stand", () => {
    const sorted = [fingerprint(second), fingerprint(third)].sort();
    expect(fingerprints([third, second, third], [first])).to.deep.equal(sorted);
    expect(fingerprints([second, third], [first])).to.deep.equal(sorted);
  });
  it("are found between other text and Windows line ends", () => {
    expect(fingerprints([`# ours\r\n${second.replaceAll("\n", "\r\n")}\r\nend`], [first])).to.deep.equal([fingerprint(second)]);
  });
  it("are given as PEM that reads as the same certificate", () => {
    expect([...extraAuthorities([second], []).values()].map(fingerprint)).to.deep.equal([fingerprint(second)]);
  });
  it("are no servers' certificates", () => expect(fingerprints([SERVER], [])).to.deep.equal([]));
  it("are not what cannot be read", () => {
    expect(fingerprints(["-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----", "nothing"], [])).to.deep.equal([]);
  });
});
