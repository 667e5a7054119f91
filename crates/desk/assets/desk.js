// Makes the pages more comfortable; each of them works without.
"use strict";

const main = document.querySelector("main");

// A page that may change marks its <main> with data-refresh; it is read again every 5 s, unless someone is at work in it.
const isTouched = (field) =>
  field.type === "checkbox" ? field.checked !== field.defaultChecked : "defaultValue" in field && field.value !== field.defaultValue;
const isBusy = () =>
  document.hidden ||
  [...main.querySelectorAll("input, textarea")].some(isTouched) ||
  main.querySelector("input:checked, details[open]:not([data-open])") ||
  (main.contains(document.activeElement) && document.activeElement !== main) ||
  String(getSelection()) !== "";

async function refresh() {
  if (isBusy()) return;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected || isBusy()) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("main");
  if (fresh && fresh.innerHTML !== main.innerHTML) main.replaceChildren(...fresh.childNodes);
  document.title = page.title;
}
if (main && main.querySelector("[data-refresh]")) setInterval(() => refresh().catch(() => {}), 5000);

// One box ticks all of its form.
main?.addEventListener("change", (event) => {
  if (!event.target.matches("[data-ticks-all]")) return;
  for (const box of event.target.form.querySelectorAll("input[type=checkbox][name]")) box.checked = event.target.checked;
});

// A number is checked by the server while it is typed.
let typing;
main?.addEventListener("input", (event) => {
  const { checkedBy, verdict } = event.target.dataset;
  if (!checkedBy) return;
  clearTimeout(typing);
  typing = setTimeout(async () => {
    const body = new URLSearchParams(new FormData(event.target.form));
    const answer = await fetch(checkedBy, { method: "POST", body }).catch(() => null);
    if (answer?.ok) document.getElementById(verdict).textContent = await answer.text();
  }, 300);
});

// Keys: j and k go to the next and the previous, ? lists them. They are links of the page, marked with data-key.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
  const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!target) return;
  event.preventDefault();
  if (target.matches("details")) target.open = !target.open;
  else target.click();
});
