"use strict";
(() => {
const find = (css, from = document) => from.querySelector(css);
const all = (css, from = document) => [...from.querySelectorAll(css)];
const data = JSON.parse(find("#data").textContent);
const tip = find("#tip"), select = find("#metric"), hidden = new Set();
const SHAPES = { helps: "M0-6L6 5H-6Z", hurts: "M0 6L6-5H-6Z", depends: "M0-7L7 0L0 7L-7 0Z",
                 negligible: "M-5-5H5V5H-5Z", placebo: "M-5-5L5 5M-5 5L5-5" };
const ROUND = "M-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0-11 0";

function make(name, attributes, ...inside) {
  const svg = ["svg", "g", "path", "line", "rect", "circle", "text"].includes(name);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", name)
                      : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...inside);
  return element;
}
function number(value, signed = false, digits = 2) {
  if (value === null) return "–";
  const text = Math.abs(value) >= 1000 ? value.toFixed(0) : value.toFixed(digits);
  return (signed && value > 0 ? "+" : "") + text.replace("-", "−");
}
function digits(values) {
  const sizes = values.filter((x) => x).map(Math.abs).sort((a, b) => a - b);
  const middle = sizes[sizes.length >> 1] || 1;
  return middle >= 0.05 ? 2 : middle >= 0.005 ? 3 : 4;
}
function say(text, x, y) {
  tip.textContent = text;
  tip.hidden = false;
  tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - tip.offsetWidth - 8)) + "px";
  tip.style.top = Math.max(4, y + 18 + tip.offsetHeight > innerHeight ? y - tip.offsetHeight - 10 : y + 18) + "px";
}
function beside(element, text) {
  const box = element.getBoundingClientRect();
  say(text, box.x + box.width / 2, box.y + box.height / 2);
}
function ticks(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((x) => x * power).find((x) => x >= raw);
  const found = [];
  for (let x = Math.ceil(low / step) * step; x <= high + step / 1e6; x += step) found.push(x);
  return [found, Math.max(0, -Math.floor(Math.log10(step) + 1e-9))];
}
/* An empty chart of rows: where each row stands, the scale of x, the axis below. */
function frame(plot, rows, low, high, label, signed, side) {
  const wide = Math.max(300, plot.clientWidth), narrow = wide < 560;
  const left = narrow ? 8 : Math.min(230, 30 + 7.6 * Math.max(...rows.map((r) => r.length)));
  const right = narrow ? 14 : side, pitch = narrow ? 42 : rows.length > 24 ? 22 : 30;
  const base = 14 + pitch * rows.length, x = (v) => left + (v - low) / (high - low) * (wide - left - right);
  const svg = make("svg", { class: "drawn", viewBox: `0 0 ${wide} ${base + 46}`, role: "group", "aria-label": label });
  svg.style.maxWidth = wide + "px";
  const [at, decimals] = ticks(low, high, narrow ? 4 : 7);
  for (const v of at) {
    svg.append(make("line", { class: "rule", x1: x(v), x2: x(v), y1: 6, y2: base }),
               make("text", { x: x(v), y: base + 17, "text-anchor": "middle" }, number(v, signed, decimals)));
  }
  svg.append(make("text", { x: (left + wide - right) / 2, y: base + 37, "text-anchor": "middle" }, label));
  const groups = rows.map((name, i) => {
    const y = 8 + pitch * (i + 0.5) + (narrow ? 8 : 0);
    const most = Math.floor(narrow ? wide / 8 : left / 7.6);
    const shown = name.length > most ? name.slice(0, most - 1) + "…" : name;
    const group = make("g", { tabindex: 0, role: "img" },
      make("rect", { class: "back", x: 1, y: 8 + pitch * i, width: wide - 2, height: pitch - 1, rx: 4 }),
      make("text", narrow ? { class: "label", x: 6, y: y - 13 }
                          : { class: "label", x: left - 12, y: y + 4, "text-anchor": "end" }, shown));
    svg.append(group);
    return [group, y];
  });
  return { svg, x, groups, base, narrow, wide, edge: wide - right };
}
function forest(plot, metric) {
  const shown = metric.effects.filter((e) => !hidden.has(e.label));
  const ends = shown.flatMap((e) => [e.at, e.low, e.high, ...(e.alone || [])]).filter((v) => v !== null).map(Math.abs);
  if (!ends.length) return;
  const sorted = ends.toSorted((a, b) => a - b), close = 2.6 * sorted[sorted.length >> 1];
  const most = Math.max(...ends), limit = (most > 3 * close && close ? close : most) * 1.05 || 1;
  const places = digits(shown.map((e) => e.at));
  const text = (e) => e.low === null ? number(e.at, true, places)
    : `${number(e.at, true, places)} (${number(e.low, true, places)} to ${number(e.high, true, places)})`;
  const side = 26 + 7 * Math.max(...shown.map((e) => text(e).length));
  const label = `effect on ${metric.name} (${metric.unit}), ${metric.confidence} intervals`;
  const { svg, x, groups, base, narrow, wide, edge } = frame(plot, shown.map((e) => e.label), -limit, limit, label, true, side);
  const cut = (v) => x(Math.max(-limit, Math.min(limit, v)));
  if (metric.margin && metric.margin < limit) {
    svg.prepend(make("rect", { class: "margin", x: x(-metric.margin), width: x(metric.margin) - x(-metric.margin), y: 6, height: base - 6 }));
  }
  shown.forEach((e, i) => {
    const [group, y] = groups[i], up = e.alone ? 4 : 0;
    const mark = (three, at, cls, shape, hollow) => {
      const [v, a, b] = three;
      if (a !== null) group.append(make("line", { class: cls, x1: cut(a), x2: cut(b), y1: at, y2: at, "stroke-width": hollow ? 1.5 : 2.5 }));
      const beyond = Math.abs(v) > limit ? (v > 0 ? "M-4-6L5 0L-4 6Z" : "M4-6L-5 0L4 6Z") : shape;
      group.append(make("path", { class: cls, d: beyond, transform: `translate(${cut(v)} ${at})`, "stroke-width": 1.5 }));
    };
    mark([e.at, e.low, e.high], y - up, e.verdict, SHAPES[e.verdict] || ROUND, false);
    if (e.alone) mark(e.alone, y + 7, "alone", "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0", true);
    group.append(make("text", narrow ? { x: wide - 6, y: y - 13, "text-anchor": "end" } : { x: edge + 16, y: y + 4 }, text(e)));
    group.dataset.tip = `${e.label}: ${text(e)} ${metric.unit}, ${e.verdict}; ${e.runs} runs` +
      (e.alone ? `; at the baseline ${number(e.alone[0], true, places)}` : "");
    group.setAttribute("aria-label", group.dataset.tip);
  });
  svg.append(make("line", { class: "axis", x1: x(0), x2: x(0), y1: 6, y2: base }));
  plot.replaceChildren(svg);
}
function strip(plot, metric, place) {
  const values = data.runs.values[place], rows = data.rows.filter((r) => !hidden.has(r.label));
  const every = rows.flatMap((r) => r.runs.map((i) => values[i])).filter((v) => v !== null);
  if (!every.length) return;
  const low = Math.min(...every), high = Math.max(...every), pad = (high - low) * 0.03 || 1;
  const label = `${metric.name} of each run` + (metric.percent ? " (%)" : "");
  const { svg, x, groups, base } = frame(plot, rows.map((r) => r.label), low - pad, high + pad, label, false, 20);
  const places = digits(every), first = data.rows.find((r) => r.label === "baseline");
  const mean = (r) => { const v = r.runs.map((i) => values[i]).filter((z) => z !== null); return v.reduce((a, b) => a + b, 0) / v.length; };
  if (first && mean(first) >= low && mean(first) <= high) {
    svg.prepend(make("line", { class: "reference", x1: x(mean(first)), x2: x(mean(first)), y1: 6, y2: base }));
  }
  rows.forEach((row, r) => {
    const [group, y] = groups[r], crowd = row.runs.length > 24, middle = mean(row);
    row.runs.forEach((i, k) => {
      if (values[i] === null) return;
      const about = [`${row.label}`, `run ${data.runs.id[i]}`, data.runs.seed.length ? `seed ${data.runs.seed[i]}` : "",
        `${metric.name} ${number(values[i], false, places)}`,
        data.runs.seconds.length && data.runs.seconds[i] !== null ? `${number(data.runs.seconds[i], false, 1)} s` : ""];
      const shift = crowd ? ((k * 7) % 15 - 7) : 0;
      group.append(make("circle", { class: "point", cx: x(values[i]), cy: y + shift, r: crowd ? 2.5 : 5,
                                    "data-tip": about.filter((t) => t).join("\n") }));
    });
    if (Number.isFinite(middle)) group.append(make("line", { class: "mean", x1: x(middle), x2: x(middle), y1: y - 10, y2: y + 10 }));
    group.setAttribute("aria-label", `${row.label}: ${row.of} runs, mean ${number(Number.isFinite(middle) ? middle : null, false, places)}. Arrow keys go through the runs.`);
  });
  plot.replaceChildren(svg);
}
function draw() {
  const place = Number(select.value), metric = data.metrics[place];
  for (const figure of all("figure.chart")) {
    const plot = find(".plot", figure);
    if (figure.dataset.chart === "effects") forest(plot, metric);
    else strip(plot, metric, place);
  }
  for (const row of all("tbody tr")) {
    if (hidden.has(row.cells[0].textContent)) row.dataset.away = ""; else delete row.dataset.away;
    show(row);
  }
}
const show = (row) => { row.hidden = "away" in row.dataset || "filtered" in row.dataset; };
function toggles(figure) {
  const box = make("fieldset", { class: "arms" }, make("legend", {}, data.arms ? "Arms shown" : "Levels shown"));
  for (const { label } of data.rows) {
    const check = make("input", { type: "checkbox" });
    check.checked = true;
    check.addEventListener("change", () => { hidden[check.checked ? "delete" : "add"](label); draw(); });
    box.append(make("label", {}, check, " " + label));
  }
  figure.prepend(data.rows.length > 24 ? make("details", {}, make("summary", {}, "Show or hide rows"), box) : box);
}
function sortable(table) {
  const body = find("tbody", table), rows = [...body.rows];
  const key = (row, i) => row.cells[i].dataset.v === undefined ? row.cells[i].textContent : Number(row.cells[i].dataset.v);
  all("th", table).forEach((head, i) => {
    const button = make("button", { type: "button" }, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") === "descending";
      all("th", table).forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const numeric = rows.some((row) => typeof key(row, i) === "number");
      const order = (a, b) => numeric
        ? (typeof a === "number" ? a : NaN) - (typeof b === "number" ? b : NaN) || 0 : String(a).localeCompare(String(b), "en", { numeric: true });
      const has = (row) => !numeric || typeof key(row, i) === "number";
      body.append(...rows.toSorted((a, b) => has(b) - has(a) || (up ? 1 : -1) * order(key(a, i), key(b, i))));
    });
  });
  if (rows.length < 8) return;
  const input = make("input", { type: "search", class: "filter", placeholder: "Filter rows", "aria-label": "Filter rows" });
  input.addEventListener("input", () => rows.forEach((row) => {
    if (row.textContent.toLowerCase().includes(input.value.toLowerCase())) delete row.dataset.filtered; else row.dataset.filtered = "";
    show(row);
  }));
  table.parentElement.before(input);
}
function copyable(code) {
  const button = make("button", { type: "button", class: "copy" }, "Copy");
  button.addEventListener("click", async () => {
    try { await navigator.clipboard.writeText(code.textContent); button.textContent = "Copied"; }
    catch { getSelection().selectAllChildren(code); button.textContent = "Selected"; }
  });
  code.after(button);
}
addEventListener("pointerover", (event) => {
  const target = event.target.closest?.("[data-tip]");
  if (target) say(target.dataset.tip, event.clientX, event.clientY); else tip.hidden = true;
});
addEventListener("focusin", (event) => { const t = event.target; if (t.dataset?.tip) beside(t, t.dataset.tip); else tip.hidden = true; });
addEventListener("keydown", (event) => {
  if (event.key === "Escape") tip.hidden = true;
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key], group = event.target.closest?.("g[tabindex]");
  const points = group ? all(".point", group).sort((a, b) => a.cx.baseVal.value - b.cx.baseVal.value) : [];
  if (!step || !points.length) return;
  event.preventDefault();
  const now = points.findIndex((p) => p.classList.contains("at"));
  const next = points[(now + step + points.length) % points.length] || points[0];
  points.forEach((p) => p.classList.toggle("at", p === next));
  beside(next, next.dataset.tip);
});
find("#theme").addEventListener("click", () => {
  const root = document.documentElement, dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});
let opened = [];
addEventListener("beforeprint", () => { opened = all("details:not([open])"); opened.forEach((d) => { d.open = true; }); });
addEventListener("afterprint", () => opened.forEach((d) => { d.open = false; }));
data.metrics.forEach((m, i) => select.append(make("option", { value: i }, m.name)));
select.addEventListener("change", draw);
find("#controls").hidden = false;
all("figure.chart").filter((f) => f.dataset.chart === "seeds").forEach(toggles);
all("table").forEach(sortable);
all("code.command").forEach(copyable);
let width = 0;
new ResizeObserver(() => { if (innerWidth !== width) { width = innerWidth; draw(); } }).observe(document.body);
draw();
})();
