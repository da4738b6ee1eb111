// keyboard: "/" searches, "c" creates, "g" and a letter goes somewhere, "?" helps. Keys
// typed into a field, or together with a modifier, are left alone.
export function keyboard() {
  let prefix = 0;
  const help = document.querySelector("[data-keys-help]");
  for (const b of document.querySelectorAll("[data-help]")) b.addEventListener("click", () => help?.showModal());

  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return;
    if (e.target.closest?.("input, textarea, select, [contenteditable], dialog[open]")) return;
    if (prefix && Date.now() - prefix < 1500) {
      prefix = 0;
      const entry = document.querySelector(`[data-keys="g ${CSS.escape(e.key)}"]`);
      if (entry) {
        e.preventDefault();
        location.assign(entry.href);
      }
      return;
    }
    prefix = 0;
    switch (e.key) {
      case "/": {
        const field = document.querySelector("[data-search]");
        if (field) {
          e.preventDefault();
          field.focus();
          field.select();
        }
        break;
      }
      case "c": {
        const create = document.querySelector("[data-create]");
        if (!create) break;
        e.preventDefault();
        create.click();
        create.closest("details")?.querySelector(".menu-list a")?.focus();
        break;
      }
      case "g":
        prefix = Date.now();
        break;
      case "?":
        e.preventDefault();
        help?.showModal();
        break;
    }
  });
}
