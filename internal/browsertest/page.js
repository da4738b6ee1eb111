// What a Tab asks of the page it shows. An expression: a function that returns the questions.
() => {
  const gist = (s) => (s || "").replace(/\s+/g, " ").trim();
  const drawn = (e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && e.getClientRects().length > 0;
  const name = (e) => gist(e.getAttribute("aria-label") || e.innerText || e.value || e.title);
  const field = (n) => {
    const css = /^[#.[]/.test(n) ? n : `[name="${n}"]`;
    const all = [...document.querySelectorAll(css)].filter((e) => e.type !== "hidden" && drawn(e) && !e.disabled);
    return all.find((e) => e.closest("main")) || all[0];
  };
  const tell = (e) => {
    e.dispatchEvent(new Event("input", { bubbles: true }));
    e.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const middle = (e) => {
    e.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
    const r = e.getClientRects()[0];
    return { X: r.x + r.width / 2, Y: r.y + r.height / 2 };
  };
  const sections = "li, tr, article, section, fieldset, form, dialog, .card, .board-card, .confirm-box, details, main";
  // How much text stands in the smallest section around e that has the words; -1: in none.
  const distance = (e, words) => {
    for (let up = e.closest(sections); up; up = up.parentElement?.closest(sections)) {
      const text = gist(up.innerText);
      if (text.includes(words)) return text.length;
    }
    return -1;
  };
  return {
    mark: () => void (window.enteredBefore = true),
    settled: () => !window.enteredBefore && document.readyState === "complete" && location.href !== "about:blank",
    where: () => location.pathname + location.search,
    text: () => gist(document.body?.innerText),
    shows: (words) => gist(document.body?.innerText).includes(gist(words)),
    count: (css) => document.querySelectorAll(css).length,
    value: (n) => {
      const e = document.querySelector(/^[#.[]/.test(n) || /[ >]/.test(n) ? n : `[name="${n}"]`);
      return e ? (e.value ?? gist(e.innerText)) : null;
    },
    find: (near, words) => {
      let all = [...document.querySelectorAll("a[href], button, summary, input[type=submit], [role=button], label")]
        .filter((e) => drawn(e) && !e.disabled);
      const exact = all.filter((e) => name(e) === words);
      const begun = all.filter((e) => name(e).startsWith(words));
      all = exact.length ? exact : begun.length ? begun : all.filter((e) => name(e).includes(words));
      if (near) {
        all = all.map((e) => [distance(e, near), e]).filter(([d]) => d >= 0).sort((a, b) => a[0] - b[0]).map(([, e]) => e);
      }
      const e = all.find((e) => e.tagName !== "LABEL" && e.closest("main")) || all.find((e) => e.tagName !== "LABEL") || all[0];
      if (!e) return null;
      const at = middle(e);
      const top = document.elementFromPoint(at.X, at.Y);
      return top && (e.contains(top) || top.contains(e)) ? at : null;
    },
    focus: (n) => {
      const e = field(n);
      if (!e) return "";
      if (e.tagName === "SELECT" || ["checkbox", "radio", "date", "color"].includes(e.type)) return "set";
      e.focus();
      e.select?.();
      return document.activeElement === e ? "text" : "";
    },
    fill: (n, v) => {
      const e = field(n);
      if (e.tagName === "SELECT") {
        const o = [...e.options].find((o) => o.value === v) || [...e.options].find((o) => gist(o.text) === v) ||
          [...e.options].find((o) => gist(o.text).startsWith(v));
        if (!o) return false;
        e.value = o.value;
        tell(e);
        return true;
      }
      if (e.type === "checkbox") {
        if (e.checked !== (v === "true")) e.click();
        return true;
      }
      if (e.type === "radio") {
        const o = [...document.querySelectorAll(`[name="${n}"]`)].find((o) => o.value === v);
        o?.click();
        return !!o;
      }
      if (e.type === "date" || e.type === "color" || v === "") {
        e.value = v;
        tell(e);
      }
      if (e.value !== v) return false;
      e.blur();
      return true;
    },
    ends: (from, to) => {
      const a = document.querySelector(from), b = document.querySelector(to);
      if (!a || !b) return [];
      a.scrollIntoView({ block: "nearest", behavior: "instant" });
      const p = a.getBoundingClientRect(), q = b.getBoundingClientRect();
      return [{ X: p.x + p.width / 2, Y: p.y + 14 }, { X: q.x + q.width / 2, Y: q.y + Math.min(30, q.height / 2) }];
    },
  };
}
