// The list of all programs.

import { $, $$, Charts, on, start, stateClass, uptime } from "./live.js";

const table = $("#programs");
const charts = new Charts();
const rows = new Map(); // by name
for (const tr of $$("tr.program", table)) rows.set(tr.dataset.name, tr);

// Rows

function bodyOf(group) {
  let body = $(`tbody[data-group="${CSS.escape(group)}"]`, table);
  if (!body) {
    body = document.createElement("tbody");
    body.dataset.group = group;
    body.setAttribute("role", "rowgroup");
    table.append(body);
  }
  return body;
}

function fill(tr, row) {
  tr.dataset.name = row.name;
  for (const button of $$("td.action button", tr)) {
    const verb = button.classList.contains("more") ? "Signals and logs of" : button.textContent;
    button.setAttribute("aria-label", `${verb} ${row.name}`);
    if (button.classList.contains("more")) button.dataset.target = row.name;
    else button.value = row.name;
  }
  $(".name a", tr).textContent = row.name;
  $(".name a", tr).href = `tail.html?processname=${encodeURIComponent(row.name)}`;
  shorten(tr);
  $("ul", tr).remove(); // only the page as it was loaded has Supervisor's links
}

// shorten hides the group's name, which stands above, from the eye alone.
function shorten(tr) {
  const link = $(".name a", tr);
  const [, prefix, name] = link.textContent.match(/^([^:]+:)?(.*)$/s);
  if (!prefix) return;
  link.replaceChildren(Object.assign(document.createElement("span"), { className: "hidden-text", textContent: prefix }), name);
  link.title = prefix + name;
}

function show(row) {
  let tr = rows.get(row.name);
  if (!tr) {
    tr = $("#row-template").content.querySelector("tr").cloneNode(true);
    fill(tr, row);
    rows.set(row.name, tr);
    bodyOf(row.group).append(tr);
    seen.observe(tr);
  }
  if (tr.dataset.state !== row.state) keepFocus(tr, () => { tr.dataset.state = row.state; });
  tr.dataset.start = row.start;
  tr.dataset.pid = row.pid;
  const state = $(".status span", tr);
  state.textContent = row.state.toLowerCase();
  state.className = stateClass(row.state);
  if (row.state === "RUNNING") tick(tr);
  else $(".desc span", tr).textContent = row.description;
}

// keepFocus moves the focus on when the button that has it disappears, and on
// again when a better one comes back.
let handed; // where it was moved to, until the user does something

function keepFocus(tr, change) {
  const had = tr.contains(document.activeElement) ? document.activeElement : undefined;
  change();
  if (!had || (had.offsetParent !== null && had !== handed)) return;
  const buttons = $$("td.action button", tr).filter((button) => button.offsetParent !== null);
  handed = buttons.find((button) => button.name) ?? buttons[0] ?? $(".name a", tr);
  handed.focus();
}

for (const kind of ["keydown", "pointerdown"]) {
  document.addEventListener(kind, () => { handed = undefined; }, true);
}

function tick(tr) {
  $(".desc span", tr).textContent = `pid ${tr.dataset.pid}, uptime ${uptime(Number(tr.dataset.start))}`;
}

function remove(name) {
  const tr = rows.get(name);
  const body = tr?.parentElement;
  tr?.remove();
  rows.delete(name);
  if (body && !$("tr.program", body)) body.remove();
}

// arrange puts rows into the order of names, and gives groups their lines.
function arrange(names) {
  if ($$("tr.program", table).every((tr, i) => tr.dataset.name === names[i])) {
    $$("tbody", table).forEach(head);
    return;
  }
  let last;
  for (const name of names) {
    const tr = rows.get(name);
    if (!tr) continue;
    const body = tr.parentElement;
    if (body !== last) table.append(body);
    last = body;
    body.append(tr);
  }
  $$("tbody", table).forEach(head);
}

