// Shows what each audience will get of an update, and how many SMS that is, while it is written.
const GSM = /^[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà^{}\\[~\]|€]*$/;
const DOUBLE = /[\^{}\\[~\]|€]/g;

function segments(text) {
  const plain = GSM.test(text);
  const length = plain ? text.length + (text.match(DOUBLE) ?? []).length : text.length;
  const [one, many] = plain ? [160, 153] : [70, 67];
  return length <= one ? 1 : Math.ceil(length / many);
}

function draw(form) {
  const text = form.querySelector("[data-preview-text]").value.trim();
  for (const shown of form.querySelectorAll("[data-shown]")) shown.textContent = text || "…";
  for (const box of form.querySelectorAll("[data-audience]")) {
    form.querySelector(`[data-for="${box.dataset.audience}"]`).classList.toggle("off", !box.checked);
  }
  const count = segments(text);
  form.querySelector("[data-segments]").textContent = text ? `${count} SMS or one mail;` : "";
}

document.addEventListener("input", (event) => {
  const form = event.target.closest("[data-preview]");
  if (form) draw(form);
});
document.addEventListener("sheet", () => document.querySelectorAll("[data-preview]").forEach(draw));
document.querySelectorAll("[data-preview]").forEach(draw);
