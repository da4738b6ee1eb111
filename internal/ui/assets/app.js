// Everything here makes a page quicker, nothing makes it work: without script every
// link, form and menu does the same by a full load.
import htmx from "htmx.org";
import { keyboard } from "./_keyboard.js";
import { board } from "./_board.js";
import { forms } from "./_forms.js";
import { live } from "./_live.js";
import { menus } from "./_menus.js";

Object.assign(htmx.config, {
  allowEval: false,
  allowScriptTags: false,
  includeIndicatorStyles: false,
  selfRequestsOnly: true,
  historyCacheSize: 0, // pages hold private data; none is kept in the browser's storage
  refreshOnHistoryMiss: true,
  scrollIntoViewOnBoost: false,
  responseHandling: [
    { code: "204", swap: false },
    { code: "[23]..", swap: true },
    { code: "422", swap: true },
    { code: "[45]..", swap: false, error: true },
  ],
});

menus();
keyboard();
forms(htmx);
for (const part of [board, live]) {
  part(document);
  document.addEventListener("htmx:load", (e) => part(e.detail.elt));
}
