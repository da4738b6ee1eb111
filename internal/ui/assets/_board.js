import Sortable from "sortablejs";
import { toast } from "./_menus.js";

// board lets cards be dragged between stages. The move is posted at once; when the server
// refuses, the card goes back and the reason is shown.
export function board(root) {
  const found = root.matches?.("[data-board]") ? [root] : root.querySelectorAll("[data-board]");
  for (const b of found) {
    if (b.dataset.ready) continue;
    b.dataset.ready = "1";
    for (const list of b.querySelectorAll("[data-stage]")) {
      Sortable.create(list, {
        group: "board",
        draggable: '.board-card:not([data-move-url=""])',
        sort: false,
        animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 140,
        delay: 180,
        delayOnTouchOnly: true,
        onEnd: (e) => e.from !== e.to && move(b, e),
      });
    }
  }
}

async function move(b, e) {
  const { item: card, from, to, oldIndex } = e;
  card.classList.add("moving");
  count(from, -1);
  count(to, 1);
  let message = "";
  try {
    const res = await fetch(card.dataset.moveUrl, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams({ stage: to.dataset.stage }),
      redirect: "manual",
    });
    if (!res.ok && res.type !== "opaqueredirect") {
      message = res.headers.get("X-Message") || "The deal could not be moved. Reload the page and try again.";
    }
    const go = res.headers.get("X-Go");
    if (go) {
      location.assign(go);
      return;
    }
  } catch {
    message = "The server cannot be reached; the deal is back where it was.";
  }
  card.classList.remove("moving");
  const status = b.querySelector("[data-board-status]");
  if (message) {
    from.insertBefore(card, from.children[oldIndex] || null);
    count(from, 1);
    count(to, -1);
    toast(message);
    return;
  }
  aim(b, card, to);
  status.textContent = `Moved to ${to.dataset.title}.`;
}

function count(list, by) {
  const c = list.parentElement.querySelector("[data-count]");
  if (!c) return;
  const n = Number(c.textContent.replace(/\D/g, "")) + by;
  c.textContent = new Intl.NumberFormat(document.documentElement.lang).format(n);
}

// aim points the card's two buttons at the neighbours of its new stage.
function aim(b, card, to) {
  const stages = [...b.querySelectorAll("[data-stage]")];
  const at = stages.indexOf(to);
  const title = card.querySelector(".board-title").textContent;
  const buttons = [...card.querySelectorAll(".board-move button")];
  const want = [stages[at - 1], stages[at + 1]].filter(Boolean);
  const box = card.querySelector(".board-move");
  if (!box || buttons.length === 0) return;
  const left = buttons.find((x) => x.innerHTML.includes("#arrow-left")) || flip(buttons[0], "left");
  const right = buttons.find((x) => x.innerHTML.includes("#arrow-right")) || flip(buttons[0], "right");
  box.replaceChildren();
  for (const stage of want) {
    const button = stage === stages[at - 1] ? left : right;
    button.value = stage.dataset.stage;
    button.title = `Move to ${stage.dataset.title}`;
    button.setAttribute("aria-label", `Move ${title} to ${stage.dataset.title}`);
    box.append(button);
  }
}

function flip(button, side) {
  const b = button.cloneNode(true);
  const use = b.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#arrow-(left|right)$/, `#arrow-${side}`));
  return b;
}
