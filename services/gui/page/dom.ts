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

/** What was copied last, and how that went; the page is drawn anew all the time. */
let copied = { command: "", word: "" };

/** A command to be run on the machine, with a button that copies it. */
export function commandLine(command: string): HTMLElement {
  const line = create("p", "", "command");
  const button = create("button", copied.command === command ? copied.word : "Copy");
  button.setAttribute("type", "button");
  button.setAttribute("data-copy", command);
  button.setAttribute("aria-label", `Copy: ${command}`);
  line.append(create("code", command), button);
  return line;
}

/** Makes every such button work. What is copied stays selected, for browsers that do not let a page write the clipboard. */
export function copyOnClick(root: HTMLElement): void {
  root.addEventListener("click", (event) => {
    const button = event.target instanceof HTMLElement ? event.target.closest<HTMLElement>("button[data-copy]") : null;
    if (button === null) return;
    const command = button.dataset["copy"]!;
    getSelection()?.selectAllChildren(button.parentElement!.querySelector("code")!);
    const say = (word: string) => {
      copied = { command, word };
      setText(button, word);
    };
    (navigator.clipboard?.writeText(command) ?? Promise.reject(new Error("no clipboard"))).then(
      () => say("Copied"),
      () => say("Selected"),
    );
  });
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
