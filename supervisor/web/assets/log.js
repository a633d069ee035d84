// The end of a log, as it grows.

import { $, $$, Charts, on, start, stateClass, uptime } from "./live.js";

const MOST_LINES = 5000;
const LONGEST = 20000; // characters of a line, before it is broken

const log = $("#log");
const name = document.body.dataset.name;

// Lines

let line; // the last one, while it may grow
let length = 0;

function newLine() {
  line = document.createElement("div");
  length = 0;
  log.append(line);
}

function write(text, style) {
  text.split("\n").forEach((part, i) => {
    if (i > 0) {
      if (!line) newLine(); // an empty one
      line = undefined;
    }
    for (; part; part = part.slice(LONGEST)) {
      if (!line || length >= LONGEST) newLine();
      const piece = part.slice(0, LONGEST);
      length += piece.length;
      if (style) {
        line.append(Object.assign(document.createElement("span"), { className: style, textContent: piece }));
      } else {
        line.append(piece);
      }
      touched.add(line);
    }
  });
}

function note(text) {
  newLine();
  line.className = "note";
  line.textContent = text;
  line = undefined;
}

function trim() {
  const extra = log.children.length - MOST_LINES;
  if (extra <= 0) return;
  for (let i = 0; i < extra; i++) {
    forget(log.firstElementChild);
    log.firstElementChild.remove();
  }
}

// Following: on while the end is in sight

const follow = $("#follow");
const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 24;
const toEnd = () => { log.scrollTop = log.scrollHeight; };

let scrolledTo = 0;
log.addEventListener("scroll", () => {
  if (log.scrollTop < scrolledTo - 1 && !atEnd()) follow.checked = false;
  else if (atEnd()) follow.checked = true;
  scrolledTo = log.scrollTop;
});
follow.addEventListener("change", () => { if (follow.checked) toEnd(); });
$("#wrap").addEventListener("change", (event) => {
  log.classList.toggle("wrap", event.target.checked);
  if (follow.checked) toEnd();
});
new ResizeObserver(() => { if (follow.checked) toEnd(); }).observe(log);

// Search

const search = $("#search");
const only = $("#only");
const touched = new Set(); // lines that have changed since they were searched
const found = new Map(); // ranges, by line
const marks = CSS.highlights ? new Highlight() : undefined;
if (marks) CSS.highlights.set("found", marks);

function forget(element) {
  for (const range of found.get(element) ?? []) marks?.delete(range);
  found.delete(element);
  touched.delete(element);
}

function look(element, wanted) {
  forget(element);
  element.classList.remove("hit");
  if (!wanted || element.className.includes("note")) return;
  const text = element.textContent.toLowerCase();
  const ranges = [];
  for (let at = text.indexOf(wanted); at >= 0 && ranges.length < 200; at = text.indexOf(wanted, at + wanted.length)) {
    ranges.push(rangeOf(element, at, at + wanted.length));
  }
  if (!ranges.length) return;
  element.classList.add("hit");
  found.set(element, ranges);
  for (const range of ranges) marks?.add(range);
}

// rangeOf finds characters in the pieces that a line is made of.
function rangeOf(element, from, to) {
  const range = new Range();
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  for (let at = 0, node = walker.nextNode(); node; node = walker.nextNode()) {
    const end = at + node.length;
    if (from >= at && from < end) range.setStart(node, from - at);
    if (to > at && to <= end) range.setEnd(node, to - at);
    at = end;
  }
  return range;
}

function showFound(wanted) {
  log.classList.toggle("only", only.checked && wanted !== "");
  let n = 0;
  for (const ranges of found.values()) n += ranges.length;
  $("#matches").textContent = wanted ? (n === 1 ? "1 match" : `${n} matches`) : "";
}

function searchAll() {
  const wanted = search.value.toLowerCase();
  for (const element of log.children) look(element, wanted);
  showFound(wanted);
  if (follow.checked) toEnd();
}

function searchTouched() {
  const wanted = search.value.toLowerCase();
  if (wanted) for (const element of touched) look(element, wanted);
  touched.clear();
  if (wanted) showFound(wanted);
}

search.addEventListener("input", searchAll);
only.addEventListener("change", searchAll);

// Enter goes to the next match, shift and Enter to the one before.
let current = -1;
search.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  const all = [...log.children].filter((element) => element.classList.contains("hit"));
  if (!all.length) return;
  current = (current + (event.shiftKey ? -1 : 1) + all.length) % all.length;
  follow.checked = false;
  all[current].scrollIntoView({ block: "center" });
});

// What supervisord tells

on("log", (piece) => {
  if (piece.begin) clear(); // what the page was loaded with is part of this
  if (piece.fresh) {
    clear();
    note("The log was cleared.");
  }
  if (piece.skipped) note(`${piece.skipped.toLocaleString("en")} bytes came too fast and are left out.`);
  if (piece.note) note(piece.note);
  const stay = follow.checked;
  for (const [text, style] of piece.runs ?? []) write(text, style);
  trim();
  searchTouched();
  if (stay) toEnd();
});

function clear() {
  log.replaceChildren();
  marks?.clear();
  found.clear();
  touched.clear();
  line = undefined;
}

// The program's state

const state = $("#state");
const charts = new Charts();

function show(row) {
  if (!state || row.name !== name) return;
  state.dataset.state = row.state;
  state.dataset.start = row.start;
  state.dataset.pid = row.pid;
  $(".action").dataset.state = row.state;
  const word = $(".status span", state);
  word.textContent = row.state.toLowerCase();
  word.className = stateClass(row.state);
  $(".desc", state).textContent = row.description;
  tick();
}

function tick() {
  if (state?.dataset.state !== "RUNNING") return;
  $(".desc", state).textContent = `pid ${state.dataset.pid}, uptime ${uptime(Number(state.dataset.start))}`;
}

function showCharts() {
  if (state) charts.show(name, $(".figures"));
}

on("picture", (picture) => {
  picture.rows.forEach(show);
  charts.replace(picture.charts);
  showCharts();
});
on("rows", (delta) => delta.set?.forEach(show));
on("samples", (figures) => {
  charts.add(name in figures ? { [name]: figures[name] } : {});
  showCharts();
});

setInterval(tick, 1000);
toEnd();
start();
