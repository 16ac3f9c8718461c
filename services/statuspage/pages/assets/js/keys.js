// One key each: presses whatever carries it. The field of a dialog that has just been closed has the keyboard for a moment more.
const typing = (element) => element.closest("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]") && !element.closest("dialog:not([open])");

// Whoever goes on to another page is there already: until it comes, or they give it up, no key does anything on this one.
const PATIENCE = 15_000; // an address may lead nowhere, as that of a file does
let left = -PATIENCE;
addEventListener("beforeunload", () => { left = performance.now(); });
addEventListener("pageshow", ({ persisted }) => { if (persisted) left = -PATIENCE; });

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") left = -PATIENCE;
  if (event.key === "ArrowDown" && event.target.matches('input[data-key="/"]')) {
    event.preventDefault();
    document.querySelector('[data-key="1"]')?.focus();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target)) return;
  if (document.querySelector("dialog[open]") || performance.now() - left < PATIENCE) return;
  const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (event.key === "/" && !target) {
    event.preventDefault();
    location.href = "/console/incidents#search";
    return;
  }
  if (!target) return;
  event.preventDefault();
  if (target.matches("input")) target.select();
  else target.click();
});

// What is drawn again under the keyboard keeps the reader's place: the same link, or the first where it is gone.
let place = null;
document.addEventListener("focusin", (event) => { place = event.target.closest("a[data-key]"); });
document.addEventListener("htmx:after:swap", () => {
  if (!place || place.isConnected || document.activeElement !== document.body) return;
  const links = [...document.querySelectorAll("main a[data-key]")];
  (links.find((link) => link.href === place.href) ?? links.find((link) => link.dataset.key === "1"))?.focus();
});

if (location.hash === "#search") document.querySelector('input[data-key="/"]')?.focus();

// htmx listens a moment after the page stands, and hears nothing of what was typed or chosen before: it is told then.
const begun = (select) => [...select.options].find((one) => one.defaultSelected) ?? select.options[0];
const altered = (field) => field.matches("select")
  ? field.selectedOptions[0] !== begun(field)
  : field.matches("[type=search], [type=radio], [type=checkbox]") && (field.value !== field.defaultValue || field.checked !== field.defaultChecked);
function tell() {
  for (const form of document.querySelectorAll("form[hx-get]")) {
    [...form.elements].find(altered)?.dispatchEvent(new Event("change", { bubbles: true }));
  }
}
document.addEventListener("htmx:after:process", tell, { once: true });
