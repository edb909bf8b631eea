"use strict";
// Raw maps are coloured here: what a slider changes is the scale of values, not the contrast of a picture. A row is
// unpacked when it comes near the window and given back when it has gone, so hundreds of them take little memory.
// What is chosen is kept in the address, behind #, so that a view can be bookmarked.
const RASTER = 224; // pixels of the longer side of a coloured map
const STEPS = 65534, MISSING = 65535; // of a quantised map
const SMALL = 64; // pixels: a picture up to this size keeps its own visible
const form = document.getElementById("controls");
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const smooth = read("smooth");
const tables = Object.fromEntries(Object.entries(read("colours")).map(([name, text]) => [name, unpackColours(text)]));
const galleries = [...document.querySelectorAll(".gallery")].map((box) => [box, [...box.querySelectorAll(".row")]]);
const rows = galleries.flatMap(([, own]) => own);
const keys = new Map(rows.map((row) => [row, JSON.parse(row.dataset.numbers)]));
const built = new Map(); // row -> its views, with their maps
let chosen = {};

function unpackColours(text) {
  const colours = new Uint8Array(3 * 256);
  for (let i = 0; i < colours.length; i++) colours[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return colours;
}

function unpack(map) {
  const bytes = Uint8Array.from(atob(map.data), (sign) => sign.charCodeAt(0));
  const values = new Float64Array(bytes.length / 2);
  for (let i = 0; i < values.length; i++) {
    const number = bytes[2 * i] + 256 * bytes[2 * i + 1];
    values[i] = number === MISSING ? NaN : map.low + (number * (map.high - map.low)) / STEPS;
  }
  return { width: map.width, height: map.height, values };
}

// Where a line of so many pixels takes its values from, with half-pixel centres: two places and the share of the second.
function places(pixels, length) {
  return Array.from({ length: pixels }, (_, pixel) => {
    if (!smooth) return [Math.min(Math.floor(((pixel + 0.5) * length) / pixels), length - 1), 0, 0];
    const place = Math.min(Math.max(((pixel + 0.5) * length) / pixels - 0.5, 0), length - 1);
    const first = Math.floor(place);
    return [first, Math.min(first + 1, length - 1), place - first];
  });
}

function between(map, [x, right, across], [y, below, down]) {
  const at = (row, column) => map.values[row * map.width + column];
  const above = across ? (1 - across) * at(y, x) + across * at(y, right) : at(y, x);
  if (!down) return above;
  return (1 - down) * above + down * (across ? (1 - across) * at(below, x) + across * at(below, right) : at(below, x));
}

// The ends of a scale as the sliders have it.
function ends(low, high, signed) {
  const from = Number(chosen.from) / 100, to = Number(chosen.to) / 100;
  if (signed) return [low * to, high * to];
  return [low + from * (high - low), Math.max(low + to * (high - low), low + (from + 0.01) * (high - low))];
}

function limits(view) {
  const [low, high] = chosen.scale === "own" ? view.own : view.limits;
  return ends(low, high, view.signed);
}

// The map at the size of its canvas: along its rows first, then down its columns.
function enlarged(map, width, height) {
  const across = places(width, map.width), wide = new Float64Array(width * map.height);
  for (let y = 0, i = 0; y < map.height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const [left, right, share] = across[x], first = map.values[y * map.width + left];
      wide[i] = share ? (1 - share) * first + share * map.values[y * map.width + right] : first;
    }
  }
  const values = new Float64Array(width * height);
  places(height, map.height).forEach(([above, below, share], y) => {
    for (let x = 0; x < width; x++) {
      const first = wide[above * width + x];
      values[y * width + x] = share ? (1 - share) * first + share * wide[below * width + x] : first;
    }
  });
  return values;
}

