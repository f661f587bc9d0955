/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { HaltsView } from "../api";
import { commandLine, create, element, replaceChildren, setText } from "./dom";
import { bannersOf, whyNoRearm } from "./halts";

/** Shows what is in force above everything else, and nothing where nothing is. */
export function showBanners(halts: HaltsView): void {
  const banners = bannersOf(halts);
  element("halts").hidden = banners.length === 0;
  replaceChildren(
    element("halt-banners"),
    banners.map(({ tone, title, lines, command }) => {
      const banner = create("div", "", `banner ${tone}`);
      banner.append(create("h2", title), ...lines.map((line) => create("p", line)), ...(command === null ? [] : [commandLine(command)]));
      return banner;
    }),
  );
  setText(element("halt-note"), halts.inForce.length > 0 ? whyNoRearm : "");
}
