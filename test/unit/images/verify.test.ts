import { expect } from "chai";
import { missingText } from "../../../images/verify";

describe("what is said of images that are gone", () => {
  const ids = { broker: "sha256:1", gui: "sha256:2", bot: "sha256:3" };
  const load = "what Pulumi.live.yaml pins (trading:release.images) comes back from the backup with npx trading load-images --stack live";
  const build = (image: string) => `bring it back with \`docker load\`, or build it anew: npm run pulumi -- up --refresh --stack live --replace "**image-${image}"`;
  for (const [what, missing, pinned, text] of [
    ["one that is built", ["gui"], ["bot"], `the image of gui (sha256:2) is gone from this Docker Engine; no container was touched: ${build("gui")}`],
    ["several that are built", ["broker", "gui"], ["bot"], `the image of broker (sha256:1), of gui (sha256:2) is gone from this Docker Engine; no container was touched: ${build("*")}`],
    ["one that is pinned", ["bot"], ["bot"], `the image of bot (sha256:3) is gone from this Docker Engine; no container was touched: ${load}`],
    ["one of each", ["broker", "bot"], ["bot"], `the image of broker (sha256:1), of bot (sha256:3) is gone from this Docker Engine; no container was touched: ${load}; ${build("broker")}`],
  ] as const) {
    it(what, () => expect(missingText(ids, missing, { stack: "live", names: pinned })).to.equal(text));
  }
});
