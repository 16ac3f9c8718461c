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

document.addEventListener("htmx:after:swap", () => {
  const body = document.getElementById("sheet-body");
  if (body.firstElementChild && !sheet.open && !sheet.dataset.done) {
    open(sheet);
    document.dispatchEvent(new Event("sheet"));
  }
  delete sheet.dataset.done;
});

sheet.addEventListener("close", () => document.getElementById("sheet-body").replaceChildren());

document.addEventListener("said", (event) => {
  sheet.dataset.done = "";
  if (sheet.open) sheet.close();
  delete sheet.dataset.done;
  said.textContent = event.detail.text;
  clearTimeout(quiet);
  quiet = setTimeout(() => said.replaceChildren(), 6000);
});
