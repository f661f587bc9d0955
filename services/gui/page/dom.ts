/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

/** The element of that id; the page cannot work without it. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element "${id}"`);
  return found as T;
}

/** Changes a text only when it is another one, so that screen readers announce changes alone. */
export function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

export function create(tag: keyof HTMLElementTagNameMap, text: string, className = ""): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className !== "") made.className = className;
  return made;
}

/** Replaces children when they differ. */
export function replaceChildren(target: HTMLElement, children: readonly HTMLElement[]): void {
  const same = target.children.length === children.length && children.every((child, index) => child.isEqualNode(target.children[index]!));
  if (!same) target.replaceChildren(...children);
}

/** A custom property of the style sheet, for what is drawn on a canvas. */
export function styleValue(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
