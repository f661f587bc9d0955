import { expect } from "chai";
import { IMAGE_NAMES, type ImageName } from "../../../images/catalog";
import { ImageContexts } from "../../../images/context";
import { plannedImages } from "../../../images/planned";

describe("the images that an up would run", () => {
  it("are the pinned ones as they are, without a look at files or Docker", async () => {
    const pinned = Object.fromEntries(IMAGE_NAMES.map((name, index) => [name, `sha256:${String(index % 10).repeat(64)}`])) as Record<ImageName, string>;
    expect(await plannedImages(new ImageContexts("/no/such/folder"), pinned)).to.deep.equal(pinned);
  });
});
