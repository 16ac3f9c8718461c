// A form that does something is sent once, however often its button is pressed while the answer is under way.
const PATIENCE = 15_000; // longer than the page itself waits for the other services
const sent = new Map();

function over(form) {
  clearTimeout(sent.get(form));
  sent.delete(form);
  form.removeAttribute("aria-busy");
}

addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (sent.has(form)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  sent.set(form, setTimeout(over, PATIENCE, form));
  form.setAttribute("aria-busy", "true");
}, { capture: true });

// An answer that leads to another page is not there yet: until then the form stays sent.
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  if (sent.has(ctx.sourceElement) && !ctx.hx?.redirect) over(ctx.sourceElement);
});
addEventListener("pageshow", (event) => { if (event.persisted) [...sent.keys()].forEach(over); });