// head gives a group its line, unless it is a single program's own.
function head(body) {
  const group = body.dataset.group;
  const programs = $$("tr.program", body);
  const single = programs.length === 1 && programs[0].dataset.name === group;
  body.classList.toggle("single", single);
  let line = $("tr.group", body);
  if (single) {
    line?.remove();
    return;
  }
  if (!line) {
    line = $("#group-template").content.querySelector("tr").cloneNode(true);
    $(".group-name", line).textContent = group;
    for (const button of $$("td.action button", line)) {
      const more = button.classList.contains("more");
      button.setAttribute("aria-label", `${more ? "Signals and logs of" : button.textContent} the group ${group}`);
      if (more) button.dataset.target = `${group}:*`;
      else button.value = `${group}:*`;
    }
  }
  if (body.firstElementChild !== line) body.prepend(line);
}

function count() {
  const sums = { up: 0, trouble: 0, down: 0 };
  for (const tr of rows.values()) sums[kind(tr.dataset.state)]++;
  for (const chip of $$(".chip")) {
    const filter = chip.dataset.filter;
    $("span", chip).textContent = filter ? sums[filter] : rows.size;
    if (filter === "trouble") chip.dataset.trouble = sums.trouble > 0 ? "yes" : "";
  }
  for (const body of $$("tbody", table)) {
    const programs = $$("tr.program", body);
    const running = programs.filter((tr) => tr.dataset.state === "RUNNING").length;
    const shown = $(".count", body);
    if (shown) shown.textContent = `${running} of ${programs.length} running`;
  }
  $("#nothing").hidden = rows.size > 0;
  table.hidden = rows.size === 0;
}

function kind(state) {
  if (state === "FATAL" || state === "BACKOFF" || state === "UNKNOWN") return "trouble";
  return state === "STOPPED" || state === "EXITED" ? "down" : "up";
}

// Search and filter

const search = $("#search");
let filter = "";

function sift() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let any = false;
  for (const [name, tr] of rows) {
    const text = `${name} ${tr.dataset.state}`.toLowerCase();
    tr.hidden = !(words.every((word) => text.includes(word)) && (!filter || kind(tr.dataset.state) === filter));
    any ||= !tr.hidden;
  }
  const sifting = words.length > 0 || filter;
  for (const body of $$("tbody", table)) {
    body.hidden = sifting && $$("tr.program", body).every((tr) => tr.hidden);
    body.classList.toggle("folded", !sifting && folded.has(body.dataset.group));
  }
  $("#nomatch").hidden = any || rows.size === 0;
}

search.addEventListener("input", sift);
for (const chip of $$(".chip")) {
  chip.addEventListener("click", () => {
    filter = chip.dataset.filter;
    for (const other of $$(".chip")) other.setAttribute("aria-pressed", String(other === chip));
    sift();
  });
}

// Folding

const folded = new Set(JSON.parse(localStorage.getItem("vigilance.folded") ?? "[]"));

function showFolds() {
  for (const button of $$(".fold", table)) {
    button.setAttribute("aria-expanded", String(!folded.has(button.closest("tbody").dataset.group)));
  }
}

table.addEventListener("click", (event) => {
  const button = event.target.closest(".fold");
  if (!button) return;
  const group = button.closest("tbody").dataset.group;
  if (!folded.delete(group)) folded.add(group);
  localStorage.setItem("vigilance.folded", JSON.stringify([...folded]));
  showFolds();
  sift();
});

// Charts, of the rows that are on the screen

const visible = new Set();
const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) {
      visible.add(target);
      charts.show(target.dataset.name, target);
      if (target.dataset.state === "RUNNING") tick(target);
    } else {
      visible.delete(target);
    }
  }
});

setInterval(() => {
  for (const tr of visible) if (tr.dataset.state === "RUNNING") tick(tr);
}, 1000);

// Signals and logs

const more = $("#more");
more.close();
more.classList.remove("in-page");

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.more");
  if (button) openMore(button.dataset.target);
  if (event.target.closest("#more .close")) more.close();
});

