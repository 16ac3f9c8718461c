// One key each: presses whatever carries it.
const typing = (element) => element.closest("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" && event.target.matches('input[data-key="/"]')) {
    event.preventDefault();
    document.querySelector('[data-key="1"]')?.focus();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
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

if (location.hash === "#search") document.querySelector('input[data-key="/"]')?.focus();
