"use strict";
// The filter is kept in the address, behind #, so that a view can be bookmarked.
const form = document.getElementById("filter");
const rows = [...document.querySelectorAll(".row")];

function shows(row, wanted) {
  const of = row.dataset;
  if (wanted.network && of.network !== wanted.network) return false;
  if (wanted.first && of.first !== wanted.first) return false;
  if (wanted.identity && of.identity !== wanted.identity.trim()) return false;
  if (!wanted.least && !wanted.most) return true;
  if (of.precision === "") return false;
  return of.precision >= Number(wanted.least) && of.precision <= Number(wanted.most || 100);
}

function apply() {
  const wanted = Object.fromEntries(new FormData(form));
  let count = 0;
  for (const row of rows) {
    row.hidden = !shows(row, wanted);
    count += !row.hidden;
  }
  document.getElementById("count").value = `${count} of ${rows.length} rankings`;
  return new URLSearchParams(Object.entries(wanted).filter(([, value]) => value));
}

function read() {
  for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
    const field = form.elements.namedItem(name);
    if (field) field.value = value;
  }
  apply();
}

form.addEventListener("input", () => history.replaceState(null, "", `#${apply()}`));
form.addEventListener("reset", () => setTimeout(() => history.replaceState(null, "", `#${apply()}`)));
form.addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("hashchange", () => { form.reset(); read(); });
read();
