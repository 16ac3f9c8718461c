// Opens and closes dialogs, and says what was done.
const sheet = document.getElementById("sheet");
const body = document.getElementById("sheet-body");
const said = document.getElementById("said");
const READ = 6_000;
let saidAt = 0;

function open(dialog) {
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("[autofocus]")?.focus();
}

function say(text) {
  said.textContent = text;
  saidAt = performance.now();
}

// What was done is told until it can be read, and until whoever did it goes on.
for (const begin of ["keydown", "pointerdown"]) {
  addEventListener(begin, () => { if (performance.now() - saidAt > READ) said.replaceChildren(); }, { capture: true });
}

// Whoever marks words and lets go beside the dialog does not mean to close it.
let pressed = null;
addEventListener("pointerdown", ({ target }) => { pressed = target; }, { capture: true });

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) open(document.getElementById(opener.dataset.opens));
  const closer = event.target.closest("dialog [data-closes]");
  if (closer) {
    event.preventDefault();
    closer.closest("dialog").close();
  }
  if (event.target instanceof HTMLDialogElement && event.target === pressed) event.target.close();
});

// What is typed while a dialog is on its way is meant for it: no key does anything else, and the words wait for their field.
const elsewhere = (element) => element.closest("input, textarea, select") && !element.closest("dialog:not([open])");
let coming = null;
let given = null;
let words = "";

document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  if (!ctx.sourceElement.matches("[data-sheet]")) return;
  [coming, given, words] = [ctx, null, ""];
});

addEventListener("keydown", (event) => {
  if (!coming || event.ctrlKey || event.metaKey || event.altKey || elsewhere(event.target)) return;
  if (event.key === "Escape") {
    given = coming;
    coming.request.abort();
  } else if (event.key === "Backspace") words = words.slice(0, -1);
  else if (event.key.length === 1) words += event.key;
  else if (event.key !== "Enter") return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, { capture: true });

document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => { if (ctx === coming) coming = null; });

function write(field) {
  if (!words || !sheet.contains(field) || !field.matches("textarea, input[type=url], input:not([type])")) return;
  field.setRangeText(words, field.value.length, field.value.length, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target !== body) return;
  open(sheet);
  document.dispatchEvent(new Event("sheet"));
  if (ctx === coming) write(document.activeElement);
});

sheet.addEventListener("close", () => {
  if (!sheet.open) body.replaceChildren();
});

// The answer to a form closes the dialog that it was sent from, and no other that was opened meanwhile.
document.addEventListener("said", (event) => {
  if (sheet.contains(event.target)) sheet.close();
  say(event.detail.text);
});

// What went wrong is told where the person is; nothing that is shown or written makes way for it.
function tell(form, text) {
  if (!sheet.contains(form)) {
    say(text);
    return;
  }
  const problem = form.querySelector(":scope > .problem") ?? document.createElement("p");
  problem.className = "problem";
  problem.setAttribute("role", "alert");
  problem.textContent = text;
  form.querySelector(".sheet-head").after(problem);
}

const asked = (ctx) => ctx?.sourceElement.matches("a, form");

document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  if (!(ctx.response?.status >= 400) || !/^\s*<!doctype/i.test(ctx.text)) return;
  event.preventDefault();
  if (!asked(ctx)) return;
  const page = new DOMParser().parseFromString(ctx.text, "text/html");
  tell(ctx.sourceElement, page.querySelector("main p")?.textContent ?? "That was not possible.");
});

document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
  if (!asked(ctx) || ctx === given) return;
  const post = ctx.request.method === "POST";
  tell(ctx.sourceElement, post ? "No answer came. Look whether it was done before you try again." : "No answer came. Try again in a moment.");
});

const signedOut = "Your session has ended. Keep what you wrote, and sign in again.";
document.addEventListener("htmx:before:response", (event) => {
  const { ctx } = event.detail;
  if (!ctx.hx?.redirect?.startsWith("/console/sign-in") || !sheet.open) return;
  event.preventDefault();
  delete ctx.hx.redirect;
  if (sheet.contains(ctx.sourceElement)) tell(ctx.sourceElement, signedOut);
  document.dispatchEvent(new Event("signed-out"));
});
