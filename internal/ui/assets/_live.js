// live feeds a progress bar from server-sent events until the work is done.
export function live(root) {
  const found = root.matches?.("[data-sse]") ? [root] : root.querySelectorAll("[data-sse]");
  for (const box of found) {
    if (box.dataset.live || !box.dataset.sse) continue;
    box.dataset.live = "1";
    follow(box);
  }
}

function follow(box) {
  const source = new EventSource(box.dataset.sse);
  const bar = box.querySelector("progress");
  const figure = box.querySelector("[data-progress-figure]");
  const label = box.querySelector("[data-progress-label]");
  const number = new Intl.NumberFormat(document.documentElement.lang);
  source.addEventListener("progress", (e) => {
    const p = JSON.parse(e.data);
    bar.max = Math.max(1, p.total);
    bar.value = p.done;
    figure.textContent = `${number.format(p.done)} of ${number.format(p.total)}`;
    if (p.label) label.textContent = p.label;
  });
  source.addEventListener("done", () => {
    source.close();
    if (box.dataset.after) location.assign(box.dataset.after);
    else location.reload();
  });
  // EventSource reconnects by itself; a refusal ends it, and then the page is read anew by hand.
  source.addEventListener("error", () => {
    if (source.readyState !== EventSource.CLOSED) return;
    const again = box.querySelector(".no-script-only");
    again?.classList.remove("no-script-only");
  });
}
