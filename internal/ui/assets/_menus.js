// menus: a details menu closes on Escape, on a click elsewhere and when another opens;
// arrow keys walk through it.
export function menus() {
  const open = () => document.querySelectorAll("details[data-menu][open]");
  document.addEventListener("click", (e) => {
    for (const d of open()) if (!d.contains(e.target)) d.open = false;
  });
  document.addEventListener("keydown", (e) => {
    const d = e.target.closest?.("details[data-menu][open]");
    if (e.key === "Escape") {
      for (const o of open()) o.open = false;
      d?.querySelector("summary").focus();
      return;
    }
    if (!d || (e.key !== "ArrowDown" && e.key !== "ArrowUp") || !d.querySelector(".menu-list")) return;
    const items = [...d.querySelectorAll(".menu-list :is(a, button, input)")];
    if (items.length === 0) return;
    e.preventDefault();
    const at = items.indexOf(document.activeElement);
    const next = e.key === "ArrowDown" ? at + 1 : at < 0 ? items.length - 1 : at - 1;
    items[(next + items.length) % items.length].focus();
  });
}

// toast shows a passing message; it is read out by the status region it stands in.
export function toast(text) {
  const home = document.querySelector("[data-toasts]");
  if (!home) return;
  const note = document.createElement("div");
  note.className = "toast-note";
  note.textContent = text;
  home.append(note);
  setTimeout(() => note.remove(), 7000);
}
