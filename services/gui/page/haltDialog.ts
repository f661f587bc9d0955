/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { HALT_LEVELS, LEVEL_MEANINGS, type HaltLevel } from "../../../control/levels";
import type { HaltAnswer, HaltRequest, StatusView } from "../api";
import { getHalts, postHalt } from "./data";
import { create, element, replaceChildren, setText } from "./dom";
import type { Fact } from "./feed";
import { botsNow, haltProgress, whyNoRearm } from "./halts";

/** What the dialog needs to know of the page. */
export interface HaltPage {
  status(): StatusView | undefined;
  /** The server's clock. */
  now(): number;
  showFacts(list: HTMLElement, facts: readonly Fact[]): void;
  /** Something was changed: asks the server at once. */
  refresh(): void;
}

const lookMilliseconds = 250;

/** Asks for a halt, and shows until the end what becomes of it. */
export class HaltDialog {
  private readonly dialog = element<HTMLDialogElement>("halt");
  private readonly form = element<HTMLFormElement>("halt-form");
  private readonly bot = element<HTMLSelectElement>("halt-bot");
  private readonly reason = element<HTMLTextAreaElement>("halt-reason");
  private readonly confirmation = element<HTMLInputElement>("halt-confirm");
  private readonly submit = element<HTMLButtonElement>("halt-submit");
  /** A halt was placed and it is not known yet what became of it. */
  following = false;

  constructor(private readonly page: HaltPage) {
    element("halt-open").addEventListener("click", () => this.open());
    element("halt-cancel").addEventListener("click", () => this.dialog.close());
    element("halt-close").addEventListener("click", () => this.dialog.close());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send();
    });
    element("halt-levels").append(...HALT_LEVELS.toReversed().map(levelChoice));
  }

  private open(): void {
    const status = this.page.status();
    if (status === undefined) return;
    const every = create("option", "every bot of the stack") as HTMLOptionElement;
    every.value = "";
    replaceChildren(this.bot, [every, ...status.bots.map(({ name }) => create("option", name))]);
    const live = status.mode === "live";
    element("halt-confirm-row").hidden = !live;
    this.confirmation.required = live;
    setText(element("halt-stack"), status.stack);
    this.form.reset();
    setText(element("halt-problem"), "");
    this.show("form");
    this.dialog.showModal();
    this.reason.focus();
  }

  private show(part: "form" | "result"): void {
    this.form.hidden = part !== "form";
    element("halt-result").hidden = part !== "result";
  }

  private async send(): Promise<void> {
    const level = new FormData(this.form).get("level") as HaltLevel;
    const confirm = this.confirmation.required ? { confirm: this.confirmation.value.trim() } : {};
    const request: HaltRequest = { level, bot: this.bot.value === "" ? null : this.bot.value, reason: this.reason.value, ...confirm };
    this.submit.disabled = true;
    setText(element("halt-problem"), "");
    try {
      const answer = await postHalt(request);
      setText(element("halt-placed"), `Halted at level ${level}: ${request.bot === null ? "every bot" : `bot ${request.bot}`}`);
      setText(element("halt-how"), whyNoRearm);
      this.show("result");
      element("halt-close").focus();
      await this.follow(request, answer);
    } catch (error) {
      setText(element("halt-problem"), (error as Error).message);
    } finally {
      this.submit.disabled = false;
    }
  }

  /** Until the broker holds to it and the bots are stopped, or nobody looks any more. */
  private async follow(request: HaltRequest, answer: HaltAnswer): Promise<void> {
    this.following = true;
    this.page.refresh();
    let heldAfter: number | null = null;
    try {
      while (this.dialog.open) {
        const halts = await getHalts().catch(() => undefined);
        const held = halts?.inForce.find(({ id }) => id === answer.incident)?.held === true;
        if (held && halts?.broker) heldAfter ??= halts.broker.at - answer.at;
        const status = this.page.status();
        if (status === undefined) return;
        const { guard, stack } = status;
        const { facts, settled } = haltProgress({ request, answer, heldAfter, bots: botsNow(status), guard, stack, now: this.page.now() });
        this.page.showFacts(element("halt-progress"), facts);
        if (settled) return;
        await new Promise((resolve) => setTimeout(resolve, lookMilliseconds));
      }
    } finally {
      this.following = false;
      this.page.refresh();
    }
  }
}

/** Stop first: the furthest-reaching one is chosen until another is. */
function levelChoice(level: HaltLevel): HTMLElement {
  const label = create("label", "");
  const choice = create("input", "") as HTMLInputElement;
  choice.type = "radio";
  choice.name = "level";
  choice.value = level;
  choice.defaultChecked = level === "kill";
  label.append(choice, create("strong", level), create("span", LEVEL_MEANINGS[level]));
  return label;
}
