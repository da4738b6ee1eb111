import { toast } from "./_menus.js";

// forms: filters submit themselves, a post is sent once, values can be copied, files dropped,
// times stay fresh.
export function forms(htmx) {
  document.addEventListener("change", (e) => {
    const form = e.target.closest?.("form[data-autosubmit]");
    if (form && e.target.matches("select, input[type=date], input[type=checkbox]")) form.requestSubmit();
  });

  let pause;
  document.addEventListener("input", (e) => {
    const form = e.target.closest?.("form[data-autosubmit]");
    if (!form || !e.target.matches("input[type=search]")) return;
    clearTimeout(pause);
    pause = setTimeout(() => form.requestSubmit(), 300);
  });
  // An emptied filter is left out of the address.
  document.addEventListener("htmx:configRequest", (e) => {
    if (!e.target.matches?.("form[data-autosubmit]")) return;
    for (const [name, value] of [...e.detail.formData.entries()]) if (value === "") e.detail.formData.delete(name);
  });
  document.addEventListener("htmx:responseError", (e) => {
    toast(e.detail.xhr.getResponseHeader("X-Message") || "That did not work. Reload the page and try again.");
  });
  document.addEventListener("htmx:sendError", () => toast("The server cannot be reached. Check the connection and try again."));

  document.addEventListener("submit", (e) => {
    const form = e.target;
    if (form.method !== "post" || e.defaultPrevented || form.hasAttribute("hx-post")) return;
    if (form.dataset.sent) {
      e.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    e.submitter?.setAttribute("aria-busy", "true");
    // A download leaves the page where it is.
    setTimeout(release, 8000, form);
  });
  // Coming back with the browser's arrow finds the form usable again.
  addEventListener("pageshow", () => {
    for (const f of document.querySelectorAll("form[data-sent]")) release(f);
  });

  document.addEventListener("click", async (e) => {
    const button = e.target.closest?.("[data-copy]");
    if (!button) return;
    const source = document.querySelector(button.dataset.copy);
    const words = button.querySelector("[data-copy-text]") || button;
    source.select?.();
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
      words.textContent = "Copied";
    } catch {
      words.textContent = "Press Ctrl+C";
    }
    setTimeout(() => (words.textContent = "Copy"), 2500);
  });

  for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(type, (e) => {
      const box = e.target.closest?.("[data-upload]");
      if (!box) return;
      box.classList.toggle("over", type === "dragenter" || type === "dragover");
      if (type === "dragover") e.preventDefault();
      if (type !== "drop" || !e.dataTransfer.files.length) return;
      e.preventDefault();
      const input = box.querySelector("input[type=file]");
      input.files = e.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }

  // The summary above a refused form says which field it means.
  for (const a of document.querySelectorAll(".error-summary a[href^='#']")) {
    const id = a.hash.slice(1);
    const label = document.querySelector(`label[for="${CSS.escape(id)}"], fieldset#${CSS.escape(id)} > legend`);
    const words = label?.firstChild?.textContent.trim();
    if (words) a.prepend(`${words.replace(/[?:]$/, "")}: `);
  }
  document.querySelector("[data-focus]")?.focus();
  setInterval(freshen, 30000);
}

function release(form) {
  delete form.dataset.sent;
  for (const b of form.querySelectorAll("[aria-busy=true]")) b.removeAttribute("aria-busy");
}

// freshen rewrites relative times of the last day as the server words them.
function freshen() {
  for (const t of document.querySelectorAll("time[data-relative]")) {
    const s = (Date.now() - new Date(t.dateTime)) / 1000;
    if (s < 0 || s >= 86400) continue;
    t.textContent = s < 45 ? "just now" : s < 3600 ? `${Math.max(1, Math.round(s / 60))} min ago` : `${Math.floor(s / 3600)} h ago`;
  }
}
