// Opens and closes dialogs, and says what was done.
const sheet = document.getElementById("sheet");
const said = document.getElementById("said");
let quiet = 0;

function open(dialog) {
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("[autofocus]")?.focus();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) open(document.getElementById(opener.dataset.opens));
  const closer = event.target.closest("dialog [data-closes]");
  if (closer) {
    event.preventDefault();
    closer.closest("dialog").close();
  }
  if (event.target instanceof HTMLDialogElement) event.target.close();
});

document.addEventListener("htmx:after:swap", (event) => {
  if (event.detail.ctx?.target?.id !== "sheet-body") return;
  open(sheet);
  document.dispatchEvent(new Event("sheet"));
});

sheet.addEventListener("close", () => {
  if (!sheet.open) document.getElementById("sheet-body").replaceChildren();
});

document.addEventListener("said", (event) => {
  if (sheet.open) sheet.close();
  said.textContent = event.detail.text;
  clearTimeout(quiet);
  quiet = setTimeout(() => said.replaceChildren(), 6000);
});