function colour(view) {
  const { width, height } = view.canvas, context = view.canvas.getContext("2d");
  const table = view.signed ? tables.RdBu_r : tables[chosen.colours], [low, high] = limits(view);
  const values = (view.enlarged ??= enlarged(view.map, width, height));
  const image = context.createImageData(width, height), { data } = image, steps = 256 / (high - low);
  for (let i = 0, place = 0; i < values.length; i++, place += 4) {
    const value = values[i];
    if (value === value) {
      const number = 3 * Math.min(Math.max(Math.floor(steps * (value - low)), 0), 255);
      data[place] = table[number];
      data[place + 1] = table[number + 1];
      data[place + 2] = table[number + 2];
    } else data[place] = data[place + 1] = data[place + 2] = 128; // no number
    data[place + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

function bars(view) {
  const { canvas, map } = view, context = canvas.getContext("2d");
  context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--bars");
  map.values.forEach((value, i) => {
    const [left, right] = [(i * canvas.width) / map.width, ((i + 1) * canvas.width) / map.width];
    const high = Math.min(Math.max(value, 0), 1) * canvas.height;
    context.fillRect(left, canvas.height - high, Math.max(right - left, 0.5), high);
  });
}

function marks(view, box) {
  const canvas = add(box, "canvas", ""), ratio = box.clientHeight / box.clientWidth || 1;
  [canvas.width, canvas.height] = [2 * RASTER, Math.round(2 * RASTER * ratio)];
  const context = canvas.getContext("2d"), at = ([x, y]) => [x * canvas.width, y * canvas.height];
  const path = new Path2D();
  for (const mark of view.marks || []) {
    const [x, y] = at(mark);
    path.moveTo(x - 12, y), path.lineTo(x + 12, y), path.moveTo(x, y - 12), path.lineTo(x, y + 12);
  }
  for (const [left, top, right, bottom] of view.boxes || []) path.rect(...at([left, top]), ...at([right - left, bottom - top]));
  for (const outline of view.outlines || []) {
    outline.forEach((point, i) => (i ? path.lineTo(...at(point)) : path.moveTo(...at(point))));
    path.closePath();
  }
  for (const [shade, width] of [["white", 7], ["black", 3]]) {
    context.strokeStyle = shade;
    context.lineWidth = width;
    context.stroke(path);
  }
}

function add(box, kind, name) {
  const made = box.appendChild(document.createElement(kind));
  made.className = name;
  return made;
}

function fill(box, view, pictures) {
  const source = pictures[view.picture];
  if (source) {
    const image = add(box, "img", view.grey ? "grey" : "");
    image.decoding = "async";
    image.onload = () => image.classList.toggle("small", Math.max(image.naturalWidth, image.naturalHeight) <= SMALL);
    image.src = source;
  }
  if (view.layer) add(box, "img", "layer").src = view.layer;
  const packed = view.map || view.bars;
  if (packed) {
    const wide = box.clientWidth || 1, tall = box.clientHeight || 1, longer = Math.max(wide, tall);
    view.map = unpack(packed);
    view.canvas = add(box, "canvas", view.bars ? "" : view.signed ? "map strong" : "map");
    view.canvas.width = Math.max(Math.round((RASTER * wide) / longer), 1);
    view.canvas.height = Math.max(Math.round((RASTER * tall) / longer), 1);
    if (view.bars) bars(view);
    else colour(view);
  }
  if (view.marks || view.boxes || view.outlines) marks(view, box);
  return view;
}

function build(row) {
  if (built.has(row)) return;
  const { pictures, views } = JSON.parse(row.querySelector("script").textContent);
  const boxes = row.querySelectorAll(".view");
  built.set(row, views.map((view, i) => fill(boxes[i], view, pictures)));
}

function release(row) {
  if (!built.delete(row)) return;
  for (const box of row.querySelectorAll(".view")) box.replaceChildren();
}

function repaint() {
  for (const views of built.values()) for (const view of views) if (view.limits) colour(view);
  for (const bar of document.querySelectorAll(".bar")) {
    const { low, high, signed } = bar.dataset, table = signed ? tables.RdBu_r : tables[chosen.colours];
    const stops = Array.from({ length: 17 }, (_, i) => `rgb(${table.slice(3 * Math.round((i * 255) / 16)).slice(0, 3)})`);
    bar.firstElementChild.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
    const [first, last] = ends(Number(low), Number(high), signed), own = chosen.scale === "own";
    const told = own ? [signed ? `−${chosen.to}%` : `${chosen.from}%`, `${chosen.to}% of each map's largest`] : [first, last].map(number);
    bar.querySelectorAll("span").forEach((span, i) => { span.textContent = told[i]; });
  }
}

const number = (value) => `${Number(value.toPrecision(3))}`.replace("-", "−");

function compare(first, second) {
  const down = chosen.down ? -1 : 1;
  if (chosen.sort === "") return down * (rows.indexOf(first) - rows.indexOf(second));
  if (chosen.sort === "name") return down * first.dataset.name.localeCompare(second.dataset.name, "en", { numeric: true });
  const one = keys.get(first)[chosen.sort], other = keys.get(second)[chosen.sort];
  if (one === undefined || other === undefined) return (one === undefined) - (other === undefined); // last, either way
  return down * (one - other);
}

function shows(row) {
  const { right, same, name } = row.dataset, wanted = chosen.show;
  if (wanted && right !== wanted && same !== wanted) return false;
  return name.toLowerCase().includes(chosen.find.trim().toLowerCase());
}

function arrange() {
  let count = 0;
  for (const [box, own] of galleries) {
    box.append(...own.sort(compare));
    for (const row of own) {
      row.hidden = !shows(row);
      count += !row.hidden;
      const value = keys.get(row)[chosen.sort];
      row.querySelector(".key").textContent = value === undefined ? "" : `${chosen.sort}: ${number(value)}`;
    }
  }
  document.getElementById("count").value = `${count} of ${rows.length} rows`;
}

function apply() {
  const before = chosen, changed = (...names) => names.some((name) => before[name] !== chosen[name]);
  chosen = Object.fromEntries(new FormData(form));
  const style = document.documentElement.style;
  style.setProperty("--opacity", chosen.opacity / 100);
  style.setProperty("--labels", (chosen.labels ?? 75) / 100);
  style.setProperty("--size", `${chosen.size}px`);
  for (const slider of form.querySelectorAll("[type=range]")) {
    slider.nextElementSibling.value = slider.value + (slider.name === "size" ? " px" : "%");
  }
  if (changed("from", "to", "scale", "colours")) repaint();
  if (changed("sort", "down", "show", "find")) arrange();
}

function keep() {
  apply();
  const usual = (field) => [...field.options].find((each) => each.defaultSelected)?.value ?? field.options[0].value;
  const differs = ([name, value]) => {
    const field = form.elements.namedItem(name);
    return field.type === "checkbox" || value !== (field.options ? usual(field) : field.defaultValue);
  };
  history.replaceState(null, "", `#${new URLSearchParams(Object.entries(chosen).filter(differs))}`);
}

function restore() {
  for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
    const field = form.elements.namedItem(name);
    if (field?.type === "checkbox") field.checked = value === "on";
    else if (field) field.value = value;
  }
  apply();
}

// The value under the pointer, as it is in the results.
function tell(event) {
  const box = event.target.closest?.(".view"), row = box?.closest(".row");
  if (!built.has(row)) return;
  const view = built.get(row)[[...row.querySelectorAll(".view")].indexOf(box)], told = box.parentElement.querySelector("output");
  if (!view.limits) return;
  const area = box.getBoundingClientRect(), { map } = view;
  const at = (part, whole, length) => places(1000, length)[Math.min(Math.max(Math.floor((1000 * part) / whole), 0), 999)];
  const value = between(map, at(event.clientX - area.left, area.width, map.width), at(event.clientY - area.top, area.height, map.height));
  told.value = Number.isNaN(value) ? "NaN" : `${Number(value.toPrecision(4))}`;
}

function sortTable(head) {
  const cells = [...head.parentElement.children], column = cells.indexOf(head), body = head.closest("table").tBodies[0];
  const down = head.ariaSort === "ascending" ? -1 : 1;
  for (const each of cells) each.ariaSort = null;
  head.ariaSort = down > 0 ? "ascending" : "descending";
  const text = (row) => row.cells[column].textContent;
  const order = (one, other) => parseFloat(one) - parseFloat(other) || one.localeCompare(other, "en", { numeric: true });
  body.append(...[...body.rows].sort((one, other) => down * order(text(one), text(other))));
}

document.addEventListener("click", (event) => { if (event.target.matches("th")) sortTable(event.target); });
if (form) {
  for (const key of new Set(rows.flatMap((row) => Object.keys(keys.get(row))))) form.elements.namedItem("sort").add(new Option(key, key));
  form.addEventListener("input", keep);
  form.addEventListener("reset", () => setTimeout(keep));
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("pointermove", tell);
  window.addEventListener("hashchange", restore);
  restore();
  const near = new Set();
  const watch = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) near.add(target), build(target);
      else near.delete(target), release(target);
    }
  }, { rootMargin: "800px 0px" });
  for (const row of rows) watch.observe(row);
  window.addEventListener("beforeprint", () => rows.filter((row) => !row.hidden).forEach(build));
  window.addEventListener("afterprint", () => rows.filter((row) => !near.has(row)).forEach(release));
}