function openMore(target) {
  const whole = target === "*" || target.endsWith(":*");
  $("h2", more).textContent = target === "*" ? "All programs" : target.replace(/:\*$/, "");
  $(".target", more).hidden = true;
  $('input[name="target"]', more).value = target;
  const links = $(".links", more);
  links.hidden = whole;
  const name = encodeURIComponent(target);
  const entries = [
    ["Log of stdout", `tail.html?processname=${name}`],
    ["Log of stderr", `tail.html?processname=${name}&channel=stderr`],
    ["Raw stream of stdout", `logtail/${name}`],
    ["Raw stream of stderr", `logtail/${name}/stderr`],
  ];
  links.replaceChildren(...entries.map(([text, href]) => Object.assign(document.createElement("a"), { textContent: text, href })));
  more.showModal();
}

$("form", more).addEventListener("submit", () => more.close());

// Configuration

function showPending(changes) {
  const list = $("#changes");
  list.replaceChildren(...changes.map((change) => {
    const item = document.createElement("li");
    item.dataset.kind = change.kind;
    const top = Object.assign(document.createElement("div"), { className: "change-head" });
    const button = Object.assign(document.createElement("button"), { name: "update", value: change.name, textContent: "Update" });
    button.setAttribute("aria-label", `Update ${change.name}`);
    top.append(
      Object.assign(document.createElement("b"), { textContent: change.name }), " ",
      Object.assign(document.createElement("span"), { className: "kind", textContent: change.kind }), button);
    const details = document.createElement("ul");
    details.append(...change.details.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
    item.append(top, details);
    return item;
  }));
  list.hidden = changes.length === 0;
  $("#update-all").hidden = changes.length === 0;
  $("#unchanged").hidden = changes.length > 0;
}

// Events

const EVENTS = 200;
let lost = 0;

function item(event) {
  const li = document.createElement("li");
  li.dataset.tone = event.tone;
  const at = new Date(event.at);
  const time = Object.assign(document.createElement("time"), { dateTime: event.at, textContent: at.toLocaleTimeString("en-GB"), title: at.toLocaleString() });
  const text = document.createElement("span");
  if (event.name) text.append(Object.assign(document.createElement("b"), { textContent: event.name }), " ");
  text.append(event.text);
  li.append(time, text);
  return li;
}

function showLost(n) {
  lost = n;
  $("#lost").textContent = lost ? `${lost} not shown` : "";
}

// What supervisord tells

on("picture", (picture) => {
  $("#down").hidden = picture.mood === "RUNNING";
  if (picture.mood !== "RUNNING") return; // what it has is the last that was known
  const names = picture.rows.map((row) => row.name);
  const wanted = new Set(names);
  for (const name of [...rows.keys()]) if (!wanted.has(name)) remove(name);
  picture.rows.forEach(show);
  arrange(names);
  charts.replace(picture.charts);
  for (const tr of visible) charts.show(tr.dataset.name, tr);
  $("#events").replaceChildren(...picture.recent.toReversed().map(item));
  showLost(picture.lost);
  showPending(picture.pending);
  settle();
});

on("rows", (delta) => {
  delta.gone?.forEach(remove);
  delta.set?.forEach(show);
  if (delta.order) arrange(delta.order);
  else if (delta.gone) $$("tbody", table).forEach(head);
  settle();
});

on("samples", (figures) => {
  charts.add(figures);
  for (const tr of visible) charts.show(tr.dataset.name, tr);
});

on("event", (event) => {
  const list = $("#events");
  list.prepend(item(event));
  while (list.children.length > EVENTS) list.lastElementChild.remove();
});

on("pending", showPending);
on("mood", (mood) => { $("#down").hidden = mood === "RUNNING"; });

function settle() {
  count();
  showFolds();
  sift();
}

for (const tr of rows.values()) {
  shorten(tr);
  seen.observe(tr);
}
settle();
start();
